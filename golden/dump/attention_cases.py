"""Targets `ms_deform_attn_core` and `ms_deform_attn`: the operator with its gradients, and the module around it."""
import torch

from . import original, recipe, recorder
from .golden_case import GoldenCase, both, case, generator, levels


# ---------------------------------------------------------------------------------------------------------------- the core

def run_core(inputs, dtype):
    """Forward, and the three gradients by autograd through the original's pure-PyTorch core."""
    leaves = [inputs[name].to(dtype).requires_grad_() for name in ("value", "sampling_locations", "attention_weights")]
    value, locations, weights = leaves
    output = original.attention_functions.ms_deform_attn_core_pytorch(value, inputs["spatial_shapes"], locations, weights)
    gradients = torch.autograd.grad(output, leaves, inputs["grad_output"].to(dtype))
    names = ("grad_value", "grad_sampling_locations", "grad_attention_weights")
    return {"output": output.detach(), **dict(zip(names, gradients))}


def pixels(locations, spatial_shapes, dtype):
    """Pixel coordinates with the arithmetic of the original: the grid 2·loc − 1, then grid_sample's ((grid + 1)·size − 1)/2."""
    size = spatial_shapes.flip(1)[None, None, None, :, None, :]
    return ((2 * locations.to(dtype) - 1 + 1) * size - 1) / 2


def require_same_cells(locations, spatial_shapes):
    """The gradient jumps where a point changes its cell of four corners, so a point lies exactly on a cell border in both precisions or clearly off it.

    A point at exactly -1 pixel is refused too: there the pure-PyTorch core has a gradient, and the CUDA kernel of the original has none.
    """
    size = spatial_shapes.flip(1)[None, None, None, :, None, :].double()
    p32, p64 = pixels(locations, spatial_shapes, torch.float32).double(), pixels(locations, spatial_shapes, torch.float64)
    near = (p64 > -1.5) & (p64 < size + 0.5)
    off = (p64 - p64.round()).abs()
    exact = (off == 0) & (p32 == p64)
    clear = off > 64 * 2.0**-24 * (size + 1)
    assert (exact | clear | ~near).all(), "a sampling point lies too close to a cell border"
    assert not (near & (p64 == -1)).any(), "a sampling point lies at exactly -1 pixel"


def core_case(value, shapes, locations, weights, grad_output):
    spatial_shapes, level_start_index, _ = levels(shapes)
    require_same_cells(locations, spatial_shapes)
    inputs = {"value": value, "spatial_shapes": spatial_shapes, "level_start_index": level_start_index, "sampling_locations": locations,
              "attention_weights": weights, "grad_output": grad_output}
    expected, expected64 = both(lambda dtype: run_core(inputs, dtype))
    return GoldenCase("ms_deform_attn_core", {}, inputs, None, expected, expected64)


def random_core(seed, n, m, d, lq, p, shapes, value_scale=1.0, spread=1.0):
    """Random tensors; locations are uniform in a square `spread` times the map, around its centre."""
    g = generator(seed)
    _, _, s = levels(shapes)
    l = len(shapes)
    value = torch.randn(n, s, m, d, generator=g) * value_scale
    locations = (torch.rand(n, lq, m, l, p, 2, generator=g) - 0.5) * spread + 0.5
    weights = torch.randn(n, lq, m, l * p, generator=g).softmax(-1).view(n, lq, m, l, p)
    grad_output = torch.randn(n, lq, m * d, generator=g)
    return value, shapes, locations, weights, grad_output


def original_test(channels, seed, shapes=((6, 4), (3, 2))):
    """Sizes and distributions of the original's own test.py."""
    g = generator(seed)
    _, _, s = levels(shapes)
    value = torch.rand(1, s, 2, channels, generator=g) * 0.01
    locations = torch.rand(1, 2, 2, 2, 2, 2, generator=g)
    weights = torch.rand(1, 2, 2, 2, 2, generator=g) + 1e-5
    weights /= weights.sum(-1, keepdim=True).sum(-2, keepdim=True)
    return core_case(value, shapes, locations, weights, torch.rand(1, 2, 2 * channels, generator=g))


for _channels in (2, 30, 32, 64, 71):
    case(f"core-original-test-d{_channels}")(lambda channels=_channels: original_test(channels, 3 + channels))
case("core-d1025")(lambda: original_test(1025, 1028, shapes=((3, 2), (2, 1))))  # smaller maps: 1025 channels of the test's own are a megabyte

