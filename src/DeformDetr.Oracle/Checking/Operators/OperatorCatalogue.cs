using DeformDetr.Reference;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Oracle;

// Every operator and layer that can be run by itself: the general ones, the contract's targets and layers, and every kind of step.
internal static partial class OperatorCatalogue
{
    private const string Tensors = "src/DeformDetr.Tensors/Operators/";
    private const string Reference = "src/DeformDetr.Reference/";
    private const string Steps = "src/DeformDetr.Oracle/Checking/Steps/StepKinds.cs";

    private static readonly Dictionary<StepKind, OperatorDefinition> OfKind;
    private static readonly Dictionary<string, OperatorDefinition> ByName;

    static OperatorCatalogue()
    {
        OfKind = KindTable();
        ByName = General().Concat(Layers()).Concat(Kinds()).ToDictionary(definition => definition.Name, StringComparer.Ordinal);
    }

    public static IReadOnlyCollection<OperatorDefinition> All => ByName.Values;

    public static OperatorDefinition? Find(string name) => ByName.GetValueOrDefault(name);

    // A kind of step under the names of its roles; null for kinds of general operators that are made for one run.
    public static OperatorDefinition? Of(StepKind kind) => OfKind.GetValueOrDefault(kind);

    // The same kind as it is found by its name: a general operator may stand there, with its own names and settings.
    public static OperatorDefinition? Named(StepKind kind) => OfKind.ContainsKey(kind) ? Find(NameOf(kind)) : null;

    public static string NameOf(StepKind kind) =>
        kind.Name.Replace(' ', '_').Replace('-', '_').Replace('·', '_');

