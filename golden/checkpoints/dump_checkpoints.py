#!/usr/bin/env python3
"""One tiny model, saved as PyTorch and as the code bases around it save it; see README.md of golden/.

dump_checkpoints.py --repo CHECKOUT
"""
import argparse
import collections
import hashlib
import json
import pathlib
import re
import sys

sys.dont_write_bytecode = True

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import numpy  # noqa: E402
import torch  # noqa: E402

from dump import original, recipe, safetensors_file  # noqa: E402

SEED = 501
CONFIG = dict(backbone={"block": "basic", "width": 2, "layers": [1, 1, 1, 1]}, num_feature_levels=4, enc_layers=1, dec_layers=2, dim_feedforward=16,
              hidden_dim=32, nheads=2, num_queries=15, enc_n_points=1, dec_n_points=2, with_box_refine=True, num_classes=7)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", required=True, help="checkout of fundamentalvision/Deformable-DETR at commit 11169a6")
    repo = parser.parse_args().repo
    torch.set_num_threads(1)
    original.load(repo)
    model = original.build_model(original.full_config(**CONFIG))
    fill(model)
    state = model.state_dict()
    (FOLDER / "config.json").write_text(json.dumps({"config": CONFIG}, indent=2) + "\n", encoding="utf-8")
    dump_run(model)
    dump_pytorch(model, state, training_arguments(repo))
    dump_huggingface(state)
    torch.save({"meta": {"mmdet_version": "2.20.0", "epoch": 50, "CLASSES": ("a", "b")}, "state_dict": with_counters(mmdetection2(state))}, FOLDER / "mmdetection2.pth")
    torch.save({"meta": {"mmdet_version": "3.3.0", "dataset_meta": {"classes": ("a", "b")}}, "state_dict": mmdetection3(state)}, FOLDER / "mmdetection3.pth")
    torch.save({"model": detrex(state), "iteration": 374999}, FOLDER / "detrex.pth")


def fill(model):
    """Weights by recipe; biases of the input projections are zero, because mmdetection has none."""
    for name, value in model.state_dict().items():
        made = recipe.tensor(SEED, recipe.canonical(name, False), tuple(value.shape))
        value.copy_(torch.zeros_like(value) if re.fullmatch(r"input_proj\.\d\.0\.bias", name) else torch.as_tensor(made).reshape(value.shape))


def dump_run(model):
    """An input and what the original puts out."""
    tensor = torch.randn(2, 3, 24, 32, generator=torch.Generator().manual_seed(SEED))
    mask = torch.zeros(2, 24, 32, dtype=torch.bool)
    mask[1, 20:], mask[1, :, 24:] = True, True
    tensor.masked_fill_(mask[:, None], 0)
    safetensors_file.write(FOLDER / "inputs.safetensors", {"samples.tensor": tensor, "samples.mask": mask})
    with torch.no_grad():
        outputs = model(original.misc.NestedTensor(tensor, mask))
    safetensors_file.write(FOLDER / "expected.safetensors", {name: outputs[name] for name in ("pred_logits", "pred_boxes")})


def training_arguments(repo):
    """What main.py's parser makes, as a training in a process group leaves it."""
    sys.path.insert(0, str(repo))
    source = pathlib.Path(repo, "main.py").read_text(encoding="utf-8")
    scope = {"argparse": argparse, "np": numpy}
    exec(source[source.index("def get_args_parser"):source.index("def main(")], scope)  # main.py itself needs pycocotools
    arguments = scope["get_args_parser"]().parse_args(["--with_box_refine"])
    for key, value in {**CONFIG, "rank": 0, "world_size": 8, "gpu": 0, "dist_url": "env://", "distributed": True, "dist_backend": "nccl"}.items():
        setattr(arguments, key, value)
    return arguments


