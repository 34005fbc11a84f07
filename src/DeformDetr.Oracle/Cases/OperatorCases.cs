using System.Numerics;
using System.Text.Json;
using DeformDetr.Reference;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Oracle;

// Target `operator`: one operator on given tensors (golden/README.md).
internal static class OperatorCases
{
    public static void Run<T>(GoldenCase golden, ForwardPass pass, CaseInputs inputs, IRecorder recorder)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        JsonFile file = golden.File;
        Tensor<T> Real(string name) => inputs.TakeReal<T>(name);
        Tensor<T>? Optional(string name) => inputs.Has(name) ? Real(name) : null;
        JsonElement Setting(string key) =>
            golden.Config.TryGetProperty(key, out JsonElement value)
                ? value
                : throw file.Error($"config.{key}", "is absent", "a setting of the operator");
        int Integer(string key) => file.Integer(Setting(key), $"config.{key}");
        double Number(string key) => file.Number(Setting(key), $"config.{key}");

        string name = file.String(Setting("operator"), "config.operator");
        Tensor output;
        switch (name)
        {
            case "linear": output = Linear.Forward(pass, Real("input"), Real("weight"), Optional("bias")); break;
            case "matmul": output = MatMul.Forward(pass, Real("a"), Real("b")); break;
            case "conv2d":
                Conv2dWindow window = new(Integer("stride"), Integer("padding"), Integer("dilation"), Integer("groups"));
                output = Conv2d.Forward(pass, Real("input"), Real("weight"), Optional("bias"), window);
                break;
            case "frozen_batch_norm":
                output = FrozenBatchNorm.Forward(
                    pass, Real("input"), Real("weight"), Real("bias"), Real("running_mean"), Real("running_var"), Number("eps"));
                break;
            case "group_norm":
                output = GroupNorm.Forward(pass, Real("input"), Integer("num_groups"), Real("weight"), Real("bias"), Number("eps"));
                break;
            case "layer_norm": output = LayerNorm.Forward(pass, Real("input"), Real("weight"), Real("bias"), Number("eps")); break;
            case "softmax": output = Softmax.Forward(pass, Real("input")); break;
            case "relu": output = Relu.Forward(pass, Real("input")); break;
            case "gelu": output = Gelu.Forward(pass, Real("input")); break;
            case "sigmoid": output = Sigmoid.Forward(pass, Real("input")); break;
            case "inverse_sigmoid": output = InverseSigmoid.Forward(pass, Real("input")); break;
            case "max_pool2d":
                output = MaxPool2d.Forward(pass, Real("input"), Integer("kernel_size"), Integer("stride"), Integer("padding"));
                break;
            case "grid_sample":
                output = GridSample.Forward(
                    pass, Real("input"), Real("grid"), file.Boolean(Setting("align_corners"), "config.align_corners"));
                break;
            case "linspace": output = Linspace.Forward<T>(pass, Number("start"), Number("end"), Integer("steps")); break;
            case "cumulative_sum": output = CumulativeSum.Forward<T>(pass, inputs.Take<bool>("input"), Integer("axis")); break;
            case "masked_fill":
                output = MaskedFill.Forward(pass, Real("input"), inputs.Take<bool>("mask"), T.CreateTruncating(Number("value")));
                break;
            case "top_k":
                (Tensor<T> values, Tensor<long> indices) = TopK.Forward(pass, Real("input"), Integer("k"));
                recorder.Add("values", values);
                recorder.Add("indices", indices);
                return;
            case "gather": output = Gather.Forward(pass, Real("input"), inputs.Take<long>("indices")); break;
            case "nearest_resize":
                output = NearestResize.Forward(pass, inputs.Take<bool>("mask"), Integer("height"), Integer("width"));
                break;
            case "embedding": output = Embedding.Forward(pass, Real("weight"), inputs.Take<long>("indices")); break;
            case "multihead_attention":
                Tensor<T> query = Real("query");
                MultiHeadAttention<T> attention = new(new InputWeights<T>(inputs), "", query.Shape[^1], Integer("nheads"));
                output = attention.Forward(pass, query, Real("key"), Real("value"));
                break;
            default: throw file.Error("config.operator", $"holds '{name}'", "an operator of golden/README.md");
        }

        recorder.Add("output", output);
    }

    // Weights that stand among the inputs of a case.
    private sealed class InputWeights<T>(CaseInputs inputs) : IWeights<T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        public Tensor<T> Take(string name, TensorShape shape)
        {
            Tensor<T> tensor = inputs.TakeReal<T>(name);
            ShapeGuard.Require("weights", name, tensor.Shape, "the layer's shape", shape.Sizes);
            return tensor;
        }
    }
}
