"""Times Emend beside its PyTorch peers, in turn, and writes the tables of docs/benchmarks.

    bench.py [step] [bf16] [exchange] [job] [growth]   default: all five, some fifty minutes on two cores

Needs ../shared/peers and a Python with torch (this one). EMEND_PAIRS: how often both are timed, default 5. Every pair
that is done is kept in .build/bench, so that a run may be stopped and started again; --anew measures them again, and
--table measures nothing and writes the tables of what is there.
"""
import datetime, json, os, platform, statistics, subprocess, sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
EMEND = f'{ROOT}/.build/release/emend'
PEERS = f'{ROOT}/../shared/peers'
KEPT = f'{ROOT}/.build/bench'
PAIRS = int(os.environ.get('EMEND_PAIRS', 5))
#        network       batch size threads  ratio that is asked for
STEPS = [('mobilenetv2', 4, 321, 2, 1.6), ('xception65', 2, 321, 2, 1.4), ('mobilenetv2', 2, 513, 2, 1.44),
         ('xception65', 2, 513, 2, 1.26), ('mobilenetv2', 4, 321, 1, 1.44), ('xception65', 2, 321, 1, 1.26)]
# The ratio that is asked for over our own float32, where one is; over the peer in bf16 it is 1.
BF16 = [('xception65', 2, 1.3), ('mobilenetv2', 4, None)]
MEMORY = [('mobilenetv2', 4, 0.5), ('xception65', 2, 0.65)]
JOBS = [('mobilenetv2', 1.5), ('xception65', 1.35)]


def run(words):
    ended = subprocess.run(words, stdout=subprocess.PIPE, text=True)
    if ended.returncode:
        sys.exit(f'bench: {" ".join(words)} ended with {ended.returncode}')
    # What else the machine had to do shows beside the figures.
    return json.loads(ended.stdout.splitlines()[-1]) | {'load': os.getloadavg()[0]}


def pairs(name, ours, theirs, count=PAIRS):
    """`count` times ours and theirs in turn; those of an earlier run first."""
    return turns(name, [words for words in (ours, theirs) if words], count)


def turns(name, commands, count=PAIRS):
    """`count` times all commands in turn; those of an earlier run first."""
    os.makedirs(KEPT, exist_ok=True)
    path = f'{KEPT}/{name}.jsonl'
    if commands and '--anew' in sys.argv and os.path.exists(path):
        os.remove(path)
    done = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
    while commands and len(done) < count and '--table' not in sys.argv:
        done.append([run(words) for words in commands])
        with open(path, 'a') as file:
            file.write(json.dumps(done[-1]) + '\n')
        print(f'bench: {name}: {len(done)} of {count}', file=sys.stderr)
    return done[:count]


def machine(isa=''):
    model = next((line.split(':')[1].strip() for line in open('/proc/cpuinfo')
                  if line.startswith('model name')), platform.machine())
    return f'{os.cpu_count()} processors ({model}{", " + isa if isa else ""}), {datetime.date.today()}'


def write(name, lines):
    text = '\n'.join(lines) + '\n'
    with open(f'{ROOT}/docs/benchmarks/{name}.md', 'w') as file:
        file.write(text)
    print(text)


def verdict(value, bound):
    if bound is None:
        return f'{value:.2f} | | '
    return f'{value:.2f} | {bound:.2f} | {"yes" if value >= bound else "**no**"}'


def step_words(network, batch, size, threads):
    return [network, '--batch', str(batch), '--size', str(size), '--threads', str(threads), '--json']


