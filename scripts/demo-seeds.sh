#!/usr/bin/env bash
# The margin of `linear` over `supervised` for three seeds, on the demonstration's data set and budget.
# A seed draws the masks that are given, the initial weights and the order of the images.
# `supervised` also runs with twice the loss: `linear` adds two losses, and a longer gradient alone is
# not to pass for better labels. Writes docs/benchmarks/demo-seeds.md.
# usage: demo-seeds.sh [OUTPUT]      default: runs/demo-seeds, whose finished runs are kept
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/demo-set.sh
output=${1:-runs/demo-seeds}
table=docs/benchmarks/demo-seeds.md
seeds=(0 1 2)

train() {  # run seed [override ...]
    local run=$output/$1-$2 seed=$2
    shift 2
    [ -f "$run/result.json" ] && return
    rm -rf "$run"
    $emend train --config scripts/demo.yaml --data "$output/data" --run "$run" \
        --workers 2 --servers 2 seed="$seed" data.splitSeed="$seed" "$@"
}

score() {  # key run
    sed -n 's/.*"'"$1"'":\([0-9.]*\).*/\1/p' "$output/$2/result.json"
}

mkdir -p "$output" "$(dirname "$table")"
[ -d "$output/data" ] || synthesize "$output/data"
for seed in "${seeds[@]}"; do
    train linear "$seed" method=linear
    train supervised-1 "$seed" method=supervised loss.weight=1
    train supervised-2 "$seed" method=supervised loss.weight=2
done

rows=$(for seed in "${seeds[@]}"; do
    echo "$seed $(score ancillary_mean_iou linear-"$seed") $(score mean_iou supervised-1-"$seed")" \
        "$(score mean_iou supervised-2-"$seed") $(score mean_iou linear-"$seed")"
done)
{
    cat <<EOT
# The demonstration's margin for three seeds

Mean IoU in per cent on the 60 validation images of the synthetic set, by \`make demo-seeds\`. Of 400
training images some have masks (\`data.supervised\` in \`scripts/demo.yaml\`), the others boxes alone.
All runs have the same optimizer and the same number of steps and images in \`main\`; \`linear\` trains
its ancillary model before. The margin is over the better control of the same seed.
The setting was chosen on the validation score of seed 0, mostly by runs of \`linear\`; seeds 1 and 2 took no
part in the choice.

| seed | ancillary (sees boxes) | supervised, loss weight 1 | supervised, loss weight 2 | linear | margin |
|---|---|---|---|---|---|
EOT
    awk '{
        best = $3 > $4 ? $3 : $4
        printf "| %s | %.1f | %.1f | %.1f | %.1f | %+.1f |\n", $1, $2, $3, $4, $5, $5 - best
        for (i = 2; i <= 5; i++) sum[i] += $i
        margin += $5 - best
    } END {
        printf "| mean | %.1f | %.1f | %.1f | %.1f | %+.1f |\n",
            sum[2] / NR, sum[3] / NR, sum[4] / NR, sum[5] / NR, margin / NR
    }' <<<"$rows"
    cat <<EOT

Measured on $(date -u +%Y-%m-%d), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores.
The parameters do not depend on the number of processes and threads.
EOT
} >"$table"

cat "$table"
awk '{
    margin = $5 - ($3 > $4 ? $3 : $4); sum += margin
    if (margin < -0.5) low = 1
} END { exit sum / NR < 2 || low }' <<<"$rows" || {
    echo "demo-seeds: the margin is below 2 points in the mean or below -0.5 for a seed" >&2
    exit 1
}
