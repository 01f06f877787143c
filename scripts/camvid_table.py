"""Writes docs/benchmarks/camvid.md from the runs of camvid.sh: python3 scripts/camvid_table.py OUTPUT [OUTPUT16]

OUTPUT16 holds the runs of PRECISION=bf16 camvid.sh, where there are any.

The peer's figures are those of ../shared/peers/README.md (mean_iou_present, AdamW 0.001), but for em-fixed: that was
run here with both seeds (selfcorrect_torch.py em-fixed --seed N --threads 1), for its seeds differ by four points.
"""
import datetime, glob, json, os, platform, sys

PEER = {'ancillary': [65.8], 'supervised': [42.7, 40.9], 'none': [42.7], 'linear': [41.4],
        'convolutional': [50.7], 'em-fixed': [37.9, 34.0]}
ALLOWANCE = 2.0
ROUNDING_ALLOWANCE = 1.5
SHEET = ['linear', 'supervised', 'none', 'em-fixed', 'convolutional']


def runs_in(output):
    runs = {}
    for path in sorted(glob.glob(f'{output}/*/result.json')):
        run = json.load(open(path))
        runs[os.path.basename(os.path.dirname(path)).rsplit('-', 1)[0], run['seed']] = run
    return runs


runs = runs_in(sys.argv[1])
rounded = runs_in(sys.argv[2]) if len(sys.argv) > 2 else {}
seeds = sorted({seed for _, seed in runs})
trained = [key for key in sorted(runs) if runs[key]['class_iou']]
classes = runs[trained[0]]['class_iou']


def score(runs, method, seed):
    run = runs.get((method, seed))
    key = 'ancillary_mean_iou_present' if method == 'ancillary' else 'mean_iou_present'
    return run and run[key]


def cell(value):
    return 'n/a' if value is None else f'{value:.1f}'


model = next((line.split(':')[1].strip() for line in open('/proc/cpuinfo')
              if line.startswith('model name')), platform.machine())
lines = ['# Accuracy beside PyTorch on CamVid', '',
         'F = 60 masks, W = 307 images with boxes, V = 1, b = 4 (2 F + 2 W), 500 steps per phase, AdamW at 0.001,',
         'crop 257, scales 0.5–1.5, MobileNetV2 from ImageNet: the budget of `selfcorrect_torch.py`. Mean IoU over the',
         'classes in the truth, validation list, single scale, native size, in per cent.', '',
         f'{os.cpu_count()} processors ({model}), {datetime.date.today()}. Commands: `scripts/camvid.sh OUTPUT 0 1`,',
         '`python3 scripts/camvid_table.py OUTPUT`; the peer: `../shared/peers/README.md`, one seed where it names',
         'one; `em-fixed` was run with both seeds on this machine: 37.9 and 34.0 (README, seed 0: 38.1). In its seed 1, as',
         'in both of ours, pavement, which lies inside the boxes of roads, is lost to them. Convolutions of the head begin',
         'as the peer draws them (`network.headInitialisation: fan-in`), but taps that crops of 257 never reach begin at 0',
         '([METHOD.md](../METHOD.md#unreachable-taps)). With TF\'s initial values and such taps drawn, `supervised` reached',
         '39.7 and 25.8, `ancillary` 64.7 and 56.7 (seeds 0 and 1).', '',
         '| method | ' + ' | '.join(f'seed {s}' for s in seeds) + ' | mean | PyTorch | difference | at least −2.0 |',
         '|---|' + '---|' * (len(seeds) + 4)]
for method, peer in PEER.items():
    scores = [score(runs, method, seed) for seed in seeds]
    known = [value for value in scores if value is not None]
    reference = sum(peer) / len(peer)
    mean = sum(known) / len(known) if known else None
    verdict = 'not run yet' if mean is None else 'yes' if mean >= reference - ALLOWANCE else '**no**'
    if 0 < len(known) < len(seeds):
        verdict += f' ({len(known)} of {len(seeds)} seeds)'
    difference = 'n/a' if mean is None else f'{mean - reference:+.1f}'
    lines.append(f'| `{method}` | ' + ' | '.join(cell(v) for v in scores)
                 + f' | {cell(mean)} | {reference:.1f} | {difference} | {verdict} |')
if rounded:
    lines += ['', '`precision: bf16` (`PRECISION=bf16 scripts/camvid.sh OUTPUT16 0 1`) beside float32:', '',
              '| method | ' + ' | '.join(f'seed {s}' for s in seeds) + ' | mean | float32 | difference | within 1.5 |',
              '|---|' + '---|' * (len(seeds) + 4)]
    for method in PEER:
        if any((method, seed) not in results for seed in seeds for results in (runs, rounded)):
            continue
        scores = [score(rounded, method, seed) for seed in seeds]
        mean = sum(scores) / len(seeds)
        reference = sum(score(runs, method, seed) for seed in seeds) / len(seeds)
        verdict = 'yes' if abs(mean - reference) <= ROUNDING_ALLOWANCE else '**no**'
        lines.append(f'| `{method}` | ' + ' | '.join(cell(v) for v in scores)
                     + f' | {cell(mean)} | {reference:.1f} | {mean - reference:+.1f} | {verdict} |')
lines += ['', 'Per class, primary model:', '',
          '| class | ' + ' | '.join(f'{m} {s}' for m, s in trained) + ' |', '|---|' + '---|' * len(trained)]
for name in classes:
    lines.append(f'| {name} | ' + ' | '.join(cell(runs[key]['class_iou'][name]) for key in trained) + ' |')
lines += ['', '## Pictures', '',
          'Four validation images; the columns are the ancillary model (which sees boxes), its linear correction, then the',
          'primary models of ' + ', '.join(f'`{m}`' for m in SHEET) + ' (seed 0). The data set must not be',
          'copied into this repository: without `--columns predictions` a sheet begins with input, boxes and truth.', '',
          '    emend sheet ' + ' '.join(f'OUTPUT/{m}-0' for m in SHEET) + ' \\',
          '        --data ../shared/data/camvid --output docs/benchmarks/camvid.png --images 4 --columns predictions', '',
          '![Predictions](camvid.png)' if os.path.exists('docs/benchmarks/camvid.png') else 'Not drawn yet.', '',
          '## Hashes']
lines += ['', '`parameters_sha256` (class `portable-1`, so that every processor ends with the same):', '']
lines += [f'- `{m}` seed {s}: `{runs[m, s]["parameters_sha256"]}`' for m, s in sorted(runs)]
open('docs/benchmarks/camvid.md', 'w').write('\n'.join(lines) + '\n')
print('\n'.join(lines))