_RANDOM_CORES = {
    "core-unequal-m3-l2-p5-d7": dict(seed=11, n=2, m=3, d=7, lq=11, p=5, shapes=[(5, 9), (3, 5)], spread=1.3),
    "core-unequal-m2-l3-p4-d1": dict(seed=12, n=2, m=2, d=1, lq=9, p=4, shapes=[(7, 5), (4, 3), (2, 3)], spread=1.3),
    "core-unequal-m5-l4-p1-d3": dict(seed=13, n=1, m=5, d=3, lq=8, p=1, shapes=[(9, 6), (5, 3), (3, 2), (2, 1)], spread=1.3),
    "core-unequal-m1-l5-p2-d17": dict(seed=14, n=1, m=1, d=17, lq=6, p=2, shapes=[(8, 11), (4, 6), (2, 3), (1, 2), (1, 1)], spread=1.3),
    "core-one-pixel-levels": dict(seed=15, n=2, m=2, d=5, lq=13, p=4, shapes=[(1, 1), (1, 7), (5, 1)], spread=2.5),
    "core-batch-of-three": dict(seed=16, n=3, m=4, d=8, lq=10, p=3, shapes=[(4, 7), (2, 4)], spread=1.2),
    "core-huge-values": dict(seed=17, n=1, m=2, d=8, lq=7, p=3, shapes=[(5, 6), (3, 3)], value_scale=1e30, spread=1.2),
    "core-tiny-values": dict(seed=18, n=1, m=2, d=8, lq=7, p=3, shapes=[(5, 6), (3, 3)], value_scale=1e-30, spread=1.2),
    "core-far-outside": dict(seed=19, n=2, m=3, d=4, lq=16, p=2, shapes=[(6, 9), (3, 4)], spread=6.0),
    "core-many-points": dict(seed=20, n=1, m=8, d=32, lq=7, p=4, shapes=[(5, 7), (3, 4), (2, 2), (1, 1)], spread=1.1),
}
for _name, _arguments in _RANDOM_CORES.items():
    case(_name)(lambda arguments=_arguments: core_case(*random_core(**arguments)))


def special_points(fractions, seed, shapes, m=2, d=5):
    """Every pair (x, y) of the given coordinates, one pair per query, point 0; point 1 is the mirrored pair. Same for all levels and heads."""
    pairs = torch.cartesian_prod(torch.tensor(fractions), torch.tensor(fractions))
    lq, l = len(pairs), len(shapes)
    value, _, _, weights, grad_output = random_core(seed, 1, m, d, lq, 2, shapes)
    locations = torch.stack([pairs, pairs.flip(1)], 1)[None, :, None, None].expand(1, lq, m, l, 2, 2).contiguous()
    return core_case(value, shapes, locations, weights, grad_output)


# Powers of two for sizes and dyadic coordinates: pixel coordinates are exact in float32, so both precisions pick the same four corners.
@case("core-pixel-centres")
def _():
    return special_points([0.125, 0.375, 0.625, 0.875, 0.0625, 0.9375], 31, [(4, 8), (8, 4)])


@case("core-borders")
def _():
    # 0 and 1 are -0.5 and size - 0.5 pixels; the others lie an eighth or a quarter of a pixel inside and outside of those.
    return special_points([0.0, 1.0, -0.015625, 1.015625, 0.015625, 0.984375, 0.5], 32, [(8, 8), (4, 16)])


@case("core-half-way")
def _():
    return special_points([0.25, 0.5, 0.75, 0.0, 1.0], 33, [(4, 8), (2, 4), (1, 2)])


@case("core-outside")
def _():
    return special_points([3.0, -3.0, 100.0, -100.0, 1e6, -1e6, 0.40625], 34, [(4, 8), (2, 2)])


def structured(make_value, shapes, m, d, seed):
    """Values with a meaning (a ramp, the level's number …): an error then shows what it is."""
    spatial_shapes, _, _ = levels(shapes)
    parts = []
    for level, (h, w) in enumerate(shapes):
        y, x = torch.meshgrid(torch.arange(h, dtype=torch.float32), torch.arange(w, dtype=torch.float32), indexing="ij")
        parts.append(make_value(level, x.reshape(-1, 1, 1), y.reshape(-1, 1, 1)).expand(h * w, m, d))
    _, _, locations, weights, grad_output = random_core(seed, 1, m, d, 8, 3, shapes, spread=1.2)
    return core_case(torch.cat(parts)[None].contiguous(), shapes, locations, weights, grad_output)


