"""--check: what is written, judged: the original's own float32 error per case, and names of section 1 that a case for all names lacks."""
import fnmatch
import json

import numpy

from . import safetensors_file

# Cases whose files hold every name of section 1 (samples.* are their inputs).
ALL_NAMES = ("model-basic", "model-bottleneck-refine-gelu", "model-dilation-single-scale", "model-learned-refine-five-levels",
             "model-learned-single-scale", "model-three-levels", "transformer-plain", "transformer-refine-gelu", "transformer-one-level",
             "transformer-five-levels", "transformer-two-stage", "transformer-unpadded")

# What every published case has, and what may be in float32 only there.
PUBLISHED_NAMES = (*(f"{layer}.{i}" for layer in ("transformer.encoder.layers", "hs") for i in (0, 2, 5)), "transformer.memory", "pred_logits", "pred_boxes",
                   "aux_outputs.?.pred_boxes", "results.0.scores")
SINGLE_NAMES = ("backbone.*", "features.*.tensors", "transformer.encoder.layers.?", "hs.?", "aux_outputs.?.pred_logits")


def names_of_section_1(target, config, images):
    """All names that a run of this configuration produces."""
    names = set()
    levels, encoder, decoder = config["num_feature_levels"], config["enc_layers"], config["dec_layers"]
    backbone_levels = 1 if levels == 1 else 3
    if target == "model":
        body = "backbone.0.body."
        convolutions = {"basic": 2, "bottleneck": 3}[config["backbone"]["block"]]
        names |= {f"{body}conv1", f"{body}bn1", f"{body}maxpool"}
        for layer, blocks in enumerate(config["backbone"]["layers"], 1):
            for block in range(blocks):
                here = f"{body}layer{layer}.{block}"
                names |= {here} | {f"{here}.{kind}{i}" for kind in ("conv", "bn") for i in range(1, convolutions + 1)}
                if block == 0 and (layer > 1 or convolutions == 3):
                    names |= {f"{here}.downsample.0", f"{here}.downsample.1"}
        names |= {f"features.{i}.{part}" for i in range(backbone_levels) for part in ("tensors", "mask")}
        names |= {f"input_proj.{i}.{j}" for i in range(levels) for j in (0, 1)}
        names |= {f"{kind}.{i}" for kind in ("srcs", "masks", "pos") for i in range(levels)}
        names |= {f"results.{i}.{part}" for i in range(images) for part in ("scores", "labels", "boxes")}
    names |= {f"transformer.{part}" for part in (
        "src_flatten mask_flatten lvl_pos_embed_flatten spatial_shapes level_start_index valid_ratios encoder.reference_points memory "
        "query_embed tgt reference_points").split()}
    if config["two_stage"]:
        names |= {f"transformer.{part}" for part in (
            "output_memory output_proposals enc_outputs_class enc_outputs_coord_unact topk_proposals topk_coords_unact proposal_pos_embed "
            "pos_trans_out").split()} | {"enc_outputs.pred_logits", "enc_outputs.pred_boxes"}
    attention = [f"transformer.encoder.layers.{i}.self_attn" for i in range(encoder)] + [
        f"transformer.decoder.layers.{i}.cross_attn" for i in range(decoder)]
    for path in attention:
        names |= {path} | {f"{path}.{part}" for part in "value sampling_offsets attention_logits attention_weights sampling_locations sampled".split()}
    for i in range(encoder):
        here = f"transformer.encoder.layers.{i}"
        names |= {here} | {f"{here}.{part}" for part in "norm1 norm2 linear1 linear2".split()}
    for i in range(decoder):
        here = f"transformer.decoder.layers.{i}"
        names |= {here} | {f"{here}.{part}" for part in "self_attn norm1 norm2 norm3 linear1 linear2 reference_points_input".split()}
        names |= {f"transformer.decoder.reference_points.{i}", f"hs.{i}"}
    for i in range(decoder + config["two_stage"]):
        names |= {f"class_embed.{i}", f"bbox_embed.{i}"} | {f"bbox_embed.{i}.layers.{j}" for j in range(3)}
    names |= {"pred_logits", "pred_boxes"} | {f"aux_outputs.{i}.{part}" for i in range(decoder - 1) for part in ("pred_logits", "pred_boxes")}
    return names


