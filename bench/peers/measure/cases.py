"""What is measured: models on pictures, and the attention core alone."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    what: str
    variant: str  # the name that our command line has for it; empty for the attention core
    config: dict = dataclasses.field(default_factory=dict)  # the same, as arguments of the original
    batch: int = 1
    height: int = 800
    width: int = 1333

    @property
    def is_core(self):
        return not self.variant

    @property
    def two_stage(self):
        return self.config.get("two_stage", False)


REFINE = {"with_box_refine": True}
TWO_STAGE = {"with_box_refine": True, "two_stage": True}

CASES = [
    Case("core", "attention core alone: 22 223 queries, 8 heads of 32, 4 levels, 4 points", ""),
    Case("r50", "Deformable DETR, one picture of 800x1333", "r50"),
    Case("r50-batch-2", "Deformable DETR, two pictures of 800x1333", "r50", batch=2),
    Case("r50-refine", "with box refinement, one picture of 800x1333", "r50-refine", REFINE),
    Case("r50-two-stage", "two-stage, one picture of 800x1333", "r50-two-stage", TWO_STAGE),
    Case("r50-two-stage-batch-2", "two-stage, two pictures of 800x1333", "r50-two-stage", TWO_STAGE, batch=2),
    Case("r50-small", "Deformable DETR, one picture of 320x426", "r50", height=320, width=426),
    Case("r50-two-stage-small", "two-stage, one picture of 320x426", "r50-two-stage", TWO_STAGE, height=320, width=426),
]
