"""Records the tensors of one run of the original under the names of the golden contract (section 1).

Everything is copied the moment it appears: the original works in place (ReLU after a norm, the residual sum of a block, `tmp += reference`).
"""
import contextlib

import torch
import torch.nn as nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from . import original


class Recorder:
    def __init__(self):
        self.tensors = {}
        self._handles = []
        self._attention = None  # name prefix of the attention module that is running

    def record(self, name, tensor):
        copy = tensor.detach().clone().contiguous()
        if name in self.tensors:
            # A refining head runs twice on the same hidden states, in the decoder and in the head loop: one name, so one value.
            before = self.tensors[name]
            assert before.shape == copy.shape and torch.equal(before, copy), f"{name} was computed twice, differently"
            return
        self.tensors[name] = copy

    def on_output(self, module, name, view=lambda output: output):
        self._handles.append(module.register_forward_hook(lambda _, __, output: self.record(name, view(output))))

    def on_inputs(self, module, action):
        self._handles.append(module.register_forward_pre_hook(lambda _, inputs: action(*inputs)))

    def attention(self, module, prefix, output_name):
        """Inner tensors of one MSDeformAttn. Its value, locations and weights are what it hands to the core."""
        def begin(*_):
            self._attention = prefix
        self.on_inputs(module, begin)
        points = (module.n_heads, module.n_levels, module.n_points)
        self.on_output(module.sampling_offsets, f"{prefix}sampling_offsets", lambda output: output.view(*output.shape[:2], *points, 2))
        self.on_output(module.attention_weights, f"{prefix}attention_logits")
        self.on_output(module, output_name)

    def core(self, value, sampling_locations, attention_weights, output):
        prefix = self._attention
        self.record(f"{prefix}value", value)
        self.record(f"{prefix}attention_weights", attention_weights)
        self.record(f"{prefix}sampling_locations", sampling_locations)
        self.record(f"{prefix}sampled", output)

    def heads(self, heads, name, inner=()):
        """Head outputs by layer index. Without refinement all indices are one module, which then runs once per layer, in order."""
        indices = {}
        for index, head in enumerate(heads):
            indices.setdefault(head, []).append(index)
        for head, layers in indices.items():
            for suffix in ("", *inner):
                module = head.get_submodule(suffix[1:]) if suffix else head
                calls = [0]

                def hook(_, __, output, suffix=suffix, layers=layers, calls=calls):
                    self.record(f"{name}.{layers[calls[0] % len(layers)]}{suffix}", output)
                    calls[0] += 1
                self._handles.append(module.register_forward_hook(hook))

    def backbone(self, joiner):
        kinds = (nn.Conv2d, original.backbone.FrozenBatchNorm2d, nn.MaxPool2d, BasicBlock, Bottleneck)
        for name, module in joiner[0].body.named_modules():
            if isinstance(module, kinds):
                self.on_output(module, f"backbone.0.body.{name}")

        def features(_, __, output):
            for level, feature in enumerate(output[0]):
                self.record(f"features.{level}.tensors", feature.tensors)
                self.record(f"features.{level}.mask", feature.mask)
        self._handles.append(joiner.register_forward_hook(features))

    def input_projections(self, projections):
        for level, projection in enumerate(projections):
            self.on_output(projection[0], f"input_proj.{level}.0")
            self.on_output(projection[1], f"input_proj.{level}.1")

    def transformer(self, module, maps_are_given):
        def maps(srcs, masks, pos, query_embed):
            for level, (src, mask, encoding) in enumerate(zip(srcs, masks, pos)):
                self.record(f"srcs.{level}", src)
                self.record(f"masks.{level}", mask)
                self.record(f"pos.{level}", encoding)
        if not maps_are_given:
            self.on_inputs(module, maps)

        def into_encoder(src, spatial_shapes, level_start_index, valid_ratios, pos, mask):
            self.record("transformer.src_flatten", src)
            self.record("transformer.mask_flatten", mask)
            self.record("transformer.lvl_pos_embed_flatten", pos)
            self.record("transformer.spatial_shapes", spatial_shapes)
            self.record("transformer.level_start_index", level_start_index)
            self.record("transformer.valid_ratios", valid_ratios)
        self.on_inputs(module.encoder, into_encoder)
        for index, layer in enumerate(module.encoder.layers):
            prefix = f"transformer.encoder.layers.{index}"
            if index == 0:
                self.on_inputs(layer, lambda src, pos, reference_points, *_: self.record("transformer.encoder.reference_points", reference_points))
            self.attention(layer.self_attn, f"{prefix}.self_attn.", f"{prefix}.self_attn")
            for part in ("norm1", "linear1", "linear2", "norm2"):
                self.on_output(getattr(layer, part), f"{prefix}.{part}")
            self.on_output(layer, prefix)
        self.on_output(module.encoder, "transformer.memory")

        def into_decoder(tgt, reference_points, memory, spatial_shapes, level_start_index, valid_ratios, query_embed, mask):
            self.record("transformer.query_embed", query_embed)
            self.record("transformer.tgt", tgt)
            self.record("transformer.reference_points", reference_points)
        self.on_inputs(module.decoder, into_decoder)
        for index, layer in enumerate(module.decoder.layers):
            prefix = f"transformer.decoder.layers.{index}"
            self.on_inputs(layer, lambda tgt, query_pos, reference_points, *_, prefix=prefix:
                           self.record(f"{prefix}.reference_points_input", reference_points))
            self.on_output(layer.self_attn, f"{prefix}.self_attn", lambda output: output[0].transpose(0, 1))
            self.attention(layer.cross_attn, f"{prefix}.cross_attn.", f"{prefix}.cross_attn")
            for part in ("norm2", "norm1", "linear1", "linear2", "norm3"):
                self.on_output(getattr(layer, part), f"{prefix}.{part}")
            self.on_output(layer, prefix)

        def out_of_decoder(_, __, output):
            for index, (hidden, reference_points) in enumerate(zip(*output)):
                self.record(f"transformer.decoder.reference_points.{index}", reference_points)
                self.record(f"hs.{index}", hidden)
        self._handles.append(module.decoder.register_forward_hook(out_of_decoder))

        if module.two_stage:
            self.on_output(module.pos_trans_norm, "transformer.pos_trans_out")

            def out_of_transformer(_, __, output):
                self.record("transformer.enc_outputs_class", output[3])
                self.record("transformer.enc_outputs_coord_unact", output[4])
            self._handles.append(module.register_forward_hook(out_of_transformer))

    @contextlib.contextmanager
    def two_stage_functions(self, module):
        """Two-stage locals that no module returns: the functions that take or give them are wrapped for one run."""
        if not module.two_stage:
            yield
            return
        proposals, embedding, topk = module.gen_encoder_output_proposals, module.get_proposal_pos_embed, torch.topk

        def recorded_proposals(*arguments):
            output_memory, output_proposals = proposals(*arguments)
            self.record("transformer.output_memory", output_memory)
            self.record("transformer.output_proposals", output_proposals)
            return output_memory, output_proposals

        def recorded_embedding(topk_coords_unact):
            self.record("transformer.topk_coords_unact", topk_coords_unact)
            output = embedding(topk_coords_unact)
            self.record("transformer.proposal_pos_embed", output)
            return output

        def recorded_topk(*arguments, **keywords):
            values, indices = topk(*arguments, **keywords)
            self.record("transformer.topk_proposals", indices)
            return values, indices

        module.gen_encoder_output_proposals, module.get_proposal_pos_embed, torch.topk = recorded_proposals, recorded_embedding, recorded_topk
        try:
            yield
        finally:
            del module.gen_encoder_output_proposals, module.get_proposal_pos_embed
            torch.topk = topk

    @contextlib.contextmanager
    def listening(self):
        original.core_listener = self.core
        try:
            yield
        finally:
            original.core_listener = None
            for handle in self._handles:
                handle.remove()

    def outputs(self, out):
        """The dictionary that the model returns."""
        for index, auxiliary in enumerate(out["aux_outputs"]):
            self.record(f"aux_outputs.{index}.pred_logits", auxiliary["pred_logits"])
            self.record(f"aux_outputs.{index}.pred_boxes", auxiliary["pred_boxes"])
        self.record("pred_logits", out["pred_logits"])
        self.record("pred_boxes", out["pred_boxes"])
        if "enc_outputs" in out:
            self.record("enc_outputs.pred_logits", out["enc_outputs"]["pred_logits"])
            self.record("enc_outputs.pred_boxes", out["enc_outputs"]["pred_boxes"])

    def results(self, results):
        for image, result in enumerate(results):
            for key in ("scores", "labels", "boxes"):
                self.record(f"results.{image}.{key}", result[key])