    private static IEnumerable<OperatorDefinition> General()
    {
        yield return One(
            "linear", "y = x·Wᵀ + b over the last axis.", "input=x [.., I]", "weight [O, I]; bias? [O]", "output [.., O]",
            "activation=\"none\" none, relu or gelu, of the input", $"{Tensors}Linear.cs",
            args => args.Has("bias") ? StepKinds.Linear : OperatorKinds.LinearWithoutBias, [], BeforeLinear);
        yield return One(
            "matmul", "Products of matrices, batch by batch.", "a [.., I, K]; b [.., K, J]", "", "output [.., I, J]", "",
            $"{Tensors}MatMul.cs", _ => OperatorKinds.MatMul);
        yield return One(
            "conv2d", "Two-dimensional convolution (cross-correlation, as PyTorch's).", "input=x [N, I, H, W]",
            "weight [O, G, kh, kw]; bias? [O]", "output [N, O, Ho, Wo]",
            "stride=1 pixels between windows; padding=0 zeros on each side; dilation=1 pixels between taps; groups=1 groups of channels",
            $"{Tensors}Conv2d.cs", _ => StepKinds.Convolution, ["Ho", "Wo"], Window);
        yield return One(
            "frozen_batch_norm", "x · w/√(σ² + eps) + (b − μ · w/√(σ² + eps)), a channel at a time.", "input=x [N, C, H, W]",
            "weight [C]; bias [C]; running_mean [C]; running_var [C]", "output [N, C, H, W]", "eps=1e-05 added to the variance",
            $"{Tensors}FrozenBatchNorm.cs",
            args => args.Settings.Number("eps") == 1e-5
                ? StepKinds.FrozenBatchNorm
                : OperatorKinds.FrozenBatchNorm(args.Settings.Number("eps")));
        yield return One(
            "group_norm", "Normalises each group of channels of each picture.", "input=x [N, C, H, W]",
            "weight [C]; bias [C]", "output [N, C, H, W]", "num_groups=32 groups; eps=1e-05 added to the variance",
            $"{Tensors}GroupNorm.cs",
            args => (args.Settings.Integer("num_groups"), args.Settings.Number("eps")) is (32, 1e-5)
                ? StepKinds.GroupNorm
                : OperatorKinds.GroupNorm(args.Settings.Integer("num_groups"), args.Settings.Number("eps")),
            ["C", "H", "W"]);
        yield return One(
            "layer_norm", "Normalises each row of the last axis.", "input=x [.., C]", "weight [C]; bias [C]", "output [.., C]",
            "eps=1e-05 added to the variance", $"{Tensors}LayerNorm.cs",
            args => OperatorKinds.LayerNorm(args.Settings.Number("eps")), ["C"]);
        yield return One(
            "softmax", "exp(x) / Σ exp(x) over the last axis.", "input=x [.., C]", "", "output [.., C]", "", $"{Tensors}Softmax.cs",
            _ => OperatorKinds.Softmax, ["C"]);
        yield return One(
            "relu", "max(x, 0).", "input=x [..]", "", "output [..]", "", $"{Tensors}Relu.cs", _ => OperatorKinds.Relu);
        yield return One(
            "gelu", "x · Φ(x), exactly.", "input=x [..]", "", "output [..]", "", $"{Tensors}Gelu.cs", _ => OperatorKinds.Gelu);
        yield return One(
            "sigmoid", "1 / (1 + exp(−x)).", "input=x [..]", "", "output [..]", "", $"{Tensors}Sigmoid.cs", _ => StepKinds.Sigmoid);
        yield return One(
            "inverse_sigmoid", "log(x / (1 − x)) with x in [0, 1] and both parts at least eps.", "input=x [..]", "", "output [..]",
            "eps=1e-05 least part", $"{Tensors}InverseSigmoid.cs", args => OperatorKinds.InverseSigmoid(args.Settings.Number("eps")));
        yield return One(
            "max_pool2d", "The largest of each window.", "input=x [N, C, H, W]", "", "output [N, C, Ho, Wo]",
            "kernel_size=3 side of the window; stride=2 pixels between windows; padding=1 pixels on each side", $"{Tensors}MaxPool2d.cs",
            args => OperatorKinds.MaxPool2d(
                args.Settings.Integer("kernel_size"), args.Settings.Integer("stride"), args.Settings.Integer("padding")),
            ["Ho", "Wo"]);
        yield return One(
            "grid_sample", "Bilinear samples at (x, y) in [−1, 1], zeros outside.", "input=x [N, C, H, W]; grid [N, Ho, Wo, 2]", "",
            "output [N, C, Ho, Wo]", "align_corners=false whether ±1 are the centres of the corner pixels", $"{Tensors}GridSample.cs",
            args => OperatorKinds.GridSample(args.Settings.Boolean("align_corners")));
        yield return One(
            "linspace", "Equal steps from start to end.", "", "", "output [I]", "start first number; end last number; steps how many",
            $"{Tensors}Linspace.cs",
            args => OperatorKinds.Linspace(
                args.Settings.Number("start"), args.Settings.Number("end"), args.Settings.Integer("steps")),
            ["I"]);
        yield return One(
            "cumulative_sum", "How many are true up to here along an axis.", "input=x [..] bool", "", "output [..]", "axis the axis",
            $"{Tensors}CumulativeSum.cs", args => OperatorKinds.CumulativeSum(args.Settings.Integer("axis")));
        yield return One(
            "masked_fill", "A value where the mask is true; the mask covers the first axes.", "input=x [..]; mask [..] bool", "",
            "output [..]", "value=0 what is filled in", $"{Tensors}MaskedFill.cs",
            args => OperatorKinds.MaskedFill(args.Settings.Number("value")));
        yield return new OperatorDefinition
        {
            Name = "top_k",
            Summary = "The k largest of each row and where they stand, ties by the lower index.",
            Inputs = OperatorTensor.Parse("input=x [.., C]"),
            Outputs = OperatorTensor.Parse("values [.., k]; indices [.., k] int64"),
            Settings = OperatorSetting.Parse("k how many"),
            Whole = ["k"],
            Source = $"{Tensors}TopK.cs",
            Plan = args =>
            [
                Bare("values", OperatorKinds.TopKValues(args.Settings.Integer("k")), ("x", "input")),
                Bare("indices", OperatorKinds.TopKIndices(args.Settings.Integer("k")), ("x", "input")),
            ],
        };
        yield return One(
            "gather", "Rows of each picture by index.", "input=x [N, S, C]; indices [N, Q] int64", "", "output [N, Q, C]", "",
            $"{Tensors}Gather.cs", _ => OperatorKinds.Gather);
        yield return One(
            "nearest_resize", "A mask in another size, the nearest pixel as PyTorch takes it.", "mask [N, H, W] bool", "",
            "output [N, Ho, Wo] bool", "height rows of the result; width columns of the result", $"{Tensors}NearestResize.cs",
            args => OperatorKinds.NearestResize(args.Settings.Integer("height"), args.Settings.Integer("width")), ["Ho", "Wo"]);
        yield return One(
            "embedding", "Rows of a table by index.", "indices [..] int64", "weight [R, C]", "output [.., C]", "",
            $"{Tensors}Embedding.cs", _ => OperatorKinds.Embedding);
        yield return One(
            "multihead_attention", "torch.nn.MultiheadAttention of a query, keys and values.",
            "query [N, Q, C]; key [N, J, C]; value [N, J, C]",
            "in_proj_weight [3·C, C]; in_proj_bias [3·C]; out_proj.weight [C, C]; out_proj.bias [C]", "output [N, Q, C]",
            "nheads=8 heads", $"{Reference}Attention/MultiHeadAttention.cs", _ => OperatorKinds.MultiheadAttention, ["C"], Heads);
    }

