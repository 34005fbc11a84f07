"""Cases that are not about ties must not contain any: a ranking is the same in float32, in float64 and in every correct port."""
import torch

EPSILON = 2.0**-24


class Tie(Exception):
    """Two ranked scores are too close; another seed is needed."""


def allowance(scores32, scores64):
    """The pass rule's allowance of a float32 run."""
    finite = torch.isfinite(scores64)
    error = (scores32.double() - scores64)[finite].abs().max().item()
    scale = scores64[finite].abs().max().item()
    return 4 * max(error, 4 * EPSILON * scale)


def require_distinct(name, scores32, scores64, k):
    """scores (N, candidates): the first k and the one after the cut keep apart by more than twice the allowance, in the same order in both precisions."""
    delta = 2 * allowance(scores32, scores64)
    count = min(k + 1, scores64.shape[1])
    for image in range(scores64.shape[0]):
        values, order = scores64[image].sort(descending=True)
        gap = (values[:count - 1] - values[1:count]).min().item()
        if not gap > delta:
            raise Tie(f"{name}, image {image}: neighbours {gap:.2e} apart, {delta:.2e} needed")
        if not torch.equal(order[:k], scores32[image].sort(descending=True)[1][:k]):
            raise Tie(f"{name}, image {image}: float32 and float64 rank differently")


def require_distinct_outputs(config, tensors32, tensors64):
    """Both rankings of a model run: two-stage proposals by class 0, and the 100 best scores."""
    if config["two_stage"]:
        pair = [run["transformer.enc_outputs_class"][..., 0] for run in (tensors32, tensors64)]
        require_distinct("transformer.topk_proposals", *pair, config["num_queries"])
    if "results.0.scores" in tensors64:
        pair = [run["pred_logits"].sigmoid().flatten(1) for run in (tensors32, tensors64)]
        require_distinct("results", *pair, 100)
