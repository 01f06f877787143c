"""Golden tensors of the networks, computed by PyTorch in float64 and stored as float32.

    pip install 'torch==2.13.0+cpu' numpy safetensors
    python Tests/NetworksTests/Golden/make_golden.py

Parameters, inputs and output gradients are not stored: both sides make them with the formula of `values` from the
tensor's name. A file holds, per golden, each output (`output.NAME`), the gradient of Σ output · weighting for each
parameter (`gradient.NAME`) and for each differentiable input (`input_gradient.NAME`), and the batch statistics
that a training step hands to the moving average (`batch.NAME`, the variance unbiased).
Feature maps are stored as [batch, height, width, channels], weights as [O, I, kH, kW].
"""
import os
from collections import OrderedDict
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
MASK = (1 << 64) - 1
torch.set_default_dtype(torch.float64)


def values(name, count):
    """Uniform in [0, 1): SplitMix64 of FNV-1a(name) + index, its upper 24 bits."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) & MASK
    z = np.uint64(state) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / float(1 << 24)


def signed(name, shape, scale=1.0):
    u = values(name, int(np.prod(shape))) * 2 - 1
    return torch.tensor((u * scale).astype(np.float32).astype(np.float64).reshape(shape))


def parameter(name, shape):
    last = name.rsplit('.', 1)[1]
    u = values(name, int(np.prod(shape)))
    if len(shape) == 4:
        u = (u * 2 - 1) * np.sqrt(3.0 / (shape[1] * shape[2] * shape[3]))
    elif last in ('weight', 'running_var'):
        u = 0.5 + u
    else:
        u = (u * 2 - 1) * 0.25
    return torch.tensor(u.astype(np.float32).astype(np.float64).reshape(shape))


def fill(model):
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if not name.endswith('num_batches_tracked'):
                tensor.copy_(parameter(name, tuple(tensor.shape)))
    return model


# ---- the networks, with the names of the Swift side -------------------------------------------------------------

def conv_bn(i, o, k=1, s=1, d=1, g=1, act='relu', eps=1e-5):
    layers = [nn.Conv2d(i, o, k, s, d * (k - 1) // 2, d, g, bias=False), nn.BatchNorm2d(o, eps=eps)]
    if act:
        layers.append(nn.ReLU6() if act == 'relu6' else nn.ReLU())
    return nn.Sequential(*layers)


def separable(i, o, d=1):
    return nn.Sequential(conv_bn(i, i, 3, 1, d, g=i), conv_bn(i, o))


class InvertedResidual(nn.Module):
    def __init__(self, i, o, s, t, d):
        super().__init__()
        h = i if t == 1 else divisible(i * t, 8)
        layers = [] if t == 1 else [conv_bn(i, h, act='relu6', eps=1e-3)]
        layers.append(conv_bn(h, h, 3, s, d, g=h, act='relu6', eps=1e-3))
        self.conv = nn.Sequential(*layers, nn.Conv2d(h, o, 1, bias=False), nn.BatchNorm2d(o, eps=1e-3))
        self.residual = s == 1 and i == o
        self.hidden = h

    def forward(self, x):
        h = x
        for layer in self.conv[:-2]:
            h = layer(h)
        y = self.conv[-1](self.conv[-2](h))
        return (x + y if self.residual else y), h


def divisible(v, d):
    r = max(d, int(v + d / 2) // d * d)
    return r + d if r < 0.9 * v else r


MOBILENETV2 = 32, [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
TINY = 16, [(1, 16, 1, 1), (3, 24, 2, 2), (3, 32, 2, 2), (3, 48, 2, 2)]


class Backbone(nn.Module):
    """The low-level feature is the depthwise output of the last block at stride 4."""
    def __init__(self, table, multiplier, output_stride):
        super().__init__()
        d = 8 if multiplier == 1 else 1
        stem, stages = table
        i, stride, rate = divisible(stem * multiplier, d), 2, 1
        blocks = [conv_bn(3, i, 3, 2, act='relu6', eps=1e-3)]
        for t, c, n, s in stages:
            o = divisible(c * multiplier, d)
            for k in range(n):
                want = s if k == 0 else 1
                if stride == output_stride:
                    blocks.append(InvertedResidual(i, o, 1, t, rate)); rate *= want
                else:
                    blocks.append(InvertedResidual(i, o, want, t, rate)); stride *= want
                if stride == 4:
                    self.low, self.low_channels = len(blocks) - 1, blocks[-1].hidden
                i = o
        self.features, self.out_channels = nn.ModuleList(blocks), i

    def forward(self, x):
        x = self.features[0](x)
        for k, block in enumerate(self.features[1:], 1):
            x, h = block(x)
            if k == self.low:
                low = h
        return low, x


def named(**layers):
    return nn.Sequential(OrderedDict(layers))


def xception_conv(i, o, k, s, relu):
    c = named(conv=nn.Conv2d(i, o, k, s, k // 2, bias=False), bn=nn.BatchNorm2d(o, eps=1e-3))
    if relu:
        c.add_module('act', nn.ReLU())
    return c


def xception_separable(i, o, s, d, relu):
    a = nn.ReLU if relu else nn.Identity
    return named(conv_dw=nn.Conv2d(i, i, 3, s, d, d, i, bias=False), bn_dw=nn.BatchNorm2d(i, eps=1e-3), act_dw=a(),
                 conv_pw=nn.Conv2d(i, o, 1, bias=False), bn_pw=nn.BatchNorm2d(o, eps=1e-3), act_pw=a())


class XceptionModule(nn.Module):
    """Skips: 'conv', 'sum' or None. With a ReLU before each convolution there is none inside, and the reverse."""
    def __init__(self, i, depths, skip, s, d, before):
        super().__init__()
        if skip == 'conv':
            self.shortcut = xception_conv(i, depths[2], 1, s, relu=False)
        self.stack = nn.Sequential()
        for k, o in enumerate(depths, 1):
            self.stack.add_module(f'conv{k}', xception_separable(i, o, s if k == 3 else 1, d, not before))
            i = o
        self.skip, self.before = skip, before

    def forward(self, x):
        y, outputs = x, []
        for conv in self.stack:
            y = conv(F.relu(y) if self.before else y)
            outputs.append(y)
        if self.skip:
            y = y + (x if self.skip == 'sum' else self.shortcut(x))
        return y, outputs[1]


XCEPTION65 = [((128,) * 3, 'conv', 2, True), ((256,) * 3, 'conv', 2, True), ((728,) * 3, 'conv', 2, True),
              *[((728,) * 3, 'sum', 1, True)] * 16,
              ((728, 1024, 1024), 'conv', 2, True), ((1536, 1536, 2048), None, 1, False)]


class Xception(nn.Module):
    """With timm's names. The low-level feature is the second convolution's output in the module that leaves stride 4."""
    def __init__(self, table, multiplier, output_stride):
        super().__init__()
        scaled = lambda c: max(1, int(c * multiplier + 0.5))
        i, stride, rate = scaled(64), 2, 1
        self.stem = nn.Sequential(xception_conv(3, scaled(32), 3, 2, relu=True), xception_conv(scaled(32), i, 3, 1, relu=True))
        modules = []
        for depths, skip, s, before in table:
            if stride == 4:
                self.low, self.low_channels = len(modules), scaled(depths[1])
            depths = [scaled(c) for c in depths]
            if stride == output_stride:
                modules.append(XceptionModule(i, depths, skip, 1, rate, before)); rate *= s
            else:
                modules.append(XceptionModule(i, depths, skip, s, rate, before)); stride *= s
            i = depths[2]
        self.blocks, self.out_channels = nn.ModuleList(modules), i

    def forward(self, x):
        x = self.stem(x)
        for k, module in enumerate(self.blocks):
            x, second = module(x)
            if k == self.low:
                low = second
        return low, x


def backbone(table, *a):
    return Xception(table, *a) if table is XCEPTION65 else Backbone(table, *a)


def adopt(model, b):
    """Gives the backbone's parts to the model, so that their names have no prefix; the backbone itself in a list."""
    for name, part in b.named_children():
        model.add_module(name, part)
    return [b]


