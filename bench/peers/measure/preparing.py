"""Inputs, and the original as an ONNX file; what exists already is kept."""
import math
import pathlib
import subprocess
import sys

CORE_LEVELS = [(100, 167), (50, 84), (25, 42), (13, 21)]  # of an 800x1333 picture


def input_path(case, arguments):
    name = "core" if case.is_core else f"{case.batch}x{case.height}x{case.width}"
    return arguments.work / f"input-{name}.safetensors"


def onnx_path(case, arguments):
    return arguments.work / f"{case.name}-{arguments.seed}.onnx"


def prepare(case, arguments):
    if not input_path(case, arguments).exists():
        from dump import safetensors_file
        safetensors_file.write(input_path(case, arguments), core_tensors() if case.is_core else samples(case))
    wanted = "onnxruntime" not in arguments.without and (arguments.onnxruntime or arguments.prepare)
    if wanted and not case.is_core and not onnx_path(case, arguments).exists():
        print(f"{case.name}: exporting", file=sys.stderr, flush=True)
        # A process of its own: tracing leaves gigabytes behind.
        subprocess.run([sys.executable, pathlib.Path(__file__).with_name("exporting.py"), arguments.repo.resolve(), case.name,
                        str(arguments.seed), onnx_path(case, arguments)], check=True, stdout=sys.stderr)


def samples(case):
    """Noise in the range of a normalised picture, by the recipe: the same as our bench makes."""
    import torch
    from dump import recipe
    shape = (case.batch, 3, case.height, case.width)
    values = 2 * recipe.uniform(1, "samples.tensor", math.prod(shape))
    return {
        "samples.tensor": torch.from_numpy(values).float().reshape(shape),
        "samples.mask": torch.zeros((case.batch, case.height, case.width), dtype=torch.bool),
    }


def core_tensors(heads=8, channels=32, points=4):
    """As the encoder has them: a query on every token, that looks a few cells around where it stands."""
    import torch
    generator = torch.Generator().manual_seed(1)
    shapes = torch.tensor(CORE_LEVELS)
    tokens, levels = int(shapes.prod(1).sum()), len(CORE_LEVELS)
    centres = torch.cat([
        torch.stack([((torch.arange(w) + 0.5) / w).expand(h, w), ((torch.arange(h) + 0.5) / h)[:, None].expand(h, w)], -1).reshape(-1, 2)
        for h, w in CORE_LEVELS])
    offsets = 8 * torch.rand(1, tokens, heads, levels, points, 2, generator=generator) - 4
    logits = torch.randn(1, tokens, heads, levels * points, generator=generator)
    return {
        "value": torch.randn(1, tokens, heads, channels, generator=generator),
        "spatial_shapes": shapes,
        "level_start_index": torch.cat([torch.zeros(1, dtype=torch.long), shapes.prod(1).cumsum(0)[:-1]]),
        "sampling_locations": centres[None, :, None, None, None] + offsets / shapes.flip(1)[None, None, None, :, None],
        "attention_weights": logits.softmax(-1).reshape(1, tokens, heads, levels, points),
    }
