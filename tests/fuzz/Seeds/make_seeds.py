"""Small checkpoints as PyTorch writes them, in both formats: python3 make_seeds.py (PyTorch 1.13 wrote those that are here)."""
import argparse
from collections import OrderedDict

import numpy
import torch

base = torch.arange(12, dtype=torch.float32)
model = OrderedDict()
model["module.a.weight"] = base[:6].view(2, 3)
model["module.a.turned"] = base.view(3, 4).t()
model["module.a.shared"] = base[4:8]
model["module.half"] = torch.tensor([1.5, float("nan"), -0.0]).half()
model["module.bfloat"] = torch.tensor([1.5, float("inf")]).bfloat16()
model["module.long"] = torch.tensor([1, -(2**62)])
model["module.mask"] = torch.tensor([True, False])
model["module.none"] = torch.zeros(0, 3)
model["module.scalar"] = torch.tensor(2.5, dtype=torch.float64)
model["module.parameter"] = torch.nn.Parameter(torch.ones(2, 1))

arguments = argparse.Namespace(
    lr=2e-4, backbone="resnet50", enc_layers=6, hidden_dim=256, with_box_refine=True, two_stage=False, lr_backbone_names=["backbone.0"], resume="", eval=None)
whole = {
    "model": model,
    "optimizer": {"state": {0: {"step": 3, "exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 1e-4, "betas": (0.9, 0.999), "params": [0]}]},
    "epoch": numpy.float64(49),
    "args": arguments,
}
bare = OrderedDict([("w", torch.tensor([[1.0, 2.0], [3.0, 4.0]])), ("b", torch.tensor([5, 6], dtype=torch.int32))])
for name, content in [("whole", whole), ("bare", bare)]:
    torch.save(content, f"{name}.pth")
    torch.save(content, f"{name}-legacy.pth", _use_new_zipfile_serialization=False)
