using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// General operators that no step of the model is by itself. Those with settings are made anew for each run.
internal static class OperatorKinds
{
    public static StepKind LinearWithoutBias { get; } = new("linear", (a, x) =>
        a.Linear(StepKinds.Active(a, x, x["x"]), x.Weight("weight"), null));

    public static StepKind MatMul { get; } = new("matmul", (a, x) => a.MatMul(x["a"], x["b"]));

    public static StepKind Softmax { get; } = new("softmax", (a, x) => a.Softmax(x["x"]));

    public static StepKind Relu { get; } = new("relu", (a, x) => a.Relu(x["x"]));

    public static StepKind Gelu { get; } = new("gelu", (a, x) => a.Gelu(x["x"]));

    public static StepKind Gather { get; } = new("gather", (a, x) => a.Gather(x["x"], x["indices"]));

    // Rows of a table: moved, never computed.
    public static StepKind Embedding { get; } = new("embedding", (a, x) =>
    {
        Tensor<long> index = x["indices"].Whole;
        Quantity weight = x.Weight("weight");
        if (Own(
            a, () => Tensors.Operators.Embedding.Forward(a.Context, (Tensor<float>)weight.Tensor, index),
            () => Tensors.Operators.Embedding.Forward(a.Context, weight.Real, index)) is { } own)
        {
            return own;
        }

        ShapeGuard.Rank("embedding", "weight", weight.Shape, "[R, C]", 2);
        int[] rows = new int[index.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            long row = index.AsReadOnlySpan()[i];
            ShapeGuard.That(
                row >= 0 && row < weight.Shape[0], "embedding", "index", $"holds {row}; expected indices in [0, {weight.Shape[0]}).");
            rows[i] = (int)row;
        }

        return a.Reshape(a.Pick(weight, 0, rows), [.. index.Shape.Sizes, weight.Shape[1]]);
    });

    public static StepKind MultiheadAttention { get; } = new("multi-head attention of three", (a, x) =>
    {
        Quantity query = x["query"];
        return StepKinds.Attend(a, x, query, x["key"], x["value"], Math.Sqrt(query.Shape[2] / x.Options.Heads));
    });

    public static StepKind FrozenBatchNorm(double epsilon) => new("frozen batch norm", (a, x) => a.FrozenBatchNorm(
        x["x"], x.Weight("weight"), x.Weight("bias"), x.Weight("running_mean"), x.Weight("running_var"), epsilon));

    public static StepKind GroupNorm(int groups, double epsilon) => new("group norm", (a, x) =>
        a.GroupNorm(x["x"], groups, x.Weight("weight"), x.Weight("bias"), epsilon));

    public static StepKind LayerNorm(double epsilon) => new("layer norm", (a, x) =>
        a.LayerNorm(x["x"], x.Weight("weight"), x.Weight("bias"), epsilon));

    public static StepKind InverseSigmoid(double epsilon) => new("inverse sigmoid", (a, x) => a.InverseSigmoid(x["x"], epsilon));

    public static StepKind MaxPool2d(int kernel, int stride, int padding) => new("max pool", (a, x) =>
        a.MaxPool2d(x["x"], kernel, stride, padding));

    public static StepKind MaskedFill(double value) => new("masked fill", (a, x) => a.MaskedFill(x["x"], x["mask"], value));

    public static StepKind TopKValues(int k) => new("top-k values", (a, x) => a.TopK(x["x"], k).Values);

    public static StepKind TopKIndices(int k) => new("top-k indices", (a, x) => a.TopK(x["x"], k).Indices);

    public static StepKind NearestResize(int height, int width) => new("nearest resize", (a, x) =>
        a.Given(Tensors.Operators.NearestResize.Forward(a.Context, x["mask"].Mask, height, width)));

    // Counts are whole numbers, exact in every precision.
    public static StepKind CumulativeSum(int axis) => new("cumulative sum", (a, x) =>
        a.Given(Tensors.Operators.CumulativeSum.Forward<double>(a.Context, x["x"].Mask, axis)));

    // As a function of the index, so that each element is rounded once.
    public static StepKind Linspace(double start, double end, int steps) => new("linspace", (a, _) =>
    {
        if (Own(
            a, () => Tensors.Operators.Linspace.Forward<float>(a.Context, start, end, steps),
            () => Tensors.Operators.Linspace.Forward<double>(a.Context, start, end, steps)) is { } own)
        {
            return own;
        }

        ShapeGuard.That(steps >= 0, "linspace", "steps", $"holds {steps}; expected at least 0.");
        Tensor<double> index = new([steps]);
        for (int i = 0; i < steps; i++)
        {
            index[i] = i;
        }

        double step = steps > 1 ? (end - start) / (steps - 1) : 0;
        return a.Apply(a.Given(index), i => i < steps / 2 || steps == 1 ? start + (step * i) : end - (step * (steps - 1 - i)));
    });

    // The core of deformable attention with one level, head and point, and weights of 1: where noise is followed there is no other sampling.
    public static StepKind GridSample(bool alignCorners) => new("grid sample", (a, x) =>
    {
        (Quantity input, Quantity grid) = (x["x"], x["grid"]);
        if (Own(
            a, () => Tensors.Operators.GridSample.Forward(a.Context, (Tensor<float>)input.Tensor, (Tensor<float>)grid.Tensor, alignCorners),
            () => Tensors.Operators.GridSample.Forward(a.Context, input.Real, grid.Real, alignCorners)) is { } own)
        {
            return own;
        }

        (TensorShape s, TensorShape o) = (input.Shape, grid.Shape);
        ShapeGuard.Rank("grid_sample", "input", s, "[N, C, H, W]", 4);
        ShapeGuard.Require("grid_sample", "grid", o, "[N, Ho, Wo, 2]", s[0], -1, -1, 2);
        Quantity value = a.Reshape(StepKinds.Tokens(a, input), [s[0], s[2] * s[3], 1, s[1]]);
        Quantity half = a.Apply(grid, g => (g + 1) / 2);
        if (alignCorners)
        {
            Quantity size = a.Given(Tensor<double>.FromArray([2], [s[3], s[2]]));
            Quantity inside = a.Given(Tensor<double>.FromArray([2], [s[3] - 1, s[2] - 1]));
            Quantity centre = a.Given(Tensor<double>.FromArray([1], [0.5]));
            half = a.Divide(a.Add(a.Multiply(half, inside), centre), size);
        }

        int places = o[1] * o[2];
        Tensor<double> ones = new([s[0], places, 1, 1, 1]);
        ones.AsSpan().Fill(1);
        Quantity read = a.Sample(
            value, a.Given(Tensor<long>.FromArray([1, 2], [s[2], s[3]])), a.Given(new Tensor<long>([1])),
            a.Reshape(half, [s[0], places, 1, 1, 1, 2]), a.Given(ones));
        return a.Reshape(a.Permute(read, 0, 2, 1), [s[0], s[1], o[1], o[2]]);
    });

    // The reference runs its own operator; algebras that follow noise or mistakes have the parts. Null where it isn't the reference's.
    private static Quantity? Own(Algebra a, Func<Tensor> float32, Func<Tensor> float64) => a switch
    {
        ReferenceAlgebra<float> => new Quantity(float32()),
        ReferenceAlgebra<double> => new Quantity(float64()),
        _ => null,
    };
}
