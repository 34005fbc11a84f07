"""Imports the original repository and makes it run on a CPU, in float32 and in float64.

Nothing of the original is changed on disk. Three things stand in its way on a machine without CUDA: the compiled attention operator, a version check that
reads torchvision 0.14 as 0.1, and the download of ImageNet weights.
"""
import contextlib
import importlib.util
import os
import sys
import types
import warnings

import torch
import torch.nn as nn

COMMIT = "11169a6"
REPOSITORY = "fundamentalvision/Deformable-DETR"

# Set by recorder.py: called as listener(value, sampling_locations, attention_weights, output) for every run of the attention core.
core_listener = None


def load(checkout):
    """Imports the original from a checkout and publishes what the dump needs as attributes of this module."""
    import torchvision

    sys.modules["MultiScaleDeformableAttention"] = types.ModuleType("MultiScaleDeformableAttention")
    true_version = torchvision.__version__
    torchvision.__version__ = "0.9.0"
    sys.path.insert(0, os.path.abspath(checkout))
    warnings.filterwarnings("ignore")

    global backbone, detr, transformer, positions, attention, attention_functions, misc, transforms
    import models.backbone as backbone
    import models.deformable_detr as detr
    import models.deformable_transformer as transformer
    import models.ops.functions.ms_deform_attn_func as attention_functions
    import models.ops.modules.ms_deform_attn as attention
    import models.position_encoding as positions
    import util.misc as misc

    # By file, because the package around it needs pycocotools.
    spec = importlib.util.spec_from_file_location("original_transforms", os.path.join(checkout, "datasets", "transforms.py"))
    transforms = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(transforms)

    torchvision.__version__ = true_version
    backbone.is_main_process = lambda: False

    class CoreOnCpu:
        @staticmethod
        def apply(value, spatial_shapes, level_start_index, sampling_locations, attention_weights, im2col_step):
            output = attention_functions.ms_deform_attn_core_pytorch(value, spatial_shapes, sampling_locations, attention_weights)
            if core_listener is not None:
                core_listener(value, sampling_locations, attention_weights, output)
            return output

    attention.MSDeformAttnFunction = CoreOnCpu


FLOAT32, FLOAT64 = torch.float32, torch.float64


@contextlib.contextmanager
def precision(dtype):
    """Runs the original in float64 throughout: it names torch.float32 and .float() in places, so both mean float64 meanwhile."""
    if dtype == FLOAT32:
        yield
        return
    saved = torch.float32, torch.float, torch.Tensor.float
    torch.float32 = torch.float = FLOAT64
    torch.Tensor.float = torch.Tensor.double
    torch.set_default_dtype(FLOAT64)
    try:
        yield
    finally:
        torch.float32, torch.float, torch.Tensor.float = saved
        torch.set_default_dtype(FLOAT32)


def widen(value, dtype):
    """Floating tensors in the precision of the run (exact), everything else as it is."""
    return value.to(dtype) if value.is_floating_point() else value


DEFAULTS = {
    "backbone": "resnet50", "dilation": False, "position_embedding": "sine", "num_feature_levels": 4, "enc_layers": 6, "dec_layers": 6,
    "dim_feedforward": 1024, "hidden_dim": 256, "nheads": 8, "num_queries": 300, "enc_n_points": 4, "dec_n_points": 4,
    "with_box_refine": False, "two_stage": False, "num_classes": 91, "activation": "relu",
}


def full_config(**overrides):
    unknown = set(overrides) - set(DEFAULTS)
    assert not unknown, unknown
    return {**DEFAULTS, **overrides}


def _resnet(description, dilation):
    """torchvision's ResNet with its own _make_layer, but with another width than the 64 that its constructor has built in."""
    from torchvision.models import resnet

    block = {"basic": resnet.BasicBlock, "bottleneck": resnet.Bottleneck}[description["block"]]
    width, blocks = description["width"], description["layers"]
    net = resnet.ResNet.__new__(resnet.ResNet)
    nn.Module.__init__(net)
    net._norm_layer = backbone.FrozenBatchNorm2d
    net.inplanes, net.dilation, net.groups, net.base_width = width, 1, 1, 64
    net.conv1 = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
    net.bn1 = backbone.FrozenBatchNorm2d(width)
    net.relu = nn.ReLU(inplace=True)
    net.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
    net.layer1 = net._make_layer(block, width, blocks[0])
    net.layer2 = net._make_layer(block, 2 * width, blocks[1], stride=2)
    net.layer3 = net._make_layer(block, 4 * width, blocks[2], stride=2)
    net.layer4 = net._make_layer(block, 8 * width, blocks[3], stride=2, dilate=dilation)
    channels = [2 * width * block.expansion, 4 * width * block.expansion, 8 * width * block.expansion]
    return net, channels


def _build_backbone(config):
    several = config["num_feature_levels"] > 1
    if isinstance(config["backbone"], str):
        return backbone.Backbone(config["backbone"], False, several, config["dilation"])
    net, channels = _resnet(config["backbone"], config["dilation"])
    built = backbone.BackboneBase(net, False, several)
    built.num_channels = channels if several else channels[-1:]
    if config["dilation"]:
        built.strides[-1] //= 2
    return built


def build_positions(config):
    args = types.SimpleNamespace(hidden_dim=config["hidden_dim"], position_embedding=config["position_embedding"])
    return positions.build_position_encoding(args)


def _build_transformer(config):
    return transformer.DeformableTransformer(
        d_model=config["hidden_dim"], nhead=config["nheads"], num_encoder_layers=config["enc_layers"], num_decoder_layers=config["dec_layers"],
        dim_feedforward=config["dim_feedforward"], dropout=0.1, activation=config["activation"], return_intermediate_dec=True,
        num_feature_levels=config["num_feature_levels"], dec_n_points=config["dec_n_points"], enc_n_points=config["enc_n_points"],
        two_stage=config["two_stage"], two_stage_num_proposals=config["num_queries"])


def _detr(config, joined_backbone):
    return detr.DeformableDETR(
        joined_backbone, _build_transformer(config), num_classes=config["num_classes"], num_queries=config["num_queries"],
        num_feature_levels=config["num_feature_levels"], aux_loss=True, with_box_refine=config["with_box_refine"], two_stage=config["two_stage"])


def build_model(config):
    joined = backbone.Joiner(_build_backbone(config), build_positions(config))
    return _detr(config, joined).eval()


class GivenFeatures(nn.Module):
    """Stands where the backbone stands and hands over given maps, so that the transformer and the head loop run inside the original's own forward."""

    def __init__(self, config):
        super().__init__()
        levels = config["num_feature_levels"]
        self.strides = [8] * levels
        self.num_channels = [config["hidden_dim"]] * levels
        self.maps = None

    def forward(self, samples):
        srcs, masks, pos = self.maps
        return [misc.NestedTensor(src, mask) for src, mask in zip(srcs, masks)], list(pos)


def build_transformer_model(config):
    model = _detr(config, GivenFeatures(config))
    model.input_proj = nn.ModuleList([nn.Identity() for _ in range(config["num_feature_levels"])])
    return model.eval()
