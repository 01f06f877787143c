#!/usr/bin/env bash
# Trains every method on CamVid by the small budget of ../shared/peers/README.md.
# usage: camvid.sh OUTPUT [SEED ...]      result.json of each run: OUTPUT/METHOD-SEED/result.json
set -euo pipefail
cd "$(dirname "$0")/.."
output=${1:?usage: camvid.sh OUTPUT [SEED ...]}
shift
data=../shared/data/camvid
[ -d "$data" ] || { echo "camvid.sh: there is no $data" >&2; exit 66; }

train() {  # method seed [override ...]
    local method=$1 seed=$2 run="$output/$1-$2"
    shift 2
    [ -f "$run/result.json" ] && return
    rm -rf "$run"
    .build/release/emend train --config scripts/camvid.yaml --data "$data" --run "$run" \
        --progress plain method="$method" seed="$seed" "$@" 2>"$output/$method-$seed.log"
}

mkdir -p "$output"
[ $# -gt 0 ] || set -- 0 1
for seed in "$@"; do
    train linear "$seed"
    train supervised "$seed"
    train none "$seed" ancillary.weights="$output/linear-$seed"
    train convolutional "$seed"
    train em-fixed "$seed"
done