_SHAPES = [(3, 5), (5, 9)]
case("core-values-one")(lambda: structured(lambda level, x, y: torch.ones_like(x), _SHAPES, 2, 4, 41))
case("core-values-x-ramp")(lambda: structured(lambda level, x, y: x, _SHAPES, 2, 4, 42))
case("core-values-y-ramp")(lambda: structured(lambda level, x, y: y, _SHAPES, 2, 4, 43))
case("core-values-level")(lambda: structured(lambda level, x, y: torch.full_like(x, level + 1.0), _SHAPES, 2, 4, 44))
case("core-values-head-channel")(
    lambda: structured(lambda level, x, y: torch.arange(12, dtype=torch.float32).view(1, 3, 4) + 0 * x, _SHAPES, 3, 4, 45))


# -------------------------------------------------------------------------------------------------------------- the module

def module_case(seed, n, lq, hidden_dim, nheads, n_points, shapes, boxes, padded=(), weights_file=False):
    """`padded`: per image the valid share (h, w) of every level; empty for no mask at all."""
    g = generator(seed)
    spatial_shapes, level_start_index, s = levels(shapes)
    l = len(shapes)
    reference_points = torch.rand(n, lq, l, 2, generator=g) * 1.1 - 0.05
    if boxes:
        reference_points = torch.cat([reference_points, torch.rand(n, lq, l, 2, generator=g) * 0.6], -1)
    inputs = {"query": torch.randn(n, lq, hidden_dim, generator=g), "reference_points": reference_points,
              "input_flatten": torch.randn(n, s, hidden_dim, generator=g), "input_spatial_shapes": spatial_shapes,
              "input_level_start_index": level_start_index}
    if padded:
        masks = [padding_mask([(round(h * a), round(w * b)) for a, b in padded], (h, w)).flatten(1) for h, w in shapes]
        inputs["input_padding_mask"] = torch.cat(masks, 1)
    module = original.attention.MSDeformAttn(hidden_dim, l, nheads, n_points)
    recipe.fill(module, seed)
    weights = {name: tensor.clone() for name, tensor in module.state_dict().items()} if weights_file else {"recipe": recipe.RECIPE, "seed": seed}
    expected, expected64 = both(lambda dtype: recorder.run_attention(module, inputs, dtype))
    config = {"hidden_dim": hidden_dim, "nheads": nheads, "num_feature_levels": l, "n_points": n_points}
    return GoldenCase("ms_deform_attn", config, inputs, weights, expected, expected64)


def padding_mask(valid, size):
    """(N,H,W) bool, true outside of each image's valid (h, w) in the top left corner."""
    mask = torch.ones(len(valid), *size, dtype=torch.bool)
    for image, (h, w) in enumerate(valid):
        mask[image, :max(h, 1), :max(w, 1)] = False
    return mask


_MODULES = {
    "attn-points": dict(seed=51, n=2, lq=9, hidden_dim=64, nheads=4, n_points=5, shapes=[(6, 9), (3, 5), (2, 2)], boxes=False, weights_file=True),
    "attn-points-padded": dict(seed=52, n=3, lq=7, hidden_dim=32, nheads=2, n_points=3, shapes=[(7, 5), (4, 3), (2, 2), (1, 1)], boxes=False,
                               padded=((1.0, 0.6), (0.55, 1.0), (0.8, 0.8))),
    "attn-boxes": dict(seed=53, n=2, lq=8, hidden_dim=96, nheads=6, n_points=5, shapes=[(5, 8), (3, 4), (1, 2)], boxes=True),
    "attn-boxes-padded": dict(seed=54, n=2, lq=6, hidden_dim=64, nheads=4, n_points=2, shapes=[(5, 8), (3, 4), (2, 2), (1, 1), (1, 1)], boxes=True,
                              padded=((0.7, 1.0), (1.0, 0.5)), weights_file=True),
    "attn-single-level": dict(seed=55, n=1, lq=10, hidden_dim=96, nheads=3, n_points=4, shapes=[(4, 7)], boxes=False, padded=((0.75, 0.6),)),
}
for _name, _arguments in _MODULES.items():
    case(_name)(lambda arguments=_arguments: module_case(**arguments))
