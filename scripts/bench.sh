#!/usr/bin/env bash
# Times a training step beside the PyTorch peer, in turn, and writes the table of ratios.
# Needs ../shared/peers and a Python with torch: EMEND_PYTHON (default python3).
set -euo pipefail
cd "$(dirname "$0")/.."
python=${EMEND_PYTHON:-python3}
peer=../shared/peers/deeplab_torch.py
pairs=${EMEND_PAIRS:-5}
[ -f "$peer" ] || { echo "bench: $peer is not here: nothing to measure against" >&2; exit 66; }
"$python" -c 'import torch' 2>/dev/null || {
    echo "bench: $python has no torch; set EMEND_PYTHON to one that has (see $peer)" >&2
    exit 69
}
arguments=(--threads 2 --batch 4 --size 321 --json)
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
for ((pair = 1; pair <= pairs; pair++)); do
    .build/release/emend bench step --network mobilenetv2 "${arguments[@]}" >>"$lines"
    "$python" "$peer" mobilenetv2 "${arguments[@]}" >>"$lines"
    echo "bench: pair $pair of $pairs done" >&2
done
"$python" - "$lines" docs/benchmarks/step.md <<'EOT'
import json, os, platform, statistics, sys, datetime
rows = [json.loads(line) for line in open(sys.argv[1])]
ours, theirs = rows[0::2], rows[1::2]
ratios = [t['step_s'] / o['step_s'] for o, t in zip(ours, theirs)]
model = next((l.split(':')[1].strip() for l in open('/proc/cpuinfo') if l.startswith('model name')), platform.machine())
text = f'''# A training step beside PyTorch

DeepLabv3+ on MobileNetV2, batch 4, 321², 21 classes, 2 threads: forward, loss, backward, update.
{os.cpu_count()} processors ({model}, {ours[0]["isa"]}), torch {theirs[0]["torch"]} with tuned malloc, {datetime.date.today()}.
Command: `make bench` ({len(ours)} pairs in turn, each the median of 5 steps).

| pair | Emend, s | PyTorch, s | ratio |
|---|---|---|---|
''' + ''.join(f'| {i + 1} | {o["step_s"]:.3f} | {t["step_s"]:.3f} | {r:.2f} |\n' for i, (o, t, r) in enumerate(zip(ours, theirs, ratios)))
text += f'''| median | {statistics.median(o["step_s"] for o in ours):.3f} | {statistics.median(t["step_s"] for t in theirs):.3f} | {statistics.median(ratios):.2f} |

Peak memory: Emend {ours[0]["peak_rss_mb"]:.0f} MiB, PyTorch {theirs[0]["peak_rss_mb"]:.0f} MiB (its tuned malloc keeps freed memory).
'''
open(sys.argv[2], 'w').write(text)
print(text)
EOT
