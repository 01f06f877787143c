#!/usr/bin/env bash
# The main job at a small scale, without network or data: makes a synthetic data set, trains the
# self-correcting model (`linear`: few masks, many boxes) and the control on the masks alone, each
# with 1 coordinator, 2 servers and 2 workers, and shows both beside the truth.
# usage: demo.sh [OUTPUT]      default: runs/demo, which is replaced
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/demo-set.sh
output=${1:-runs/demo}
data=$output/data

rm -rf "$output"
mkdir -p "$output"
synthesize "$data"
for method in linear supervised; do
    echo
    echo "== $method"
    $emend train --config scripts/demo.yaml --data "$data" --run "$output/$method" \
        --workers 2 --servers 2 method=$method
done

echo
echo "== masks alone (supervised) against masks and boxes (linear; its ancillary model sees the boxes)"
$emend compare "$output/supervised" "$output/linear"
echo
echo "== to look at"
$emend sheet "$output/linear" "$output/supervised" --data "$data" --output "$output/sheet.png"
for image in val_0000 val_0001 val_0002 val_0003; do
    $emend predict "$output/linear" "$data/JPEGImages/$image.jpg" --output "$output/overlays" >/dev/null
done
echo "$output/overlays: the linear model's labels over validation images"
echo
echo "finished in $((SECONDS / 60)) min $((SECONDS % 60)) s, the build not counted"