def judge(folder):
    """One line about a case, and its complaints."""
    facts = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    complaints = []
    expected = safetensors_file.read(folder / facts["expected"])
    floating = {name for name, tensor in expected.items() if tensor.dtype == numpy.float32}
    if facts["name"] in ALL_NAMES:
        images = next(iter(safetensors_file.read(folder / facts["inputs"]).values())).shape[0]
        wanted = names_of_section_1(facts["target"], facts["config"], images)
        complaints += [f"{name} is missing" for name in sorted(wanted - set(expected))]
        complaints += [f"{name} is no name of section 1" for name in sorted(set(expected) - wanted)]
    if "expected64" not in facts:
        if facts["target"] not in ("pictures", "resize"):
            complaints.append("no expected64")
        return f"{len(expected):4} tensors, no float64", complaints
    truth = safetensors_file.read(folder / facts["expected64"])
    single = floating - set(truth)
    if facts["name"].startswith("published-"):
        complaints += [f"{pattern} is missing" for pattern in PUBLISHED_NAMES if not fnmatch.filter(expected, pattern)]
        stages = [name for name in expected if name.startswith("backbone.") or name.startswith("features.") and name.endswith(".tensors")]
        if len(stages) < 2:
            complaints.append("fewer than two stages of the backbone")
        complaints += [f"{name} has no float64 expectation" for name in sorted(single) if not any(fnmatch.fnmatchcase(name, p) for p in SINGLE_NAMES)]
    else:
        complaints += [f"{name} has no float64 expectation" for name in sorted(single)]
    worst, where, widened, largest = 0.0, "", [], 0.0
    for name in truth:
        if name not in floating:
            continue
        exact, rounded = truth[name], expected[name].astype(numpy.float64)
        finite = numpy.isfinite(exact)
        if not finite.any():
            continue
        counted = finite & _counted(name, exact.shape, expected, folder, facts)
        scale = numpy.abs(exact[counted]).max(initial=0.0)
        error = numpy.abs(exact[counted] - rounded[counted]).max(initial=0.0)
        if scale > 0 and error / scale >= worst:
            worst, where, largest = error / scale, name, scale
        if error == 0 and not numpy.array_equal(exact[counted], numpy.round(exact[counted])):
            widened.append(name)
    line = f"{len(expected):4} tensors, worst e/scale {worst:.1e} ({where}, scale {largest:.3g})"
    if single:
        line += f"; {len(single)} in float32 only"
    if widened:
        line += f"; equal in both precisions: {', '.join(widened[:4])}{' …' if len(widened) > 4 else ''}"
    if worst > 1e-4:
        complaints.append(f"{where}: e/scale {worst:.1e} is large")
    return line, complaints


def _counted(name, shape, expected, folder, facts):
    """Elements that count: under the mask the sine encoding carries no information in float32 (section 4 of the contract)."""
    everything = numpy.ones(shape, dtype=bool)
    if facts["config"].get("position_embedding", "sine") != "sine":
        return everything
    if facts["target"] == "position_encoding":
        mask = safetensors_file.read(folder / facts["inputs"])["mask"]
        return numpy.broadcast_to(~mask[:, None], shape)
    if facts["target"] != "model":
        return everything
    level = name.removeprefix("pos.")
    if level != name:
        return numpy.broadcast_to(~expected[f"masks.{level}"][:, None], shape)
    in_tokens = name in ("transformer.lvl_pos_embed_flatten", "transformer.memory") or (
        name.startswith("transformer.encoder.layers.") and not name.endswith(".value"))
    if in_tokens:
        masks = _token_mask(expected, folder, facts)
        return numpy.broadcast_to(~masks.reshape(masks.shape + (1,) * (len(shape) - 2)), shape)
    return everything


def _token_mask(expected, folder, facts):
    if "transformer.mask_flatten" in expected:
        return expected["transformer.mask_flatten"]
    if "masks.0" in expected:
        masks = [expected[name] for name in sorted(n for n in expected if n.startswith("masks."))]
        return numpy.concatenate([mask.reshape(mask.shape[0], -1) for mask in masks], 1)
    # Neither is kept: nearest resize of the samples' mask to the level's size, in whole numbers.
    mask = safetensors_file.read(folder / facts["inputs"])["samples.mask"]
    parts = []
    for h, w in expected["transformer.spatial_shapes"]:
        rows = numpy.arange(h) * mask.shape[1] // h
        columns = numpy.arange(w) * mask.shape[2] // w
        parts.append(mask[:, rows][:, :, columns].reshape(mask.shape[0], -1))
    return numpy.concatenate(parts, 1)


def check(out, only):
    folders = sorted(folder for folder in out.iterdir() if (folder / "case.json").exists() and fnmatch.fnmatchcase(folder.name, only))
    count, total = 0, 0
    for folder in folders:
        line, complaints = judge(folder)
        size = sum(file.stat().st_size for file in folder.iterdir())
        total += size
        count += len(complaints)
        print(f"{folder.name:48} {size:>10,} bytes {line}")
        for complaint in complaints:
            print(f"    ! {complaint}")
    print(f"{len(folders)} cases, {total:,} bytes, {count} complaints")
    return count == 0
