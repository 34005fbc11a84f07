"""One-line changes of the original, each a known porting mistake.

`find` occurs in exactly one line of the original's `file`; in the run of the mutant that fragment is `replace` instead. `first_tensor` is the first tensor, in the
order of computation, that the change makes wrong, and `mistake` the row of the catalogue of porting mistakes (None: one of the general ones, then `line` says which).
"""
import dataclasses

ATTENTION, CORE = "models/ops/modules/ms_deform_attn.py", "models/ops/functions/ms_deform_attn_func.py"
TRANSFORMER, POSITIONS, MODEL = "models/deformable_transformer.py", "models/position_encoding.py", "models/deformable_detr.py"
BOXES, MISC = "util/box_ops.py", "util/misc.py"

_ENCODER, _DECODER = "transformer.encoder.layers.0.", "transformer.decoder.layers.0."


@dataclasses.dataclass
class Mutant:
    name: str
    base: str
    file: str
    find: str
    replace: str
    line: str
    first_tensor: str
    mistake: str = None


MUTANTS = [
    # ------------------------------------------------------------------------------------------------------------------------------------ positions, references
    Mutant("sine-without-half", "r50-two-stage", POSITIONS, "if self.normalize:",
           "y_embed, x_embed = (e / (e.amax(d, keepdim=True) + 1e-6) * self.scale for e, d in ((y_embed, 1), (x_embed, 2)))\n        if False:",
           "the sine encoding's positions are x / (last + eps), without the half subtracted from x", "pos.0", "C1"),
    Mutant("level-embedding-in-src", "r50-two-stage", TRANSFORMER, "src_flatten.append(src)", "src_flatten.append(src + self.level_embed[lvl])",
           "the level embedding is added to src too", "transformer.src_flatten", "C10"),
    Mutant("grid-without-half", "r50-two-stage", TRANSFORMER, "ref = torch.stack((ref_x, ref_y), -1)",
           "ref = torch.stack((ref_x, ref_y), -1) - 0.5 / (valid_ratios[:, None, lvl] * torch.stack([W_, H_]))",
           "the encoder's reference points are the pixels' corners, not their centres", "transformer.encoder.reference_points", "C13"),
    Mutant("decoder-without-valid-ratios", "r50", TRANSFORMER, "reference_points[:, :, None] * src_valid_ratios[:, None]",
           "reference_points[:, :, None].repeat(1, 1, src_valid_ratios.shape[1], 1)",
           "the decoder's 2-d references are not scaled by the valid ratios", _DECODER + "reference_points_input", "C14"),
    Mutant("valid-ratios-of-centres-only", "r50-two-stage", TRANSFORMER, "torch.cat([src_valid_ratios, src_valid_ratios], -1)",
           "torch.cat([src_valid_ratios, torch.ones_like(src_valid_ratios)], -1)",
           "the decoder's 4-d references are scaled by the valid ratios in x and y, not in w and h", _DECODER + "reference_points_input", "C17"),
    # ------------------------------------------------------------------------------------------------------------------------------------ deformable attention
    Mutant("offsets-by-height-width", "r50-two-stage", ATTENTION, "input_spatial_shapes[..., 1], input_spatial_shapes[..., 0]",
           "input_spatial_shapes[..., 0], input_spatial_shapes[..., 1]", "offsets are divided by (H, W) instead of (W, H)", _ENCODER + "self_attn.sampling_locations", "D1"),
    Mutant("align-corners", "r50-two-stage", CORE, "align_corners=False", "align_corners=True", "sampling with align_corners=True", _ENCODER + "self_attn.sampled", "D3"),
    Mutant("border-padding", "r50-two-stage", CORE, "padding_mode='zeros'", "padding_mode='border'", "points outside take the border's value, not zero",
           _ENCODER + "self_attn.sampled", "D6"),
    Mutant("softmax-per-level", "r50-two-stage", ATTENTION, "F.softmax(attention_weights, -1).view(",
           "F.softmax(attention_weights.unflatten(-1, (self.n_levels, self.n_points)), -1).view(", "softmax over the points of each level alone",
           _ENCODER + "self_attn.attention_weights", "D11"),
    Mutant("value-not-masked", "r50-two-stage", ATTENTION, "value.masked_fill(input_padding_mask[..., None], float(0))", "value",
           "the value of padding is not set to zero", _ENCODER + "self_attn.value", "D23"),
    Mutant("boxes-without-half", "r50-two-stage", ATTENTION, "2:] * 0.5", "2:]", "4-d references: offsets without the factor 0.5", _DECODER + "cross_attn.sampling_locations", "D27"),
    # ------------------------------------------------------------------------------------------------------------------------------------ decoder
    Mutant("halves-exchanged", "r50", TRANSFORMER, "query_embed, tgt = torch.split(query_embed, c, dim=1)", "tgt, query_embed = torch.split(query_embed, c, dim=1)",
           "the halves of the query embedding are exchanged", "transformer.query_embed", "E4"),
    Mutant("norm2-with-weights-of-norm1", "r50-two-stage", TRANSFORMER, "tgt = self.norm2(tgt)",
           "tgt = nn.utils.stateless.functional_call(self.norm2, dict(self.norm1.named_parameters()), tgt)",
           "after self-attention the decoder normalises with the weights of norm1", _DECODER + "norm2", "E1"),
    Mutant("positions-in-value", "r50-two-stage", TRANSFORMER, "k.transpose(0, 1), tgt.transpose(0, 1))", "k.transpose(0, 1), k.transpose(0, 1))",
           "the decoder's self-attention takes its value from tgt + query_pos", _DECODER + "self_attn", "E5"),
    Mutant("keys-without-positions", "r50-two-stage", TRANSFORMER, "q.transpose(0, 1), k.transpose(0, 1),", "q.transpose(0, 1), tgt.transpose(0, 1),",
           "the decoder's self-attention takes its keys from tgt alone", _DECODER + "self_attn"),
    Mutant("ffn-without-relu", "r50-two-stage", TRANSFORMER, "self.activation(self.linear1(tgt))", "self.linear1(tgt)", "missing activation: the decoder's feed-forward has no ReLU",
           _DECODER + "linear2"),
    Mutant("layer-norm-eps", "r50-two-stage", TRANSFORMER, "self.norm3 = nn.LayerNorm(d_model)", "self.norm3 = nn.LayerNorm(d_model, eps=1e-3)",
           "the decoder's norm3 has eps 1e-3", _DECODER + "norm3", "B4"),
    # ------------------------------------------------------------------------------------------------------------------------------------ heads
    Mutant("inverse-sigmoid-eps", "r50-two-stage", MISC, "def inverse_sigmoid(x, eps=1e-5)", "def inverse_sigmoid(x, eps=1e-2)", "inverse_sigmoid with eps 1e-2",
           "transformer.decoder.reference_points.1", "E8"),
    Mutant("reference-of-the-same-layer", "r50-two-stage", MODEL, "inter_references[lvl - 1]", "inter_references[lvl]",
           "the head of layer l adds the reference of layer l, not of layer l - 1", "pred_boxes", "E9"),
    Mutant("reference-added-to-sizes", "r50", MODEL, "tmp[..., :2] += reference", "tmp += reference.repeat(1, 1, 2)",
           "the 2-d reference is added to w and h too", "pred_boxes", "E10"),
    Mutant("relu-after-box-head", "r50", MODEL, "F.relu(layer(x)) if i < self.num_layers - 1 else layer(x)", "F.relu(layer(x))",
           "the box head ends in a ReLU", "bbox_embed.0", "E17"),
    Mutant("box-head-without-relu", "r50", MODEL, "F.relu(layer(x)) if i < self.num_layers - 1 else layer(x)", "layer(x)",
           "missing activation: the box head has no ReLU", "bbox_embed.0.layers.1"),
    # ------------------------------------------------------------------------------------------------------------------------------------ two-stage
    Mutant("top-k-of-the-best-class", "r50-two-stage", TRANSFORMER, "torch.topk(enc_outputs_class[..., 0], topk", "torch.topk(enc_outputs_class.max(-1)[0], topk",
           "proposals are ranked by their best class, not by class 0", "transformer.topk_proposals", "F1"),
    Mutant("proposals-of-twice-the-size", "r50-two-stage", TRANSFORMER, "torch.ones_like(grid) * 0.05", "torch.ones_like(grid) * 0.1",
           "proposals have the base size 0.1, not 0.05", "transformer.output_proposals", "F5"),
    Mutant("proposals-without-valid-size", "r50-two-stage", TRANSFORMER, "torch.cat([valid_W.unsqueeze(-1), valid_H.unsqueeze(-1)], 1).view(N_, 1, 1, 2)",
           "torch.stack([W_, H_]).expand(N_, 2).view(N_, 1, 1, 2)", "proposals are fractions of the padded map, not of the valid part", "transformer.output_proposals", "F6"),
    Mutant("memory-not-zeroed", "r50-two-stage", TRANSFORMER, "self.enc_output_norm(self.enc_output(output_memory))", "self.enc_output_norm(self.enc_output(memory))",
           "the memory of padding is not set to zero before enc_output", "transformer.output_memory", "F7"),
    # ------------------------------------------------------------------------------------------------------------------------------------ post-processing
    Mutant("softmax-scores", "r50", MODEL, "prob = out_logits.sigmoid()", "prob = out_logits.softmax(-1)", "scores by softmax over the classes", "results.0.scores", "G2"),
    Mutant("labels-off-by-one", "r50", MODEL, "topk_indexes % out_logits.shape[2]", "topk_indexes % out_logits.shape[2] + 1", "labels are one too large", "results.0.labels", "G4"),
    Mutant("boxes-with-height-before-width", "r50", BOXES, "x_c, y_c, w, h = x.unbind(-1)", "x_c, y_c, h, w = x.unbind(-1)",
           "boxes are read as (cx, cy, h, w)", "results.0.boxes", "G5"),
    Mutant("target-sizes-as-width-height", "r50", MODEL, "img_h, img_w = target_sizes.unbind(1)", "img_w, img_h = target_sizes.unbind(1)",
           "target_sizes are read as (w, h)", "results.0.boxes", "G6"),
]
