#!/bin/sh
# Records five steps of every method with the PyTorch peer and converts them for our tests:
#     record-trajectories.sh PEER FOLDER
# PEER is selfcorrect_torch.py, FOLDER receives one folder per recording; the tests look into
# .build/trajectories or $EMEND_TRAJECTORIES. EMEND_PYTHON names an interpreter with torch,
# numpy, pillow and safetensors. Takes about a minute.
set -eu
[ $# = 2 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 64; }
peer=$(realpath "$1")
convert=$(realpath "$(dirname "$0")")/trajectory.py
labels=$(realpath "$(dirname "$1")/../data/camvid/labels.txt")
mkdir -p "$2"
folder=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
record() { # NAME METHOD [OPTIONS]
    name=$1; shift
    "${EMEND_PYTHON:-python3}" "$peer" "$@" --trajectory "$name.safetensors" --steps 5 --crop 129 \
        --optimizer sgd --lr 0.0005 --threads 1 >&2
    "${EMEND_PYTHON:-python3}" "$convert" "$name.safetensors" "$folder/$name" "$labels"
    rm "$name.safetensors"
}
record ancillary ancillary
record ancillary-half ancillary --half
for method in supervised none linear em-fixed convolutional; do record $method $method; done
