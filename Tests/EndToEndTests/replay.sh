#!/bin/sh
# Repeats the recordings of the PyTorch peer through coordinator, server and worker, and compares:
#     replay.sh PEER TABLE
# PEER is selfcorrect_torch.py; TABLE receives the result as Markdown. $EMEND_TRAJECTORIES names a folder
# of recordings (see record-trajectories.sh); without it they are made anew. EMEND_PYTHON names an
# interpreter with torch, numpy, pillow and safetensors. Takes a few minutes; exits with 1 where a bound
# is passed. A trained ancillary model comes from the recording, as the peer itself takes its own.
set -eu
[ $# = 2 ] || { sed -n '2,7s/^# //p' "$0" >&2; exit 64; }
here=$(realpath "$(dirname "$0")")
emend=$here/../../.build/release/emend
[ -x "$emend" ] || { echo "replay.sh: $emend is missing; run make build" >&2; exit 69; }
python=${EMEND_PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
recordings=${EMEND_TRAJECTORIES:-$work/recordings}
[ -d "$recordings" ] || sh "$here/record-trajectories.sh" "$1" "$recordings"

failed=0
replay() { # NAME METHOD BOUND PHASE ...
    name=$1 method=$2 bound=$3
    shift 3
    folder=$recordings/$name
    steps="phases.ancillary.steps=0 phases.warmup.steps=0 phases.main.steps=0"
    teacher=
    case "$*:$method" in
        ancillary:* | *:supervised | *:em-fixed) ;;
        *) teacher=ancillary.weights=$folder/initial.safetensors ;;
    esac
    for phase in "$@"; do steps="$steps phases.$phase.steps=5"; done
    # shellcheck disable=SC2086
    "$emend" train --workers 1 --servers 1 --run "$work/$name" --progress off \
        method="$method" data.recording="$folder/batches.safetensors" \
        network.weights="$folder/initial.safetensors" $teacher $steps \
        slots.count=1 slots.batch=4 data.crop=129 network.dropoutKeep=1 network.headDecay=0.997 \
        optimizer.rule=sgd optimizer.learningRate=0.0005 optimizer.biasLearningRateMultiplier=1 \
        checkpoint.every=5 >"$work/$name.output" 2>"$work/$name.log" \
        || { cat "$work/$name.log" >&2; exit 70; }
    "$python" "$here/compare_trajectory.py" "$name" "$folder" "$work/$name" "$bound" || failed=1
}

(
    cat <<'EOT'
# Step by step beside PyTorch

`shared/peers/selfcorrect_torch.py` records five steps of every method (weights, batches, losses;
dropout off, SGD at 0.0005, crop 129, CamVid); `emend train` repeats them from the same weights and
batches through coordinator, server and worker with V = 1.

- *loss*: largest relative difference of a step's loss; bound 1e-4.
- *weights*: relative L2 distance of the change of the trained weights since the first step,
  ‖(a − s) − (b − s)‖ / ‖b − s‖; its bound is beside it. PyTorch's own distance between one and two
  threads is 0.008, and 0.04 to 0.07 for `convolutional`.
- *statistics*: the same of the running means and variances.

| recording | phase | steps | loss | weights | bound | statistics |
|---|---|---|---|---|---|---|
EOT
    replay ancillary none 0.03 ancillary
    replay ancillary-half none 0.03 ancillary
    replay supervised supervised 0.03 main
    replay none none 0.03 main
    replay linear linear 0.03 main
    replay em-fixed em-fixed 0.03 main
    replay convolutional convolutional 0.15 warmup main
    cat <<'EOT'

Made by

    EMEND_PYTHON=… Tests/EndToEndTests/replay.sh ../shared/peers/selfcorrect_torch.py docs/benchmarks/trajectory.md
EOT
    processor=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
    torch=$("$python" -c 'import torch; print(torch.__version__)')
    printf '\non %s, PyTorch %s.\n' "$processor" "$torch"
    exit $failed
) >"$work/table.md" && status=0 || status=$?
mkdir -p "$(dirname "$2")"
cp "$work/table.md" "$2"
exit "$status"