class Pyramid(nn.Module):
    def __init__(self, i, o, rates):
        super().__init__()
        self.pool = conv_bn(i, o)
        self.convs = nn.ModuleList([conv_bn(i, o)] + [separable(i, o, r) for r in rates])
        self.project = conv_bn(o * 5, o)

    def forward(self, x):
        if self.training and x.shape[0] == 1:
            self.pool[1].eval()
        g = self.pool(F.adaptive_avg_pool2d(x, 1)).expand(-1, -1, x.shape[2], x.shape[3])
        return self.project(torch.cat([g] + [c(x) for c in self.convs], 1))


class Decoder(nn.Module):
    def __init__(self, low, skip, i, o):
        super().__init__()
        self.low = conv_bn(low, skip)
        self.convs = nn.ModuleList([separable(i + skip, o), separable(o, o)])

    def forward(self, low, h):
        h = F.interpolate(h, low.shape[2:], mode='bilinear', align_corners=True)
        return self.convs[1](self.convs[0](torch.cat([h, self.low(low)], 1)))


class DeepLab(nn.Module):
    def __init__(self, table, multiplier, output_stride, classes, aspp, skip, decoder, ancillary):
        super().__init__()
        b = backbone(table, multiplier, output_stride)
        self.backbone = adopt(self, b)
        self.aspp = Pyramid(b.out_channels, aspp, [r * 16 // output_stride for r in (6, 12, 18)])
        self.decoder = Decoder(b.low_channels, skip, aspp, decoder)
        self.classifier = nn.Conv2d(decoder, classes, 1)
        self.ancillary = ancillary
        if ancillary:
            self.gate_high = nn.Conv2d(classes, aspp, 3, padding=1)
            self.gate_low = nn.Conv2d(classes, b.low_channels, 3, padding=1)

    def train(self, mode=True):
        for b in self.backbone if hasattr(self, 'backbone') else []:
            b.training = mode
        return super().train(mode)

    def forward(self, image, boxes=None):
        low, h = self.backbone[0](image)
        h = self.aspp(h)
        if self.ancillary:
            h = h * torch.sigmoid(self.gate_high(F.interpolate(boxes, h.shape[2:], mode='area')))
            low = low * torch.sigmoid(self.gate_low(F.interpolate(boxes, low.shape[2:], mode='area')))
        return dict(logits=self.classifier(self.decoder(low, h)))


class BackboneAlone(nn.Module):
    def __init__(self, *a):
        super().__init__()
        self.backbone = adopt(self, backbone(*a))

    def forward(self, image):
        low, high = self.backbone[0](image)
        return dict(low=low, high=high)


class Corrector(nn.Module):
    def __init__(self, classes, channels, final):
        super().__init__()
        self.hidden = nn.Conv2d(2 * classes, channels, 3, padding=1)
        self.output = nn.Conv2d(channels, classes, 3, padding=1)
        self.final = final

    def forward(self, primary, ancillary):
        z = self.output(F.relu(self.hidden(torch.cat([primary, ancillary], 1))))
        return dict(logits=F.relu(z) if self.final else z)


# ---- the goldens ---------------------------------------------------------------------------------------------------

def nhwc(t):
    return t.permute(0, 2, 3, 1)


def channels_first(name, shape, scale=1.0):
    return signed(name, shape, scale).permute(0, 3, 1, 2).contiguous()


def boxes(shape):
    """Box masks: channel c ≥ 1 is one rectangle per image, channel 0 whatever no box covers."""
    b, h, w, k = shape
    m = np.zeros(shape)
    for n in range(b):
        for c in range(1, k):
            top, left = (n * 5 + c * 7) % (h - 4), (n * 11 + c * 3) % (w - 6)
            m[n, top:top + 4 + 3 * c, left:left + 5 + 2 * c, c] = 1
        m[n, :, :, 0] = m[n, :, :, 1:].max(-1) == 0
    return torch.tensor(m).permute(0, 3, 1, 2).contiguous()


def capture_statistics(model, out):
    """Slot mean and unbiased variance of each batch norm that sees more than one value."""
    def hook(name):
        def f(module, inputs):
            x = inputs[0]
            if module.training and x.shape[0] * x.shape[2] * x.shape[3] > 1:
                out[f'batch.{name}.running_mean'] = x.mean((0, 2, 3))
                out[f'batch.{name}.running_var'] = x.var((0, 2, 3), unbiased=True)
        return f
    for name, m in model.named_modules():
        if isinstance(m, nn.BatchNorm2d):
            m.register_forward_pre_hook(hook(name))


def golden(file, model, inputs, training=True, differentiable=()):
    fill(model).train(training)
    out = {}
    capture_statistics(model, out)
    for name in differentiable:
        inputs[name].requires_grad_(True)
    outputs = model(**inputs)
    loss = sum((nhwc(t) * signed('weighting.' + name, tuple(nhwc(t).shape))).sum() for name, t in outputs.items())
    if training:
        loss.backward()
        out.update({f'gradient.{n}': p.grad for n, p in model.named_parameters()})
        out.update({f'input_gradient.{n}': nhwc(inputs[n].grad) for n in differentiable})
    out.update({f'output.{n}': nhwc(t) for n, t in outputs.items()})
    arrays = {k: v.detach().numpy().astype(np.float32).copy() for k, v in out.items()}
    save_file(arrays, f'{HERE}/{file}.safetensors')
    os.chmod(f'{HERE}/{file}.safetensors', 0o644)
    print(file, sum(p.numel() for p in model.parameters()), os.path.getsize(f'{HERE}/{file}.safetensors'))


def image(b, h, w):
    return channels_first('image', (b, h, w, 3))


small = dict(classes=5, aspp=12, skip=6, decoder=12)

if __name__ == '__main__':
    golden('backbone-mobilenetv2-os16', BackboneAlone(MOBILENETV2, 0.0625, 16), dict(image=image(2, 65, 49)))
    golden('backbone-mobilenetv2-os8', BackboneAlone(MOBILENETV2, 0.0625, 8), dict(image=image(1, 49, 33)))
    # Of sizes that keep every ReLU's input away from 0, several times the rounding of float32: no gradient jumps.
    golden('backbone-xception65-os16', BackboneAlone(XCEPTION65, 1 / 32, 16), dict(image=image(2, 65, 33)))
    golden('backbone-xception65-os8', BackboneAlone(XCEPTION65, 1 / 32, 8), dict(image=image(1, 33, 65)))
    golden('primary-mobilenetv2', DeepLab(MOBILENETV2, 0.125, 16, ancillary=False, **small), dict(image=image(4, 33, 49)))
    golden('primary-single-image', DeepLab(TINY, 1, 8, ancillary=False, **small), dict(image=image(1, 33, 49)))
    golden('primary-evaluation', DeepLab(MOBILENETV2, 0.125, 8, ancillary=False, **small), dict(image=image(2, 65, 49)), training=False)
    golden('ancillary-tiny', DeepLab(TINY, 1, 16, ancillary=True, **small), dict(image=image(4, 33, 49), boxes=boxes((4, 33, 49, 5))))
    golden('ancillary-xception65-evaluation', DeepLab(XCEPTION65, 1 / 32, 16, ancillary=True, **small), dict(image=image(2, 65, 49), boxes=boxes((2, 65, 49, 5))), training=False)
    for final in (True, False):
        shape = (2, 9, 13, 5)
        golden('corrector' + ('' if final else '-linear'), Corrector(5, 12, final),
               dict(primary=channels_first('primary', shape, 3), ancillary=channels_first('ancillary', shape, 3)), differentiable=['primary'])
