#!/usr/bin/env bash
# Builds kernel-replay: Tests/KernelReplay/build.sh PROGRAM [arm64]
set -euo pipefail
program=${1:?where to write the program} processor=${2:-}
cd "$(dirname "$0")/../.."
flags=(-std=gnu17 -O2 -Wall -Werror -ISources/CKernels/include -ISources/CKernelRecording)
# Static, so that an emulator needs no foreign libraries.
[ "$processor" = arm64 ] && flags+=(--target=aarch64-linux-gnu -fuse-ld=lld -static)
clang "${flags[@]}" -o "$program" Sources/CKernels/*.c Sources/CKernels/twins/*.c \
    Sources/CKernelRecording/call.c Tests/KernelReplay/*.c -lm -lpthread
