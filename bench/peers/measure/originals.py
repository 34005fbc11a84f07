"""The original with weights by recipe, for the worker and for the export."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "golden"))

from dump import original, recipe  # noqa: E402


def build(checkout, case, seed):
    original.load(checkout)
    config = original.full_config(**case.config)
    model = original.build_model(config)
    recipe.fill(model, seed, shared_heads=not config["with_box_refine"])
    return model


def outputs(out):
    """The dictionary that the model returns, under the names of the golden contract."""
    named = {"pred_logits": out["pred_logits"], "pred_boxes": out["pred_boxes"]}
    parts = [(f"aux_outputs.{index}.", auxiliary) for index, auxiliary in enumerate(out["aux_outputs"])]
    parts += [("enc_outputs.", out["enc_outputs"])] if "enc_outputs" in out else []
    for prefix, part in parts:
        named.update({prefix + key: part[key] for key in ("pred_logits", "pred_boxes")})
    return named
