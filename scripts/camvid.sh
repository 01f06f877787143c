#!/usr/bin/env bash
# Trains every method on CamVid by the small budget of ../shared/peers/README.md.
# usage: camvid.sh OUTPUT [SEED ...]      results: OUTPUT/NAME-SEED/result.json, logs: OUTPUT/NAME-SEED.log
# May be stopped and started again: finished runs are kept, others go on from their last checkpoint.
# As many runs at a time as there are processors, each of one thread: threads do not change a run's bits.
# METHODS ("supervised linear …") chooses among them, PRECISION=bf16 rounds the operands of products.
set -euo pipefail
cd "$(dirname "$0")/.."
export output=${1:?usage: camvid.sh OUTPUT [SEED ...]} data=../shared/data/camvid PRECISION=${PRECISION:-float32}
shift
[ -d "$data" ] || { echo "camvid.sh: there is no $data" >&2; exit 66; }

train() {  # name seed
    local run="$output/$1-$2" method=$1 overrides=()
    case $1 in
        ancillary) method=linear overrides=(phases.main.steps=0) ;;
        linear | none) overrides=(ancillary.weights="$output/ancillary-$2") ;;
    esac
    [ -f "$run/result.json" ] && return
    .build/release/emend train --config scripts/camvid.yaml --data "$data" --run "$run" \
        --resume auto --threads 1 --progress plain method="$method" seed="$2" precision="$PRECISION" "${overrides[@]}" \
        >"$run.log" 2>&1 || { echo "camvid.sh: $run failed, see $run.log" >&2; return 1; }
    echo "$run"
}
export -f train

all() {  # name ...
    local name seed
    for name in "$@"; do
        for seed in "${seeds[@]}"; do echo "$name $seed"; done
    done | xargs -r -P "$(nproc)" -L 1 bash -c 'train "$@"' train
}

mkdir -p "$output"
seeds=("$@")
[ $# -gt 0 ] || seeds=(0 1)
first=() second=()
for name in ${METHODS:-supervised ancillary linear em-fixed none convolutional}; do
    case $name in
        supervised | ancillary) first+=("$name") ;;
        *) second+=("$name") ;;
    esac
done
all "${first[@]}"
all "${second[@]}"