def run_model(model, inputs, dtype):
    """One run of target `model`: all names of section 1."""
    recorder = Recorder()
    samples, mask = original.widen(inputs["samples.tensor"], dtype), inputs["samples.mask"]
    with torch.no_grad(), original.precision(dtype):
        model.to(dtype)
        recorder.backbone(model.backbone)
        recorder.input_projections(model.input_proj)
        out = _run_detr(recorder, model, samples, mask, maps_are_given=False)
        if "target_sizes" in inputs:
            recorder.results(original.detr.PostProcess()(out, inputs["target_sizes"]))
    return recorder.tensors


def run_transformer(model, inputs, dtype):
    """One run of target `transformer`: the original's whole forward behind given maps."""
    recorder = Recorder()
    levels = range(model.num_feature_levels)
    with torch.no_grad(), original.precision(dtype):
        model.to(dtype)
        maps = [[original.widen(inputs[f"{kind}.{level}"], dtype) for level in levels] for kind in ("srcs", "masks", "pos")]
        model.backbone.maps = maps
        _run_detr(recorder, model, maps[0][0], maps[1][0], maps_are_given=True)
    return recorder.tensors


def _run_detr(recorder, model, samples, mask, maps_are_given):
    recorder.transformer(model.transformer, maps_are_given)
    recorder.heads(model.class_embed, "class_embed")
    recorder.heads(model.bbox_embed, "bbox_embed", inner=(".layers.0", ".layers.1", ".layers.2"))
    with recorder.listening(), recorder.two_stage_functions(model.transformer):
        out = model(original.misc.NestedTensor(samples, mask))
    recorder.outputs(out)
    return out


def run_attention(module, inputs, dtype):
    """One run of target `ms_deform_attn`."""
    recorder = Recorder()
    given = {name: original.widen(value, dtype) for name, value in inputs.items()}
    with torch.no_grad(), original.precision(dtype):
        module.to(dtype)
        recorder.attention(module, "", "output")
        with recorder.listening():
            module(given["query"], given["reference_points"], given["input_flatten"], given["input_spatial_shapes"],
                   given["input_level_start_index"], given.get("input_padding_mask"))
    return recorder.tensors
