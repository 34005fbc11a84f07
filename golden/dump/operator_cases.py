"""This project's own targets `operator` (one PyTorch operator on a small awkward input) and `resize` (Pillow's bilinear resize)."""
import numpy
import torch
import torch.nn.functional as F
from PIL import Image

from . import original
from .golden_case import GoldenCase, both, case, generator

OPERATORS = {}


def operator(function):
    OPERATORS[function.__name__] = function
    return function


# Each takes tensors and settings by name and returns the output (top_k: two outputs). They run under original.precision.

@operator
def linear(input, weight, bias):
    return F.linear(input, weight, bias)


@operator
def matmul(a, b):
    return torch.matmul(a, b)


@operator
def conv2d(input, weight, bias=None, *, stride, padding, dilation, groups):
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@operator
def frozen_batch_norm(input, weight, bias, running_mean, running_var, *, eps):
    module = original.backbone.FrozenBatchNorm2d(len(weight), eps)
    module.weight, module.bias, module.running_mean, module.running_var = weight, bias, running_mean, running_var
    return module(input)


@operator
def group_norm(input, weight, bias, *, num_groups, eps):
    return F.group_norm(input, num_groups, weight, bias, eps)


@operator
def layer_norm(input, weight, bias, *, eps):
    return F.layer_norm(input, weight.shape, weight, bias, eps)


@operator
def softmax(input):
    return F.softmax(input, -1)


@operator
def relu(input):
    return F.relu(input)


@operator
def gelu(input):
    return F.gelu(input)


@operator
def sigmoid(input):
    return input.sigmoid()


@operator
def inverse_sigmoid(input):
    return original.misc.inverse_sigmoid(input)


@operator
def max_pool2d(input, *, kernel_size, stride, padding):
    return F.max_pool2d(input, kernel_size, stride, padding)


@operator
def grid_sample(input, grid, *, align_corners):
    return F.grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=align_corners)


@operator
def linspace(*, start, end, steps):
    return torch.linspace(start, end, steps, dtype=torch.float32)


@operator
def cumulative_sum(input, *, axis):
    return input.cumsum(axis, dtype=torch.float32)


@operator
def masked_fill(input, mask, *, value):
    return input.masked_fill(mask, float(value))


@operator
def top_k(input, *, k):
    values, indices = torch.topk(input, k, dim=-1)
    return {"values": values, "indices": indices}


@operator
def gather(input, indices):
    return torch.gather(input, 1, indices.unsqueeze(-1).repeat(1, 1, input.shape[2]))


@operator
def nearest_resize(mask, *, height, width):
    return F.interpolate(mask[None].float(), size=(height, width)).to(torch.bool)[0]


@operator
def embedding(weight, indices):
    return F.embedding(indices, weight)


@operator
def multihead_attention(query, key, value, in_proj_weight, in_proj_bias, *, nheads, **out_proj):
    module = torch.nn.MultiheadAttention(query.shape[2], nheads).eval().to(query.dtype)
    module.load_state_dict({"in_proj_weight": in_proj_weight, "in_proj_bias": in_proj_bias, **out_proj})
    return module(query.transpose(0, 1), key.transpose(0, 1), value.transpose(0, 1))[0].transpose(0, 1).contiguous()


def operator_case(name, inputs, settings):
    def run(dtype):
        given = {key: original.widen(value, dtype) for key, value in inputs.items()}
        with torch.no_grad(), original.precision(dtype):
            output = OPERATORS[name](**given, **settings)
        return output if isinstance(output, dict) else {"output": output}
    expected, expected64 = both(run)
    return GoldenCase("operator", {"operator": name, **settings}, inputs, None, expected, expected64)


def add(case_name, name, settings=None, **make):
    """Registers a case whose tensors are made by functions of one generator, in the order given."""
    def build():
        # One seed per case name, the same on every machine (Python's own hash is not).
        g = generator(sum((i + 1) * ord(letter) for i, letter in enumerate(case_name)))
        return operator_case(name, {key: value(g) if callable(value) else value for key, value in make.items()}, settings or {})
    case(f"operator-{case_name}")(build)


