#!/usr/bin/env bash
# Trains every method on CamVid by the small budget of ../shared/peers/README.md.
# usage: camvid.sh OUTPUT [SEED ...]      results: OUTPUT/NAME-SEED/result.json; finished runs are kept
set -euo pipefail
cd "$(dirname "$0")/.."
output=${1:?usage: camvid.sh OUTPUT [SEED ...]}
shift
data=../shared/data/camvid
[ -d "$data" ] || { echo "camvid.sh: there is no $data" >&2; exit 66; }

train() {  # name method seed [override ...]
    local run="$output/$1-$3" log="$output/$1-$3.log" method=$2 seed=$3
    shift 3
    [ -f "$run/result.json" ] && return
    rm -rf "$run"
    .build/release/emend train --config scripts/camvid.yaml --data "$data" --run "$run" \
        --progress plain method="$method" seed="$seed" "$@" 2>"$log"
}

mkdir -p "$output"
[ $# -gt 0 ] || set -- 0 1
for seed in "$@"; do
    train supervised supervised "$seed"
    train ancillary linear "$seed" phases.main.steps=0
done
for seed in "$@"; do
    train linear linear "$seed" ancillary.weights="$output/ancillary-$seed"
    train em-fixed em-fixed "$seed"
    train none none "$seed" ancillary.weights="$output/ancillary-$seed"
    train convolutional convolutional "$seed"
done
