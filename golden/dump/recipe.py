"""Weights by recipe `splitmix64/1`: every element is a pure function of seed, tensor name and flat index (section 3 of the golden contract)."""
import math

import numpy
import torch

RECIPE = "splitmix64/1"
_PREFIX = "transformer.decoder."


def canonical(name, shared_heads):
    """The name that the recipe hashes: heads lose the decoder's alias, and shared heads are all made under index 0."""
    for head in ("bbox_embed.", "class_embed."):
        if name.startswith(_PREFIX + head):
            name = name[len(_PREFIX):]
        if name.startswith(head) and shared_heads:
            rest = name[len(head):].split(".", 1)[1]
            name = f"{head}0.{rest}"
    return name


def scale_and_shift(name, shape):
    fan_in = math.prod(shape[1:])
    if name.endswith("running_var"):
        return 0.25, 0.75
    if name.endswith("running_mean"):
        return 0.1, 0.0
    if name.endswith("sampling_offsets.bias"):
        return 3.0, 0.0
    if name.endswith("level_embed") or name.endswith("query_embed.weight"):
        return 1.0, 0.0
    if len(shape) == 1 and name.endswith("weight"):
        return 0.25, 1.0
    if len(shape) == 1:
        return 0.2, 0.0
    if len(shape) == 4:
        return 0.7 * math.sqrt(6 / fan_in), 0.0
    return math.sqrt(3 / fan_in), 0.0


def fnv1a64(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


def uniform(seed, name, count):
    """r in [-1, 1), exact in float64: 24 random bits."""
    u64 = numpy.uint64
    h = u64(fnv1a64(name.encode("utf-8")) ^ seed)
    with numpy.errstate(over="ignore"):
        z = h + (numpy.arange(count, dtype=u64) + u64(1)) * u64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> u64(30))) * u64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> u64(27))) * u64(0x94D049BB133111EB)
        z = z ^ (z >> u64(31))
    return ((z >> u64(40)).astype(numpy.float64) - 2.0**23) / 2.0**23


def tensor(seed, name, shape):
    scale, shift = scale_and_shift(name, shape)
    values = uniform(seed, name, math.prod(shape)) * scale + shift
    return torch.from_numpy(values.astype(numpy.float32).reshape(shape))


def fill(module, seed, shared_heads=False):
    """Loads the whole state_dict of a module by recipe (float32)."""
    state = {name: tensor(seed, canonical(name, shared_heads), tuple(value.shape)) for name, value in module.state_dict().items()}
    module.load_state_dict(state, strict=True)