def normal(*shape, scale=1.0, shift=0.0):
    return lambda g: torch.randn(*shape, generator=g) * scale + shift


def uniform(*shape, low=0.0, high=1.0):
    return lambda g: torch.rand(*shape, generator=g) * (high - low) + low


def yes(*shape, share=0.5):
    return lambda g: torch.rand(*shape, generator=g) < share


def rows(*values):
    return torch.tensor(values, dtype=torch.float32)


add("linear", "linear", input=normal(2, 7, 13), weight=normal(5, 13), bias=normal(5))
add("linear-one", "linear", input=normal(1, 1), weight=normal(1, 1), bias=normal(1))
add("linear-long", "linear", input=normal(3, 1037), weight=normal(17, 1037), bias=normal(17))
add("linear-cancelling", "linear", input=normal(5, 300, shift=1000.0), weight=normal(9, 300), bias=normal(9))

add("matmul", "matmul", a=normal(2, 3, 5, 31), b=normal(2, 3, 31, 9))
add("matmul-two-axes", "matmul", a=normal(7, 270), b=normal(270, 3))
add("matmul-thin", "matmul", a=normal(2, 1, 19), b=normal(2, 19, 1))

_PLAIN = dict(stride=1, padding=0, dilation=1, groups=1)
add("conv2d-stem", "conv2d", dict(_PLAIN, stride=2, padding=3), input=normal(2, 3, 11, 14), weight=normal(5, 3, 7, 7))
add("conv2d-3x3", "conv2d", dict(_PLAIN, padding=1), input=normal(1, 6, 5, 9), weight=normal(7, 6, 3, 3), bias=normal(7))
add("conv2d-3x3-stride", "conv2d", dict(_PLAIN, stride=2, padding=1), input=normal(2, 5, 6, 7), weight=normal(4, 5, 3, 3), bias=normal(4))
add("conv2d-one-pixel", "conv2d", dict(_PLAIN, stride=2, padding=1), input=normal(1, 9, 1, 1), weight=normal(4, 9, 3, 3), bias=normal(4))
add("conv2d-dilated", "conv2d", dict(_PLAIN, padding=2, dilation=2), input=normal(1, 4, 3, 7), weight=normal(5, 4, 3, 3))
add("conv2d-1x1", "conv2d", _PLAIN, input=normal(2, 37, 3, 5), weight=normal(11, 37, 1, 1), bias=normal(11))
add("conv2d-1x1-stride", "conv2d", dict(_PLAIN, stride=2), input=normal(1, 8, 5, 4), weight=normal(6, 8, 1, 1))
add("conv2d-groups", "conv2d", dict(_PLAIN, padding=1, groups=3), input=normal(1, 6, 4, 5), weight=normal(9, 2, 3, 3), bias=normal(9))
add("conv2d-deep", "conv2d", dict(_PLAIN, padding=1), input=normal(1, 150, 2, 3), weight=normal(5, 150, 3, 3), bias=normal(5))
add("conv2d-unequal", "conv2d", dict(stride=2, padding=1, dilation=2, groups=1), input=normal(1, 3, 7, 6), weight=normal(4, 3, 2, 3))

add("frozen-batch-norm", "frozen_batch_norm", dict(eps=1e-5), input=normal(2, 5, 3, 4), weight=normal(5), bias=normal(5), running_mean=normal(5),
    running_var=uniform(5, low=0.1, high=2.0))
add("frozen-batch-norm-tiny-variance", "frozen_batch_norm", dict(eps=1e-5), input=normal(1, 4, 1, 3), weight=normal(4), bias=normal(4),
    running_mean=normal(4), running_var=rows(0.0, 1e-6, 1e-5, 1e-2))

