"""This project's own targets for single pieces of the model: `position_encoding`, `encoder_output_proposals`, `post_process`."""
import torch

from . import original, rankings, recipe
from .attention_cases import padding_mask
from .golden_case import GoldenCase, both, case, generator, levels


# ------------------------------------------------------------------------------------------------------- position_encoding

def position_case(kind, hidden_dim, size, valid, seed=None):
    mask = padding_mask(valid, size)
    config = {"position_embedding": kind, "hidden_dim": hidden_dim}
    module = original.build_positions(config)
    weights = None
    if seed is not None:
        recipe.fill(module, seed)
        weights = {name: tensor.clone() for name, tensor in module.state_dict().items()}

    def run(dtype):
        with torch.no_grad(), original.precision(dtype):
            module.to(dtype)
            features = torch.zeros(len(valid), 1, *size, dtype=dtype)  # only its size is read
            return {"pos": module(original.misc.NestedTensor(features, mask)).to(dtype).contiguous()}
    expected, expected64 = both(run)
    return GoldenCase("position_encoding", config, {"mask": mask}, weights, expected, expected64)


_POSITIONS = {
    "position-sine": ("sine", 32, (5, 9), [(5, 9)]),
    "position-sine-padded": ("sine", 32, (6, 7), [(6, 3), (4, 7), (1, 1)]),
    "position-sine-one-pixel": ("sine", 32, (1, 1), [(1, 1)]),
    "position-sine-one-row": ("sine", 96, (1, 11), [(1, 11), (1, 4)]),
    "position-sine-wide": ("sine", 256, (1, 25), [(1, 25)]),
    "position-learned": ("learned", 32, (5, 9), [(5, 9), (3, 4)], 61),
    "position-learned-fifty": ("learned", 32, (50, 3), [(50, 3)], 62),
}
for _name, _arguments in _POSITIONS.items():
    case(_name)(lambda arguments=_arguments: position_case(*arguments))


# ----------------------------------------------------------------------------------------------- encoder_output_proposals

def proposals_case(seed, hidden_dim, shapes, valid):
    """`valid`: per level the valid (h, w) of every image."""
    spatial_shapes, _, s = levels(shapes)
    n = len(valid[0])
    mask = torch.cat([padding_mask(v, size).flatten(1) for v, size in zip(valid, shapes)], 1)
    inputs = {"memory": torch.randn(n, s, hidden_dim, generator=generator(seed)), "memory_padding_mask": mask, "spatial_shapes": spatial_shapes}
    layers = torch.nn.Module()
    layers.enc_output = torch.nn.Linear(hidden_dim, hidden_dim)
    layers.enc_output_norm = torch.nn.LayerNorm(hidden_dim)
    recipe.fill(layers, seed)

    def run(dtype):
        with torch.no_grad(), original.precision(dtype):
            layers.to(dtype)
            method = original.transformer.DeformableTransformer.gen_encoder_output_proposals
            output_memory, output_proposals = method(layers, inputs["memory"].to(dtype), mask, spatial_shapes)
            return {"output_memory": output_memory, "output_proposals": output_proposals}
    expected, expected64 = both(run)
    config = {"hidden_dim": hidden_dim, "num_feature_levels": len(shapes)}
    return GoldenCase("encoder_output_proposals", config, inputs, {"recipe": recipe.RECIPE, "seed": seed}, expected, expected64)


_PROPOSALS = {
    "proposals-one-level": (71, 32, [(5, 7)], [[(5, 4), (3, 7), (5, 7)]]),
    "proposals-four-levels": (72, 64, [(6, 9), (3, 5), (2, 3), (1, 2)], [[(6, 5), (4, 9)], [(3, 3), (2, 5)], [(2, 2), (1, 3)], [(1, 1), (1, 2)]]),
    "proposals-five-levels": (73, 32, [(7, 5), (4, 3), (2, 2), (1, 1), (1, 1)],
                              [[(7, 4), (5, 5)], [(4, 2), (3, 3)], [(2, 2), (1, 2)], [(1, 1), (1, 1)], [(1, 1), (1, 1)]]),
    # Level 5 has boxes of 0.05 * 2^5 = 1.6: the logarithm of a negative number, which the original overwrites with +inf.
    "proposals-six-levels": (74, 32, [(5, 6), (3, 3), (2, 2), (1, 1), (1, 1), (1, 1)], [[(5, 6)], [(3, 3)], [(2, 2)], [(1, 1)], [(1, 1)], [(1, 1)]]),
    # 60 columns: the first and the last centre lie outside of (0.01, 0.99).
    "proposals-border-centres": (75, 32, [(1, 60)], [[(1, 60), (1, 51)]]),
}
for _name, _arguments in _PROPOSALS.items():
    case(_name)(lambda arguments=_arguments: proposals_case(*arguments))


# ------------------------------------------------------------------------------------------------------------ post_process

def post_process_case(logits, boxes, target_sizes, ties):
    inputs = {"pred_logits": logits, "pred_boxes": boxes, "target_sizes": torch.tensor(target_sizes, dtype=torch.int64)}

    def run(dtype):
        with original.precision(dtype):
            outputs = {name: inputs[name].to(dtype) for name in ("pred_logits", "pred_boxes")}
            results = original.detr.PostProcess()(outputs, inputs["target_sizes"])
        return {f"results.{image}.{key}": result[key].clone() for image, result in enumerate(results) for key in ("scores", "labels", "boxes")}
    expected, expected64 = both(run)
    scores = [logits.to(dtype).sigmoid().flatten(1) for dtype in (torch.float32, torch.float64)]
    if not ties:
        rankings.require_distinct("results", *scores, 100)
    return GoldenCase("post_process", {}, inputs, None, expected, expected64, ties=ties)


def distinct_logits(seed, n, q, k):
    """Evenly spaced logits in random order: scores well apart."""
    g = generator(seed)
    order = torch.stack([torch.randperm(q * k, generator=g) for _ in range(n)])
    return (order.float() / (q * k) * 8 - 5).view(n, q, k)


def boxes(seed, n, q):
    return torch.rand(n, q, 4, generator=generator(seed))


@case("post-process")
def _():
    return post_process_case(distinct_logits(81, 2, 37, 11), boxes(82, 2, 37), [(427, 640), (800, 333)], ties=False)


@case("post-process-exactly-one-hundred")
def _():
    return post_process_case(distinct_logits(83, 1, 20, 5), boxes(84, 1, 20), [(1, 7)], ties=False)


@case("post-process-ties-inside")
def _():
    logits = distinct_logits(85, 2, 30, 6)
    flat = logits.view(2, -1)
    best = flat.argsort(1, descending=True)
    for image in range(2):  # five equal scores far above the cut, and a pair
        flat[image, best[image, 20:25]] = flat[image, best[image, 20]].clone()
        flat[image, best[image, 60:62]] = flat[image, best[image, 60]].clone()
    return post_process_case(logits, boxes(86, 2, 30), [(240, 320), (320, 240)], ties=True)


@case("post-process-ties-across-the-cut")
def _():
    logits = distinct_logits(87, 1, 30, 6)
    flat = logits.view(1, -1)
    best = flat.argsort(1, descending=True)
    flat[0, best[0, 95:106]] = flat[0, best[0, 95]].clone()  # eleven equal scores for five places
    return post_process_case(logits, boxes(88, 1, 30), [(480, 641)], ties=True)
