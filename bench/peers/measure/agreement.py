"""Whether two engines computed the same thing, and how far each is from float64."""
import numpy

# Of the largest element. What the engines differ by is rounding, which grows through the layers: 1e-6 to 1e-5 was seen.
TOLERANCE = 1e-4

# The golden contract's rule: a float32 run may err by four times the original's own error, or by four times 4 units of 2^-24 where that is nearly exact.
FACTOR, UNIT = 4, 4 * 2.0**-24


def permutation(expected, actual):
    """Rows of `actual` in the order of `expected`, by nearest row: two-stage models rank proposals, and near ties change places."""
    distances = ((expected[:, None] - actual[None]) ** 2).sum(-1)
    order = distances.argmin(1)
    return order if len(set(order)) == len(order) else numpy.arange(len(order))


def align(expected, actual):
    """Both outputs with queries in one order; how many had to move."""
    moved, aligned = 0, {name: array.copy() for name, array in actual.items()}
    for picture in range(len(expected["pred_boxes"])):
        rows = [numpy.concatenate([numpy.float64(out["pred_logits"][picture]), numpy.float64(out["pred_boxes"][picture])], -1)
                for out in (expected, actual)]
        order = permutation(*rows)
        moved += int((order != numpy.arange(len(order))).sum())
        for name in aligned:
            if not name.startswith("enc_outputs."):
                aligned[name][picture] = actual[name][picture][order]
    return aligned, moved


def compare(expected, actual, two_stage=False):
    """Per tensor the largest difference over the largest element; infinities (masked proposals) must be in the same places."""
    moved = 0
    if two_stage:
        actual, moved = align(expected, actual)
    errors = {}
    for name in expected:
        a, b = numpy.float64(expected[name]), numpy.float64(actual[name])
        finite = numpy.isfinite(a)
        if not (a.shape == b.shape and (finite == numpy.isfinite(b)).all()):
            errors[name] = float("inf")
            continue
        errors[name] = float(numpy.abs(a - b)[finite].max() / numpy.abs(a)[finite].max())
    return {"errors": errors, "moved": moved, "agrees": max(errors.values()) <= TOLERANCE}


def judge_by_original(ours, originals):
    """Ours must be as accurate as the original itself, not merely close to it."""
    ours["agrees"] &= all(error <= FACTOR * max(originals["errors"][name], UNIT) for name, error in ours["errors"].items())
