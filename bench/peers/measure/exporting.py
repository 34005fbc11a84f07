"""exporting.py CHECKOUT CASE SEED FILE: writes the original to an ONNX file.

The mask has no padding and is a constant of the graph, like all sizes; so the position encodings and reference points become constants too, when ONNX Runtime
optimises the graph.
"""
import pathlib
import sys
import warnings

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import torch  # noqa: E402

from measure import cases, originals  # noqa: E402
from measure.originals import original  # noqa: E402


class OnePicture(torch.nn.Module):
    """The model as a function of the pixels only."""

    def __init__(self, model, mask):
        super().__init__()
        self.model, self.mask, self.names = model, mask, None

    def forward(self, samples):
        named = originals.outputs(self.model(original.misc.NestedTensor(samples, self.mask)))
        self.names = list(named)
        return tuple(named.values())


def constant_sizes():
    """Sizes of the levels as numbers, where the original reads them from a tensor that the tracer would follow."""
    core = original.attention_functions.ms_deform_attn_core_pytorch

    class Core:
        @staticmethod
        def apply(value, spatial_shapes, level_start_index, sampling_locations, attention_weights, im2col_step):
            return core(value, spatial_shapes.tolist(), sampling_locations, attention_weights)

    original.attention.MSDeformAttnFunction = Core
    encoder = original.transformer.DeformableTransformerEncoder
    points = encoder.get_reference_points
    encoder.get_reference_points = staticmethod(lambda shapes, ratios, device: points(shapes.tolist(), ratios, device))
    proposals = original.transformer.DeformableTransformer.gen_encoder_output_proposals
    original.transformer.DeformableTransformer.gen_encoder_output_proposals = \
        lambda self, memory, mask, shapes: proposals(self, memory, mask, shapes.tolist())


def main():
    checkout, name, seed, path = sys.argv[1:]
    case = next(case for case in cases.CASES if case.name == name)
    model = originals.build(checkout, case, int(seed))
    constant_sizes()
    samples = torch.zeros(case.batch, 3, case.height, case.width)
    wrapped = OnePicture(model, torch.zeros((case.batch, case.height, case.width), dtype=torch.bool)).eval()
    warnings.filterwarnings("ignore")
    with torch.no_grad():
        wrapped(samples)  # says the names of the outputs
        torch.onnx.export(wrapped, (samples,), path + ".part", opset_version=16, input_names=["samples.tensor"], output_names=wrapped.names)
    pathlib.Path(path + ".part").rename(path)


if __name__ == "__main__":
    main()
