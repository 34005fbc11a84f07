using System.Numerics;
using System.Text.RegularExpressions;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Reference;

/// <summary>
/// Weights as a new model has them before training: the original's initialisation rules, drawn from a seed. Every element is a pure
/// function of (seed, tensor name, index), so the order in which tensors are taken does not matter. The numbers are not PyTorch's; their
/// distributions are, and what the original sets rather than draws (offset biases, norms, zeros, prior biases) is the same.
/// </summary>
/// <typeparam name="T">float or double; double widens the float weights.</typeparam>
/// <param name="seed">The seed.</param>
/// <param name="config">The model; fan_in of a bias, points and heads come from it.</param>
public sealed partial class InitialWeights<T>(ulong seed, DeformableDetrConfig config) : IWeights<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // -log((1 - p) / p) for p = 0.01: every class starts with the probability 1 %.
    private const double PriorOdds = 99;

    private readonly Dictionary<string, Tensor<T>> _made = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A name that the original's model does not have.</exception>
    public Tensor<T> Take(string name, TensorShape shape)
    {
        string canonical = WeightNames.Canonical(name, config.WithBoxRefine);
        if (!_made.TryGetValue(canonical, out Tensor<T>? tensor))
        {
            tensor = new Tensor<T>(shape) { Name = canonical };
            Func<int, double> rule = Rule(canonical, shape);
            for (int index = 0; index < tensor.Length; index++)
            {
                tensor.AsSpan()[index] = T.CreateTruncating((float)rule(index));
            }

            _made.Add(canonical, tensor);
        }

        return tensor;
    }

    // From an element's index to its value; the first rule that fits.
    private Func<int, double> Rule(string name, TensorShape shape)
    {
        bool bias = Ends(name, ".bias");
        return name switch
        {
            // FrozenBatchNorm2d: identity
            _ when Starts(name, "backbone.0.") && shape.Rank == 1 => Constant(Ends(name, ".weight") || Ends(name, ".running_var") ? 1 : 0),

            // torchvision's ResNet: kaiming_normal_(mode="fan_out", nonlinearity="relu")
            _ when Starts(name, "backbone.0.") => Normal(name, Math.Sqrt(2.0 / (shape[0] * shape.LengthFrom(2)))),

            // PositionEmbeddingLearned: uniform_
            _ when Starts(name, "backbone.1.") => Table(name),

            // GroupNorm, LayerNorm
            _ when Norms().IsMatch(name) => Constant(bias ? 0 : 1),

            // MSDeformAttn._reset_parameters
            _ when Ends(name, "sampling_offsets.bias") => Star(shape),
            _ when Ends(name, "sampling_offsets.weight") || name.Contains("attention_weights.", StringComparison.Ordinal) => Constant(0),

            // DeformableDETR.__init__
            _ when Ends(name, "level_embed") || Ends(name, "query_embed.weight") => Normal(name, 1),
            _ when Starts(name, "class_embed.") => bias ? Constant(-Elementary.Log(PriorOdds)) : Linear(name, config.HiddenDim),
            _ when Starts(name, "bbox_embed.") && Ends(name, ".layers.2.weight") => Constant(0),
            _ when Starts(name, "bbox_embed.") && Ends(name, ".layers.2.bias") =>
                index => index >= 2 && !config.TwoStage && Starts(name, "bbox_embed.0.") ? -2 : 0,
            _ when Starts(name, "bbox_embed.") => Linear(name, config.HiddenDim),

            // Biases that are set to zero, and those that keep torch.nn.Linear's default
            _ when ZeroBiases().IsMatch(name) => Constant(0),
            _ when bias && FanIn(name) is int fanIn => Linear(name, fanIn),

            // Matrices of the transformer and kernels of input_proj: xavier_uniform_
            _ when !bias && shape.Rank > 1 && (Starts(name, "transformer.") || Starts(name, "input_proj.")) =>
                Uniform(name, Math.Sqrt(6.0 / ((double)(shape[0] + shape[1]) * shape.LengthFrom(2)))),
            _ => throw new ArgumentException($"initial weights: {name} holds {shape}; expected a tensor of the original's state_dict."),
        };
    }

    private static bool Starts(string name, string prefix) => name.StartsWith(prefix, StringComparison.Ordinal);

    private static bool Ends(string name, string suffix) => name.EndsWith(suffix, StringComparison.Ordinal);

    [GeneratedRegex(@"^input_proj\.\d+\.1\.|\.norm\d\.|_norm\.")]
    private static partial Regex Norms();

    [GeneratedRegex(@"^input_proj\.\d+\.0\.bias$|(value_proj|output_proj|out_proj|reference_points)\.bias$|\.in_proj_bias$")]
    private static partial Regex ZeroBiases();

    // The original copies one layer and one head (_get_clones), then draws the matrices of the layers again but neither their biases nor
    // the heads: those start equal in all copies.
    [GeneratedRegex(@"^((class|bbox)_embed|transformer\.(en|de)coder\.layers)\.\d+\.")]
    private static partial Regex Clone();

    private int? FanIn(string name) => name switch
    {
        _ when Ends(name, ".linear1.bias") || Ends(name, ".enc_output.bias") => config.HiddenDim,
        _ when Ends(name, ".linear2.bias") => config.DimFeedforward,
        _ when Ends(name, ".pos_trans.bias") => 2 * config.HiddenDim,
        _ => null,
    };

    private static Func<int, double> Constant(double value) => _ => value;

    private Func<int, double> Uniform(string name, double bound)
    {
        ulong start = Recipe.Start(seed, name);
        return index => bound * Recipe.Uniform(start, index);
    }

    private Func<int, double> Table(string name)
    {
        ulong start = Recipe.Start(seed, name);
        return index => (Recipe.Uniform(start, index) + 1) / 2;
    }

    // torch.nn.Linear's default, the same for weight and bias: uniform within 1/√fan_in.
    private Func<int, double> Linear(string name, int fanIn) => Uniform(Clone().Replace(name, "$1.0."), 1 / Math.Sqrt(fanIn));

    // Box-Muller: elements 2k and 2k + 1 share two uniform numbers.
    private Func<int, double> Normal(string name, double deviation)
    {
        ulong start = Recipe.Start(seed, name);
        return index =>
        {
            double radius = Math.Sqrt(-2 * Elementary.Log((1 - Recipe.Uniform(start, index & ~1)) / 2));
            double angle = Math.PI * Recipe.Uniform(start, index | 1);
            return deviation * radius * (index % 2 == 0 ? Elementary.Cos(angle) : Elementary.Sin(angle));
        };
    }

    // Head m looks along 2πm/M, made so long that its larger coordinate is 1; point p looks p + 1 times as far; all levels alike. Laid out
    // (M, L, P, 2).
    // Steps in float32, as the original takes them: cos(π/2) is -4.37e-8 there.
    private Func<int, double> Star(TensorShape shape)
    {
        int points = shape[0] / (2 * config.Nheads * config.NumFeatureLevels);
        return index =>
        {
            int head = index / (2 * config.NumFeatureLevels * points);
            int point = index / 2 % points;
            float theta = head * (float)(2.0 * Math.PI / config.Nheads);
            float x = (float)Elementary.Cos((double)theta);
            float y = (float)Elementary.Sin((double)theta);
            float largest = MathF.Max(MathF.Abs(x), MathF.Abs(y));
            return (index % 2 == 0 ? x : y) / largest * (point + 1);
        };
    }
}