add("group-norm", "group_norm", dict(num_groups=32, eps=1e-5), input=normal(2, 64, 3, 5), weight=normal(64), bias=normal(64))
add("group-norm-one-pixel", "group_norm", dict(num_groups=8, eps=1e-5), input=normal(2, 24, 1, 1), weight=normal(24), bias=normal(24))
add("group-norm-single-elements", "group_norm", dict(num_groups=6, eps=1e-5), input=normal(2, 6, 1, 1), weight=normal(6), bias=normal(6))
add("group-norm-offset", "group_norm", dict(num_groups=3, eps=1e-5), input=normal(2, 9, 4, 7, shift=100.0), weight=normal(9), bias=normal(9))

add("layer-norm", "layer_norm", dict(eps=1e-5), input=normal(2, 7, 37), weight=normal(37), bias=normal(37))
add("layer-norm-offset", "layer_norm", dict(eps=1e-5), input=normal(5, 40, shift=300.0), weight=normal(40), bias=normal(40))
add("layer-norm-constant", "layer_norm", dict(eps=1e-5), input=rows([3, 3, 3, 3, 3], [0, 0, 0, 0, 0], [1e-3, 0, 0, 0, 0]), weight=normal(5), bias=normal(5))
add("layer-norm-wide", "layer_norm", dict(eps=1e-5), input=normal(3, 512, scale=10.0), weight=normal(512), bias=normal(512))

add("softmax", "softmax", input=normal(2, 3, 17, scale=3.0))
add("softmax-awkward", "softmax", input=rows([90, 2, -2], [0, 0, 0], [-500, -500, -500], [1e4, -1e4, 0], [88.8, 88.7, -88], [-1e-3, 1e-3, 0]))
add("softmax-one", "softmax", input=rows([5.0], [-300.0]))

add("relu", "relu", input=rows([-1.5, -0.0, 0.0, 1e-30, -1e-30], [3e38, -3e38, 2, -2, 0.5]))
add("gelu", "gelu", input=lambda g: torch.cat([torch.linspace(-9, 9, 73), torch.tensor([0.0, 1e-8, -1e-8, 30.0, -30.0, 5.5, -5.5])]).view(8, 10))
add("sigmoid", "sigmoid", input=lambda g: torch.cat([torch.linspace(-20, 20, 61), torch.tensor([0.0, 90.0, -90.0, 1e-7, 700.0])]).view(6, 11))
add("inverse-sigmoid", "inverse_sigmoid", input=rows([0, 1, 0.5, -0.1, 1.1], [1e-5, 1 - 1e-5, 1e-6, 1 - 1e-6, 0.3], [0.999, 0.001, 0.9, 2e-5, 0.7]))

_POOL = dict(kernel_size=3, stride=2, padding=1)
add("max-pool2d", "max_pool2d", _POOL, input=normal(2, 3, 7, 10))
add("max-pool2d-negative", "max_pool2d", _POOL, input=normal(1, 2, 5, 4, shift=-10.0))
add("max-pool2d-one-pixel", "max_pool2d", _POOL, input=normal(1, 4, 1, 1))
add("max-pool2d-one-column", "max_pool2d", _POOL, input=normal(1, 2, 6, 1))

for _corners in (False, True):
    _suffix = "-align-corners" if _corners else ""
    add(f"grid-sample{_suffix}", "grid_sample", dict(align_corners=_corners), input=normal(2, 3, 5, 7), grid=uniform(2, 4, 6, 2, low=-1.4, high=1.4))
    add(f"grid-sample-one-pixel{_suffix}", "grid_sample", dict(align_corners=_corners), input=normal(1, 2, 1, 1),
        grid=uniform(1, 3, 5, 2, low=-2.5, high=2.5))
    add(f"grid-sample-borders{_suffix}", "grid_sample", dict(align_corners=_corners), input=normal(1, 2, 4, 8),
        grid=lambda g: torch.cartesian_prod(*[torch.tensor([-1.0, 1.0, 0.0, -1.25, 1.125, -0.875, 0.75, 50.0, -1e5])] * 2)[None, :, None])

