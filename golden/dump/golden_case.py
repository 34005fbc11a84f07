"""A golden case, how it is written, and the list of all cases."""
import dataclasses
import json
import pathlib
import shutil

import torch

from . import original, safetensors_file

BUILDERS = {}  # case name -> function that computes the case


def case(name):
    def register(builder):
        assert name not in BUILDERS, name
        BUILDERS[name] = builder
        return builder
    return register


@dataclasses.dataclass
class GoldenCase:
    target: str
    config: dict
    inputs: dict = dataclasses.field(default_factory=dict)
    weights: object = None         # None, {"recipe": …} or a dict of tensors
    expected: dict = dataclasses.field(default_factory=dict)
    expected64: dict = None
    extra: dict = dataclasses.field(default_factory=dict)   # more keys of case.json
    files: dict = dataclasses.field(default_factory=dict)   # more files: name -> bytes
    ties: bool = False             # integers may differ between the precisions


def write(out, name, golden):
    """Writes the folder under another name first, so that a reader never sees half a case."""
    _verify(name, golden)
    out = pathlib.Path(out)
    temporary, folder = out / f".{name}.tmp", out / name
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    facts = {"format": "golden-case/1", "name": name, "target": golden.target, "config": golden.config, **golden.extra}
    if isinstance(golden.weights, dict) and "recipe" in golden.weights:
        facts["weights"] = golden.weights
    elif golden.weights is not None:
        facts["weights"] = "weights.safetensors"
        safetensors_file.write(temporary / "weights.safetensors", golden.weights)
    for key in ("inputs", "expected", "expected64"):
        tensors = getattr(golden, key)
        if tensors:
            facts[key] = f"{key}.safetensors"
            safetensors_file.write(temporary / f"{key}.safetensors", tensors)
    for file, content in golden.files.items():
        (temporary / file).write_bytes(content)
    facts["source"] = {"repository": original.REPOSITORY, "commit": original.COMMIT, "torch": torch.__version__}
    (temporary / "case.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)


def _verify(name, golden):
    """Dtypes are as the contract has them, and the two precisions agree on everything that is not a rounding."""
    for key in ("inputs", "expected"):
        for tensor_name, tensor in getattr(golden, key).items():
            assert tensor.dtype in (torch.float32, torch.int64, torch.bool, torch.uint8), (name, tensor_name, tensor.dtype)
    for tensor_name, truth in (golden.expected64 or {}).items():
        tensor = golden.expected[tensor_name]
        assert tensor.shape == truth.shape, (name, tensor_name)
        if not truth.is_floating_point():
            assert golden.ties or torch.equal(tensor, truth), f"{name}: {tensor_name} differs between float32 and float64"
            continue
        assert truth.dtype == torch.float64 and tensor.dtype == torch.float32, (name, tensor_name)
        assert not truth.isnan().any(), f"{name}: {tensor_name} has NaN"
        assert torch.equal(tensor.isinf(), truth.isinf()), f"{name}: {tensor_name} has other infinities in float32"


def generator(seed):
    return torch.Generator().manual_seed(seed)


def both(run):
    """Runs a function of dtype in float32 and in float64."""
    return run(original.FLOAT32), run(original.FLOAT64)


def levels(shapes):
    """spatial_shapes (L,2) as (H,W), level_start_index (L) and the number of tokens."""
    spatial_shapes = torch.tensor(shapes, dtype=torch.int64)
    counts = spatial_shapes.prod(1)
    return spatial_shapes, torch.cat([counts.new_zeros(1), counts.cumsum(0)[:-1]]), int(counts.sum())