def steps():
    rows, isa, torch = [], '', ''
    for network, batch, size, threads, bound in STEPS:
        words = step_words(network, batch, size, threads)
        done = pairs(f'step-{network}-{batch}-{size}-{threads}', [EMEND, 'bench', 'step', '--network', *words],
                     [sys.executable, f'{PEERS}/deeplab_torch.py', *words])
        if not done:
            continue
        ratios = [t['step_s'] / o['step_s'] for o, t in done]
        isa, torch = done[0][0]['isa'], done[0][1]['torch']
        shares = [o['fma_peak_ratio'] for o, _ in done]
        rows.append(f'| {network} | {batch} | {size} | {threads} | {statistics.median(o["step_s"] for o, _ in done):.3f}'
                    f' | {statistics.median(t["step_s"] for _, t in done):.3f} | {verdict(statistics.median(ratios), bound)}'
                    f' | {min(ratios):.2f}–{max(ratios):.2f} | {len(done)} | {100 * statistics.median(shares):.0f} % |')
    memory = []
    for network, batch, bound in MEMORY:
        words = step_words(network, batch, 321, 2)
        done = pairs(f'memory-{network}', [EMEND, 'bench', 'step', '--network', *words, '--steps', '2'],
                             [sys.executable, f'{PEERS}/deeplab_torch.py', *words, '--steps', '2', '--untuned-malloc'], 1)
        if not done:
            continue
        ours, theirs = done[0]
        share = ours['peak_rss_mb'] / theirs['peak_rss_mb']
        memory.append(f'| {network} | {batch} | {ours["peak_rss_mb"]:.0f} | {theirs["peak_rss_mb"]:.0f} | {share:.2f} | {bound:.2f}'
                      f' | {"yes" if share <= bound else "**no**"} |')
    write('step', [
        '# A training step beside PyTorch', '',
        'DeepLabv3+, 21 classes: forward, loss, backward, update; input is not counted. Medians of',
        f'pairs timed in turn, each the median of 5 steps. {machine(isa)}, torch {torch} with tuned malloc.',
        'Command: `make bench`, or `scripts/bench.py step`. The last column is the share of the multiply-add rate that the',
        'same process reached on the same threads.', '',
        '| network | batch | side | threads | Emend, s | PyTorch, s | ratio | asked | met | range | pairs | of the peak |',
        '|---|---|---|---|---|---|---|---|---|---|---|---|', *rows, '',
        'Peak memory (`VmHWM`) at 321², 2 threads, PyTorch with `--untuned-malloc`, in MiB:', '',
        '| network | batch | Emend | PyTorch | share | at most | met |', '|---|---|---|---|---|---|---|', *memory])