add("linspace", "linspace", dict(start=0.5, end=12.5, steps=13))
add("linspace-one", "linspace", dict(start=0.5, end=0.5, steps=1))
add("linspace-from-zero", "linspace", dict(start=0.0, end=166.0, steps=167))
add("linspace-fractions", "linspace", dict(start=-1.0, end=0.3, steps=31))

add("cumulative-sum-rows", "cumulative_sum", dict(axis=1), input=yes(2, 7, 5, share=0.6))
add("cumulative-sum-columns", "cumulative_sum", dict(axis=2), input=yes(2, 1, 11, share=0.6))

add("masked-fill", "masked_fill", dict(value=0.0), input=normal(2, 5, 3), mask=yes(2, 5, 3))

add("top-k", "top_k", dict(k=5), input=lambda g: torch.stack([torch.randperm(23, generator=g) for _ in range(3)]).float() * 0.37 - 3)
add("top-k-all", "top_k", dict(k=7), input=lambda g: torch.randperm(7, generator=g).float()[None])
add("top-k-one", "top_k", dict(k=1), input=rows([-3, -1, -2], [5, 4, 6]))

add("gather", "gather", input=normal(2, 9, 4), indices=lambda g: torch.randint(0, 9, (2, 6), generator=g))

# Noise and not a rectangle, as real masks are: every wrong source index shows.
for _size, _to in (((33, 50), (5, 7)), ((40, 64), (5, 8)), ((11, 7), (23, 9)), ((1, 9), (1, 3)), ((13, 1), (7, 1)), ((61, 83), (2, 3))):
    add(f"nearest-resize-{_size[0]}x{_size[1]}-to-{_to[0]}x{_to[1]}", "nearest_resize", dict(height=_to[0], width=_to[1]), mask=yes(2, *_size))

add("embedding", "embedding", weight=normal(11, 5), indices=lambda g: torch.randint(0, 11, (2, 7), generator=g))


def attention_weights(width):
    return {"in_proj_weight": normal(3 * width, width, scale=0.4), "in_proj_bias": normal(3 * width), "out_proj.weight": normal(width, width, scale=0.4),
            "out_proj.bias": normal(width)}


add("multihead-attention", "multihead_attention", dict(nheads=3), query=normal(2, 7, 12), key=normal(2, 5, 12), value=normal(2, 5, 12), **attention_weights(12))
add("multihead-attention-one-token", "multihead_attention", dict(nheads=4), query=normal(3, 1, 8), key=normal(3, 1, 8), value=normal(3, 1, 8),
    **attention_weights(8))
add("multihead-attention-one-head", "multihead_attention", dict(nheads=1), query=normal(1, 19, 10), key=normal(1, 19, 10), value=normal(1, 19, 10),
    **attention_weights(10))


# ------------------------------------------------------------------------------------------------------------------ resize

def resize_case(seed, size, to):
    image = torch.randint(0, 256, (*size, 3), generator=generator(seed), dtype=torch.uint8)
    resized = Image.fromarray(image.numpy()).resize((to[1], to[0]), Image.BILINEAR)
    output = torch.from_numpy(numpy.array(resized))
    return GoldenCase("resize", {"height": to[0], "width": to[1]}, {"image": image}, None, {"output": output})


_RESIZES = [((8, 8), (4, 4)), ((7, 5), (13, 11)), ((31, 17), (10, 23)), ((17, 31), (40, 9)), ((1, 1), (5, 3)), ((9, 13), (1, 1)), ((1, 20), (6, 7)),
            ((20, 1), (7, 6)), ((24, 36), (25, 37)), ((30, 45), (29, 44)), ((64, 48), (7, 5)), ((5, 64), (64, 5)), ((12, 9), (12, 20)), ((12, 9), (30, 9)),
            ((50, 70), (16, 22)), ((6, 6), (6, 6))]
for _index, (_size, _to) in enumerate(_RESIZES):
    case(f"resize-{_size[0]}x{_size[1]}-to-{_to[0]}x{_to[1]}")(lambda index=_index, size=_size, to=_to: resize_case(900 + index, size, to))
