#!/usr/bin/env python3
"""Compares a run of Emend with the recording of the PyTorch peer that it repeated.

    python compare_trajectory.py NAME FOLDER RUN BOUND

FOLDER is what trajectory.py wrote, RUN the directory of `emend train`, with a checkpoint after every
phase. Prints one row of a Markdown table per phase: the largest relative difference of a loss, and the
relative L2 distance of the parameters' change since the first step, ‖(a − s) − (b − s)‖ / ‖b − s‖, for
the weights and for the running statistics. Exits with 1 where a loss is off by more than 1e-4 or the
weights by more than BOUND. Needs numpy and safetensors.
"""
import json
import os
import sys

import numpy as np
from safetensors.numpy import load_file

LOSS_BOUND = 1e-4


def checkpoint(run, step):
    """The values of a checkpoint's tensors, flat, by group and name."""
    folder = os.path.join(run, 'checkpoints', f'{step:012d}')
    slices = {}
    for file in sorted(os.listdir(folder)):
        if not file.endswith('.safetensors'):
            continue
        for key, value in load_file(os.path.join(folder, file)).items():
            path, offset = key.split('@')
            name, plane = path.rsplit('/', 1)
            if plane == 'values':
                slices.setdefault(name, []).append((int(offset), value.ravel()))
    return {name: np.concatenate([v for _, v in sorted(parts, key=lambda part: part[0])])
            for name, parts in slices.items()}


def distance(start, ours, theirs, names):
    """Relative L2 distance of the change of the named tensors."""
    difference = change = 0.0
    for name in names:
        a, b, s = (np.asarray(x[name], np.float64).ravel() for x in (ours, theirs, start))
        difference += np.sum((a - b) ** 2)
        change += np.sum((b - s) ** 2)
    return np.sqrt(difference / change)


def main():
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    name, folder, run, bound = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
    start = checkpoint(run, 0)
    expected = load_file(os.path.join(folder, 'expected.safetensors'))
    with open(os.path.join(run, 'metrics.jsonl')) as lines:
        steps = [json.loads(line) for line in lines]
    phases = dict.fromkeys(step['phase'] for step in steps)     # in the order of the run
    recorded = {key.split('/')[0] for key in expected}
    if set(phases) != recorded:
        raise SystemExit(f'{name}: the run has phases {list(phases)}, the recording {recorded}')
    kept, end = True, 0
    for phase in phases:
        losses = np.array([s['losses']['total'] for s in steps if s['phase'] == phase])
        theirs = expected[f'{phase}/losses'].astype(np.float64)
        if len(losses) != len(theirs):
            raise SystemExit(f'{name}: {len(losses)} steps of {phase}, recorded {len(theirs)}')
        worst = np.max(np.abs(losses - theirs) / np.abs(theirs))
        prefix = f'{phase}/after/'
        after = {key[len(prefix):]: v for key, v in expected.items() if key.startswith(prefix)}
        end += len(losses)
        ours = checkpoint(run, end)
        weights = distance(start, ours, after, [k for k in after if 'Statistics/' not in k])
        statistics = [k for k in after if 'Statistics/' in k]
        moved = f'{distance(start, ours, after, statistics):.4f}' if statistics else '–'
        print(f'| {name} | {phase} | {len(losses)} | {worst:.1e} | {weights:.4f} | {bound} | {moved} |')
        kept = kept and worst <= LOSS_BOUND and weights <= bound
    if not kept:
        raise SystemExit(f'{name}: beyond the bound')


if __name__ == '__main__':
    main()
