"""Prints the numbers of AdamWGolden.swift: torch.optim.AdamW on three weights, float32.

Usage: python adamw.py > ../AdamWGolden.swift
"""
import struct

import torch

GRADIENTS = [[1.0, -2.0, 0.125], [0.5, 3.0, -1e-4], [-0.25, 0.0, 7.0], [2.0, -1.0, 1e-6]]
RATES = [0.01, 0.0075, 0.005, 0.0025]

weights = torch.nn.Parameter(torch.tensor([1.0, -0.5, 2.0]))
optimizer = torch.optim.AdamW([weights], lr=1.0, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1)


def row(values):
    return "        [" + ", ".join(repr(struct.unpack("f", struct.pack("f", v))[0]) for v in values) + "],"


print("// Written by Golden/adamw.py with PyTorch %s.\n" % torch.__version__.split("+")[0])
print("enum AdamWGolden {")
print("    static let gradients: [[Float]] = [")
for gradient in GRADIENTS:
    print(row(gradient))
print("    ]\n    static let learningRates: [Double] = %s" % RATES)
weights_after, firsts, seconds = [], [], []
for gradient, rate in zip(GRADIENTS, RATES):
    optimizer.param_groups[0]["lr"] = rate
    weights.grad = torch.tensor(gradient)
    optimizer.step()
    state = optimizer.state[weights]
    weights_after.append(row(weights.tolist()))
    firsts.append(row(state["exp_avg"].tolist()))
    seconds.append(row(state["exp_avg_sq"].tolist()))
for name, rows in [("weights", weights_after), ("firstMoments", firsts), ("secondMoments", seconds)]:
    print("    static let %s: [[Float]] = [" % name)
    print("\n".join(rows))
    print("    ]")
print("}")
