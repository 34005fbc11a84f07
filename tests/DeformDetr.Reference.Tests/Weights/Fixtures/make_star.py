"""Writes star.json: the biases that the original's MSDeformAttn._reset_parameters gives to sampling_offsets, as float32 bits.

Usage: python make_star.py <checkout of fundamentalvision/Deformable-DETR at 11169a6>
"""
import json
import os
import sys
import types

import torch

sys.path.insert(0, sys.argv[1])
sys.modules["MultiScaleDeformableAttention"] = types.ModuleType("MultiScaleDeformableAttention")
import torchvision  # noqa: E402

torchvision.__version__ = "0.9.0"
from models.ops.modules import MSDeformAttn  # noqa: E402

entries = []
for heads, levels, points, channels in ((8, 4, 4, 256), (3, 2, 5, 96), (4, 3, 2, 32), (16, 1, 1, 256), (1, 1, 3, 32), (6, 2, 1, 96)):
    bias = MSDeformAttn(channels, levels, heads, points).sampling_offsets.bias.detach()
    bits = " ".join("%08x" % (word & 0xFFFFFFFF) for word in bias.view(torch.int32).tolist())
    entries.append({"heads": heads, "levels": levels, "points": points, "channels": channels, "bits": bits})
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "star.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n")