    private static StepOptions Window(OperatorArguments args, StepOptions options) => options with
    {
        Window = new Conv2dWindow(
            args.Settings.Integer("stride"), args.Settings.Integer("padding"), args.Settings.Integer("dilation"),
            args.Settings.Integer("groups")),
    };

    private static StepOptions BeforeLinear(OperatorArguments args, StepOptions options) =>
        args.Settings.Word("activation", "none", "relu", "gelu") switch
        {
            "none" => options,
            "gelu" => options with { Activates = true, Activation = Activation.Gelu },
            _ => options with { Activates = true },
        };

    private static StepOptions Heads(OperatorArguments args, StepOptions options) =>
        options with { Heads = args.Settings.Count("nheads") };

    // A definition of one step.
    private static OperatorDefinition One(
        string name, string summary, string inputs, string weights, string outputs, string settings, string source,
        Func<OperatorArguments, StepKind> kind, IReadOnlyList<string>? whole = null,
        Func<OperatorArguments, StepOptions, StepOptions>? options = null)
    {
        IReadOnlyList<OperatorTensor> tensors = OperatorTensor.Parse(inputs);
        IReadOnlyList<OperatorTensor> parameters = OperatorTensor.Parse(weights);
        IReadOnlyList<OperatorTensor> made = OperatorTensor.Parse(outputs);
        return new OperatorDefinition
        {
            Name = name,
            Summary = summary,
            Inputs = tensors,
            Weights = parameters,
            Outputs = made,
            Settings = OperatorSetting.Parse(settings),
            Whole = whole ?? [],
            Source = source,
            Plan = args =>
            {
                StepOptions chosen = new();
                return
                [
                    new Step(
                        made[0].Name, kind(args), Present(tensors, args), [], Present(parameters, args), AxisWords.Of(made[0].Shape),
                        options?.Invoke(args, chosen) ?? chosen),
                ];
            },
        };
    }

    private static Step Bare(string output, StepKind kind, params (string Role, string Name)[] inputs) =>
        new(output, kind, [.. inputs.Select(pair => KeyValuePair.Create(pair.Role, pair.Name))], [], [], [], new());

    // Roles and names of those tensors that were given; lists in order.
    internal static IReadOnlyList<KeyValuePair<string, string>> Present(IReadOnlyList<OperatorTensor> tensors, OperatorArguments args)
    {
        List<KeyValuePair<string, string>> present = [];
        foreach (OperatorTensor tensor in tensors)
        {
            if (!tensor.IsList)
            {
                if (args.Has(tensor.Name))
                {
                    present.Add(KeyValuePair.Create(tensor.Role, tensor.Name));
                }

                continue;
            }

            for (int index = 0; args.Has(tensor.NameOf(index)); index++)
            {
                present.Add(KeyValuePair.Create(tensor.RoleOf(index), tensor.NameOf(index)));
            }
        }

        return present;
    }
}