def has_precision(precision):
    """Whether this machine computes in it; says why not."""
    probe = subprocess.run([EMEND, 'bench', 'step', '--network', 'tiny', '--size', '33', '--steps', '1', '--precision', precision],
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if probe.returncode == 78:
        print(f'bench: {precision} is not measured here: {probe.stderr.strip()}', file=sys.stderr)
    return probe.returncode == 0


def bfloat16():
    precisions = [precision for precision in ['bf16', 'bf16-amx'] if has_precision(precision)]
    if not precisions:
        return
    rows, isa, torch = [], '', ''
    for network, batch, bound in BF16:
        words = step_words(network, batch, 321, 2)
        ours = [EMEND, 'bench', 'step', '--network', *words, '--precision']
        done = turns('-'.join(precisions) + f'-{network}',
                     [ours + [precision] for precision in precisions]
                     + [[sys.executable, f'{PEERS}/deeplab_torch.py', *words, '--bf16'], ours + ['float32']])
        if not done:
            continue
        isa, torch = done[0][0]['isa'], done[0][-2]['torch']
        median = lambda place: statistics.median(row[place]['step_s'] for row in done)
        for place, precision in enumerate(precisions):
            over = lambda other: [row[other]['step_s'] / row[place]['step_s'] for row in done]
            rows.append(f'| {network} | {batch} | {precision} | {median(place):.3f}'
                        f' | {median(-1):.3f} | {verdict(statistics.median(over(-1)), bound)}'
                        f' | {min(over(-1)):.2f}–{max(over(-1)):.2f}'
                        f' | {median(-2):.3f} | {verdict(statistics.median(over(-2)), 1)}'
                        f' | {min(over(-2)):.2f}–{max(over(-2)):.2f} | {len(done)}'
                        f' | {statistics.median(result["load"] for row in done for result in row):.0f} |')
    write('bf16', [
        '# A training step in bfloat16', '',
        'DeepLabv3+, 321², 21 classes, 2 threads: forward, loss, backward, update; input is not counted. `precision: bf16`',
        '(`vdpbf16ps`) and, where the processor has it, `bf16-amx` (`tdpbf16ps`) beside our own float32 and beside PyTorch under',
        '`autocast` to bfloat16, which takes AMX where it is: processors that have it run `vdpbf16ps` no faster than float32.',
        f'Medians of runs timed in turn, each the median of 5 steps. {machine(isa)}, torch {torch} with tuned malloc.',
        "Command: `scripts/bench.py bf16`. The load is the median of the machine's one-minute averages, 2 of it the timed program's",
        'own.', '',
        '| network | batch | precision | Emend, s | our float32, s | ratio | asked | met | range | PyTorch bf16, s | ratio | asked | met | range | turns | load |',
        '|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|', *rows])


def exchange():
    rows = []
    for transport, workers, gradients in [('tcp', 1, 'float32'), ('ipc', 1, 'float32'), ('tcp', 2, 'float32'),
                                          ('ipc', 2, 'float32'), ('tcp', 1, 'bf16'), ('ipc', 1, 'bf16')]:
        name = f'exchange-{transport}-{workers}' + ('' if gradients == 'float32' else '-' + gradients)
        done = pairs(name, [EMEND, 'bench', 'exchange', '--transport', transport, '--workers', str(workers),
                            '--gradients', gradients, '--json'], None)
        if not done:
            continue
        median = lambda key: statistics.median(row[0][key] for row in done)
        rows.append(f'| {transport} | {workers} | {gradients} | {median("round_s"):.3f} | {median("gb_per_s"):.2f}'
                    f' | {median("bare_zeromq_gb_per_s"):.2f} | {median("ratio"):.2f} |')
    write('exchange', [
        '# The exchange of gradients and parameters', '',
        'A round is a step of a real run whose gradients cost nothing: every push, check, update and pull of 164 MB of',
        f'float32 in chunks of up to 4 MiB, one server. Medians of {PAIRS} runs of 20 rounds. {machine()}. The rate counts',
        'what is pushed and pulled; plain ZeroMQ moves two such streams at once in the same process.',
        'Command: `scripts/bench.py exchange`.', '',
        '| transport | workers | gradients | round, s | GB/s | plain ZeroMQ, GB/s (tcp) | ratio |',
        '|---|---|---|---|---|---|---|', *rows])


def jobs():
    rows, lagging = [], []
    for network, bound in JOBS:
        ours = [EMEND, 'bench', 'job', '--network', network, '--json']
        done = pairs(f'job-{network}', ours, [sys.executable, f'{PEERS}/ddp_torch.py', network])
        if not done:
            continue
        ratios = [o['images_per_s'] / t['images_per_s'] for o, t in done]
        median = lambda key: statistics.median(o[key] for o, _ in done)
        rows.append(f'| {network} | {median("images_per_s"):.2f} | {statistics.median(t["images_per_s"] for _, t in done):.2f}'
                    f' | {verdict(statistics.median(ratios), bound)} | {median("worker_cpu"):.2f} | {median("server_cpu"):.2f}'
                    f' | {median("coordinator_cpu"):.3f} | {len(done)} |')
        late = pairs(f'lag-{network}', [*ours, '--consistency', 'lag:1'], None)
        if not late:
            continue
        median_late = lambda key: statistics.median(row[0][key] for row in late)
        lagging.append(f'| {network} | {100 * median("pull_wait"):.1f} % | {100 * median_late("pull_wait"):.1f} %'
                       f' | {100 * max(row[0]["pull_wait"] for row in late):.1f} % | {median_late("images_per_s"):.2f}'
                       f' | {median_late("server_cpu"):.2f} | {median_late("coordinator_cpu"):.3f} | {len(late)} |')
    write('job', [
        '# A whole job beside PyTorch', '',
        '2 workers of 1 thread, 1 server and the coordinator on two cores, batch 2 each, 321², 21 classes, synthetic images',
        f'that are read, decoded and augmented; PyTorch: DistributedDataParallel over Gloo, random data. Medians of',
        f'pairs timed in turn. {machine()}. Command: `scripts/bench.py job`.', '',
        '| network | Emend, images/s | PyTorch, images/s | ratio | asked | met | processors: workers | server | coordinator | pairs |',
        '|---|---|---|---|---|---|---|---|---|---|', *rows, '',
        "The share of the workers' time in which they hold a slot and wait for its parameters, and the job with `lag:1`:", '',
        '| network | waiting, sync | waiting, lag:1 | at most | images/s | server | coordinator | runs |',
        '|---|---|---|---|---|---|---|---|', *lagging])


def growth():
    sizes, batches = [129, 257, 385, 513], [1, 2, 4, 8]
    tables = []
    for network in ['mobilenetv2', 'xception65']:
        rows = []
        for size in sizes:
            cells = []
            for batch in batches:
                words = step_words(network, batch, size, 2)
                done = pairs(f'growth-{network}-{batch}-{size}',
                             [EMEND, 'bench', 'step', '--network', *words, '--steps', '3'], None, 1)
                cells.append(f'{done[0][0]["step_s"]:.3f} s, {done[0][0]["peak_rss_mb"]:.0f}' if done else '')
            rows.append(f'| {size} | ' + ' | '.join(cells) + ' |')
        tables += [f'{network}, by side of the crop and batch:', '',
                   '| side | ' + ' | '.join(f'batch {batch}' for batch in batches) + ' |',
                   '|---' * (1 + len(batches)) + '|', *rows, '']
    exchanged, rates = [], []
    for megabytes in [1, 4, 16, 64, 160]:
        done = pairs(f'exchange-size-{megabytes}', [EMEND, 'bench', 'exchange', '--transport', 'tcp', '--megabytes',
                                                    str(megabytes), '--json'], None, 3)
        if not done:
            continue
        median = lambda key: statistics.median(row[0][key] for row in done)
        exchanged.append(f'| {median("megabytes"):.1f} | {1e3 * median("round_s"):.1f} | {median("gb_per_s"):.2f}'
                         f' | {median("ratio"):.2f} |')
        rates.append(median('gb_per_s'))
    model = [EMEND, 'bench', 'model', *model_constants(rates)]
    printed = subprocess.run(model, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    write('growth', [
        '# How cost grows', '',
        f'Command: `scripts/bench.py growth`. {machine()}.', '',
        '## A step', '',
        'Median seconds of 3 steps on 2 threads, 21 classes, and peak memory (`VmHWM`) in MiB.', '', *tables,
        '## The exchange', '', 'tcp, one worker, one server, medians of 3 runs of 20 rounds:', '',
        '| MB | round, ms | GB/s | of plain ZeroMQ |', '|---|---|---|---|', *exchanged, '',
        '## Clusters that are not at hand', '',
        'What `emend bench model` makes of the figures above: a synchronous step is computing, pushing, updating and pulling,',
        'each process on a host of its own. A slot is one batch of 2 at 321² of Xception-65, V = 256.',
        f'Command: `emend {" ".join(model[1:])}`.', '', *('    ' + line.rstrip() for line in printed), '',
        'For each number of workers the table names the fewest servers whose step is within 5 % of the best. Start that many;',
        'beyond the knee, the last line of each link, more workers wait than compute.'])


def model_constants(rates):
    """What was measured at Xception-65, for the model; its defaults where nothing was."""
    words = []
    step = pairs('step-xception65-2-321-2', None, None)
    if step:
        words += ['--slot-seconds', f'{statistics.median(row[0]["step_s"] for row in step):.2f}']
    # A round moves everything both ways at once; one process moves half of the rate one way.
    if rates:
        words += ['--process-rate', f'{rates[-1] / 2:.2f}']
    return words


if __name__ == '__main__':
    if not os.path.isdir(PEERS):
        sys.exit(f'bench: {PEERS} is not here: nothing to measure against')
    try:
        import torch  # noqa: F401
    except ImportError:
        sys.exit(f'bench: {sys.executable} has no torch; run this with one that has (see {PEERS}/README.md)')
    words = sys.argv[1:]
    for word in [w for w in words if not w.startswith('--')] or ['step', 'bf16', 'exchange', 'job', 'growth']:
        {'step': steps, 'bf16': bfloat16, 'exchange': exchange, 'job': jobs, 'growth': growth}[word]()
