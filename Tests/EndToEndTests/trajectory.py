#!/usr/bin/env python3
"""Turns a recording of the PyTorch peer into files that Emend can replay.

    python selfcorrect_torch.py linear --trajectory linear.safetensors --steps 5 --crop 129 \
        --optimizer sgd --lr 0.0005
    python trajectory.py linear.safetensors FOLDER LABELS

LABELS is the data set's labels.txt: class names in index order. The recording holds, per phase, the weights before, image, label, boxes and loss of each step and
the weights after. FOLDER then holds

    initial.safetensors   the weights before the first step, `primary/features.0.0.weight` …: for
                          `network.weights` (and `ancillary.weights` where that one is frozen)
    batches.safetensors   `main/0/images` [batch, height, width, channel] …: for `data.recording`
    expected.safetensors  `main/losses` [steps] and `main/after/primary/…` per phase

Needs numpy and safetensors, no PyTorch.
"""
import os
import re
import sys

import numpy as np
from safetensors.numpy import load_file, save_file

# The phase in which the peer trains `supervised` bears the method's name; Emend's is called `main`.
PHASES = {'ancillary': 'ancillary', 'supervised': 'main', 'full': 'main', 'warmup': 'warmup',
          'main': 'main'}


def backbone(name):
    """`blocks.1.expand.0.weight` → `features.2.conv.0.0.weight`, as torchvision numbers them."""
    stem = re.fullmatch(r'stem\.([01]\..*)', name)
    if stem:
        return f'features.0.{stem[1]}'
    block, part, layer, rest = re.fullmatch(
        r'blocks\.(\d+)\.(expand|depthwise|project)\.([01])\.(.*)', name).groups()
    first = 0 if block == '0' else 1     # the first block has no expansion
    place = {'expand': f'0.{layer}', 'depthwise': f'{first}.{layer}',
             'project': str(first + 1 + int(layer))}[part]
    return f'features.{int(block) + 1}.conv.{place}.{rest}'


HEAD = [
    (r'pool\.([01])\.(.*)', r'aspp.pool.\1.\2'),
    (r'aspp\.0\.([01])\.(.*)', r'aspp.convs.0.\1.\2'),
    (r'aspp\.([123])\.([01])\.([01])\.(.*)', r'aspp.convs.\1.\2.\3.\4'),
    (r'project\.([01])\.(.*)', r'aspp.project.\1.\2'),
    (r'low\.([01])\.(.*)', r'decoder.low.\1.\2'),
    (r'decoder\.([01])\.([01])\.([01])\.(.*)', r'decoder.convs.\1.\2.\3.\4'),
    (r'(classifier\..*|gate_high\..*|gate_low\..*)', r'\1'),
    (r'c1\.(.*)', r'hidden.\1'),
    (r'c2\.(.*)', r'output.\1'),
]


def ours(name):
    """The name in Emend of a tensor of the peer's network."""
    if name.startswith('backbone.'):
        return backbone(name[len('backbone.'):])
    for pattern, replacement in HEAD:
        if re.fullmatch(pattern, name):
            return re.fullmatch(pattern, name).expand(replacement)
    raise SystemExit(f'trajectory.py: no counterpart for the tensor {name}')


def group(module, name):
    """Weights are `primary/…`, running means and variances `primaryStatistics/…`."""
    return module + ('Statistics' if '.running_' in name else '')


def weights(recording, prefix):
    """The tensors of one module whose recorded names begin with `prefix`, under our names."""
    module = prefix.split('.')[-1]
    return {f'{group(module, key)}/{ours(key[len(prefix) + 1:])}': value
            for key, value in recording.items() if key.startswith(prefix + '.')
            and not re.match(r'(\d+|before|after)\.', key[len(prefix) + 1:])}


def channels_last(x):
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def batch(recording, prefix):
    """One step's batch; weak_valid covers the images after the labelled ones, which count whole."""
    images = channels_last(recording[f'{prefix}.image'])
    labels = recording[f'{prefix}.label']
    result = {'images': images, 'labels': labels}
    result['valid'] = np.ones(images.shape[:3], np.uint8)
    if f'{prefix}.weak_valid' in recording:
        result['valid'][len(labels):] = recording[f'{prefix}.weak_valid'].astype(np.uint8)
    if f'{prefix}.boxes' in recording:
        result['boxes'] = channels_last(recording[f'{prefix}.boxes'])
    return result


def convert(recording):
    initial, batches, expected = {}, {}, {}
    phases = [p for p in PHASES if f'{p}.0.loss' in recording]
    if not phases:
        raise SystemExit('trajectory.py: no step in this recording (key …0.loss)')
    if phases[0] != 'ancillary':
        initial.update(weights(recording, 'ancillary'))
    for number, phase in enumerate(phases):
        name, losses = PHASES[phase], []
        while f'{phase}.{len(losses)}.loss' in recording:
            step = len(losses)
            losses.append(recording[f'{phase}.{step}.loss'])
            batches.update({f'{name}/{step}/{k}': v
                            for k, v in batch(recording, f'{phase}.{step}').items()})
        expected[f'{name}/losses'] = np.array(losses, np.float32).reshape(-1)
        for module in ('primary', 'ancillary', 'corrector'):
            if number == 0:
                initial.update(weights(recording, f'{phase}.before.{module}'))
            expected.update({f'{name}/after/{k}': v
                             for k, v in weights(recording, f'{phase}.after.{module}').items()})
    return initial, batches, expected


def main():
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    os.makedirs(sys.argv[2], exist_ok=True)
    with open(sys.argv[3]) as labels:
        metadata = {'class_names': ' '.join(labels.read().split())}
    for name, tensors in zip(('initial', 'batches', 'expected'), convert(load_file(sys.argv[1]))):
        save_file(tensors, os.path.join(sys.argv[2], f'{name}.safetensors'), metadata)


if __name__ == '__main__':
    main()
