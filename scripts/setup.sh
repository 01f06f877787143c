#!/usr/bin/env bash
# Installs the Debian packages Emend builds on where they are missing, and checks for Swift 6.
# `developer` adds what regenerates sources and cuts networks, `emulation` what runs kernels for arm64.
set -euo pipefail

packages=(
    libzmq3-dev libprotobuf-c-dev libopenblas-pthread-dev libturbojpeg0-dev
    libpng-dev zlib1g-dev libsodium-dev libxxhash-dev
)
case "${1:-}" in
    developer) packages+=(protobuf-c-compiler iproute2 nftables) ;;
    emulation) packages+=(qemu-user-static libc6-dev-arm64-cross libgcc-12-dev-arm64-cross) ;;
esac

missing=()
for package in "${packages[@]}"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        echo "setup: these libraries are missing and there is no apt-get: ${missing[*]}" >&2
        echo "setup: install their counterparts with your system's package tool and try again" >&2
        exit 69
    fi
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    echo "setup: installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
fi

if ! command -v swift >/dev/null; then
    cat >&2 <<'EOT'
setup: Swift is missing. Emend needs Swift 6.2 or newer:
    https://www.swift.org/install/linux/    (swiftly: one command, no root; choose the latest release)
then run this command again.
EOT
    exit 69
fi
version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
read -r major minor <<<"${version:-0 0}"
if [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; then
    echo "setup: Swift $major.$minor is too old: Emend needs 6.2 or newer, see https://www.swift.org/install/linux/" >&2
    exit 69
fi