def dump_pytorch(model, state, arguments):
    heads = [parameter for name, parameter in model.named_parameters() if name.startswith("class_embed")]
    optimizer = torch.optim.AdamW([{"params": heads, "lr": 2e-4}], weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [40])
    kept = [parameter.detach().clone() for parameter in heads]
    sum(parameter.square().sum() for parameter in heads).backward()
    optimizer.step()
    scheduler.step()
    for parameter, value in zip(heads, kept):
        parameter.data.copy_(value)
    whole = {"model": state, "optimizer": optimizer.state_dict(), "lr_scheduler": scheduler.state_dict(), "epoch": 49, "args": arguments}
    torch.save(whole, FOLDER / "whole.pth")
    torch.save({**whole, "best": numpy.float64(43.8), "seen": {1, 2}}, FOLDER / "whole-legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(collections.OrderedDict((f"module.{name}", value) for name, value in strided(state).items()), FOLDER / "strided.pth")
    torch.save(strided(state), FOLDER / "strided-legacy.pth", _use_new_zipfile_serialization=False)
    half = {name: value.to(torch.bfloat16 if "encoder" in name else torch.float16) for name, value in state.items()}
    torch.save(half, FOLDER / "half.pth")
    rounded = {name: hashlib.sha256(value.float().contiguous().numpy().tobytes()).hexdigest() for name, value in half.items()}
    (FOLDER / "half-rounded.json").write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")


def strided(state):
    """All weights as views of one storage, at offsets; matrices transposed, kernels with channels last."""
    flat = torch.full((sum(value.numel() + 3 for value in state.values()),), float("nan"))  # between the views
    views, start = {}, 1
    for name, value in state.items():
        part = flat[start:start + value.numel()]
        start += value.numel() + 3
        if value.dim() == 2:
            view = part.view(value.shape[1], value.shape[0]).t()
        elif value.dim() == 4:
            view = part.view(*(value.shape[axis] for axis in (0, 2, 3, 1))).permute(0, 3, 1, 2)
        else:
            view = part.view(value.shape)
        views[name] = view.copy_(value)
    return views


def with_counters(state):
    """mmdetection's backbone has torch.nn.BatchNorm2d, which counts."""
    counters = {name.replace("running_mean", "num_batches_tracked"): torch.tensor(7) for name in state if name.endswith("running_mean")}
    return {**state, **counters}


def dump_huggingface(state):
    named = {}
    for name, value in state.items():
        name = name.replace("backbone.0.body.", "backbone.conv_encoder.model.").replace("transformer.", "", 1)
        name = name.replace("query_embed.", "query_position_embeddings.")
        side = re.match(r"(en|de)coder\.layers", name)
        if side:
            norms = {"en": {1: "self_attn", 2: "final"}, "de": {1: "encoder_attn", 2: "self_attn", 3: "final"}}[side.group(1)]
            name = re.sub(r"norm(\d)", lambda match: f"{norms[int(match.group(1))]}_layer_norm", name)
            name = re.sub(r"linear(\d)", r"fc\1", name).replace("cross_attn", "encoder_attn")
        if not re.match(r"(class|bbox)_embed\.", name):
            name = f"model.{name}"
        packed = re.fullmatch(r"(.*)in_proj_(weight|bias)", name)
        if packed:
            for letter, part in zip("qkv", value.chunk(3)):
                named[f"{packed.group(1)}{letter}_proj.{packed.group(2)}"] = part.clone()
        else:
            named[name] = value
    config = {
        "architectures": ["DeformableDetrForObjectDetection"], "model_type": "deformable_detr", "backbone": CONFIG["backbone"], "dilation": False,
        "position_embedding_type": "sine", "num_feature_levels": 4, "encoder_layers": 1, "decoder_layers": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16,
        "d_model": 32, "encoder_attention_heads": 2, "decoder_attention_heads": 2, "num_queries": 15, "two_stage_num_proposals": 15, "encoder_n_points": 1,
        "decoder_n_points": 2, "with_box_refine": True, "two_stage": False, "activation_function": "relu", "auxiliary_loss": False, "use_timm_backbone": True,
        "id2label": {str(label): f"class {label}" for label in range(7)}, "torch_dtype": "float32", "transformers_version": "4.30.0",
    }
    single, sharded = FOLDER / "huggingface", FOLDER / "huggingface-sharded"
    for folder in (single, sharded):
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    # Its safetensors files leave out what is tied to another.
    safetensors_file.write(single / "model.safetensors", {name: value for name, value in named.items() if not name.startswith("model.decoder.bbox_embed")})
    names = list(named)
    weight_map = {}
    for index, part in enumerate((names[:len(names) // 2], names[len(names) // 2:]), 1):
        file = f"pytorch_model-{index:05}-of-00002.bin"
        torch.save(collections.OrderedDict((name, named[name].clone()) for name in part), sharded / file)
        weight_map.update({name: file for name in part})
    index = {"metadata": {"total_size": sum(4 * value.numel() for value in named.values())}, "weight_map": weight_map}
    (sharded / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")


def neck(name, norm):
    """input_proj.L.0/1 as a channel mapper: three projections, then extra ones."""
    def rename(match):
        level, kind = int(match.group(1)), {"0": "conv", "1": norm}[match.group(2)]
        return f"neck.convs.{level}.{kind}" if level < 3 else f"neck.extra_convs.{level - 3}.{kind}"
    return re.sub(r"^input_proj\.(\d)\.(\d)", rename, name)


def in_run_order(name):
    """Norms by the order in which they run: the decoder's self-attention and its norm2 come first."""
    name = re.sub(r"(encoder\.layers\.\d\.)norm(\d)", lambda match: f"{match.group(1)}norms.{int(match.group(2)) - 1}", name)
    return re.sub(r"(decoder\.layers\.\d\.)norm(\d)", lambda match: f"{match.group(1)}norms.{(1, 0, 2)[int(match.group(2)) - 1]}", name)


def mm_heads(name, prefix):
    name = name.replace("class_embed.", f"{prefix}cls_branches.", 1)
    return re.sub(r"bbox_embed\.(\d)\.layers\.(\d)", lambda match: f"{prefix}reg_branches.{match.group(1)}.{2 * int(match.group(2))}", name)


def mmdetection3(state):
    named = {}
    for name, value in state.items():
        if re.match(r"transformer\.decoder\.(class|bbox)_embed|input_proj\.\d\.0\.bias", name):
            continue
        name = neck(name.replace("backbone.0.body.", "backbone."), "gn")
        name = in_run_order(name.replace("transformer.", "", 1))
        name = re.sub(r"^(decoder\.layers\.\d\.self_attn)\.", r"\1.attn.", name)
        name = name.replace("linear1", "ffn.layers.0.0").replace("linear2", "ffn.layers.1")
        name = name.replace("query_embed.", "query_embedding.").replace("reference_points.", "reference_points_fc.")
        named[mm_heads(name, "bbox_head.")] = value
    return named


def mmdetection2(state):
    named = {}
    for name, value in state.items():
        if re.match(r"transformer\.decoder\.(class|bbox)_embed|input_proj\.\d\.0\.bias", name):
            continue
        name = neck(name.replace("backbone.0.body.", "backbone."), "gn")
        name = in_run_order(re.sub(r"^transformer\.", "bbox_head.transformer.", name))
        name = name.replace("cross_attn", "attentions.1")
        name = re.sub(r"(decoder\.layers\.\d)\.self_attn", r"\1.attentions.0.attn", name).replace("self_attn", "attentions.0")
        name = name.replace("linear1", "ffns.0.layers.0.0").replace("linear2", "ffns.0.layers.1").replace("level_embed", "level_embeds")
        named[mm_heads(name.replace("query_embed.", "bbox_head.query_embedding."), "bbox_head.")] = value
    return named


def detrex(state):
    named = {}
    for name, value in state.items():
        body = re.match(r"backbone\.0\.body\.(.*)", name)
        if body:
            name = re.sub(r"layer(\d)", lambda match: f"res{int(match.group(1)) + 1}", body.group(1))
            name = re.sub(r"bn(\d)", r"conv\1.norm", name).replace("downsample.0", "shortcut").replace("downsample.1", "shortcut.norm")
            name = "backbone." + (name if name.startswith("res") else f"stem.{name}")
        name = in_run_order(neck(name, "norm")).replace("cross_attn", "attentions.1")
        name = re.sub(r"(decoder\.layers\.\d)\.self_attn", r"\1.attentions.0.attn", name).replace("self_attn", "attentions.0")
        name = name.replace("linear1", "ffns.0.layers.0.0").replace("linear2", "ffns.0.layers.1")
        named[name.replace("level_embed", "level_embeds").replace("query_embed.", "query_embedding.")] = value
    return named


if __name__ == "__main__":
    main()
