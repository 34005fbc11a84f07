using DeformDetr.Reference;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Oracle.Tests.Checking.Ensemble;

/// <summary>Every legal order is an evaluation of the same equation, and none is another's double.</summary>
public class LegalOrdersTests
{
    private const double Epsilon = 1.0 / (1 << 24);

    private static readonly Tensor<long> Shapes = Tensor<long>.Create([2, 2], [9L, 13L, 5L, 7L]);

    private static readonly Tensor<long> Starts = Tensor<long>.Create([2], [0L, 117L]);

    public static TheoryData<string> Names => [.. LegalOrders.All.Select(order => order.Name)];

    // What is run, on what, and how far from the truth it may lie, in 2^-24 of the largest result.
    private static readonly (string Name, Func<OperatorContext, LegalOrder, Tensor<float>> Run, Func<OperatorContext, Tensor<double>> Truth,
        double Allowed, Func<LegalOrder, bool> IsHouse)[] Operators =
    [
        Case(
            "linear", (c, o, x) => LegalOperators.Linear(c, o, x[0], x[1], x[2]), (c, x) => Linear.Forward(c, x[0], x[1], x[2]), 64, Products,
            Draw(1, [70, 600]), Draw(2, [45, 600]), Draw(3, [45])),
        Case(
            "matmul", (c, o, x) => LegalOperators.MatMul(c, o, x[0], x[1]), (c, x) => MatMul.Forward(c, x[0], x[1]), 64, Products,
            Draw(1, [3, 20, 600]), Draw(2, [3, 600, 31])),
        Case(
            "conv2d", (c, o, x) => LegalOperators.Conv2d(c, o, x[0], x[1], x[2], new Conv2dWindow(2, 1)),
            (c, x) => Conv2d.Forward(c, x[0], x[1], x[2], new Conv2dWindow(2, 1)), 64, Products, Draw(1, [1, 70, 15, 17]),
            Draw(2, [33, 70, 3, 3]), Draw(3, [33])),
        Case(
            "frozen batch norm", (c, o, x) => LegalOperators.FrozenBatchNorm(c, o, x[0], new FrozenNorm<float>(x[1], x[2], x[3], x[4])),
            (c, x) => FrozenBatchNorm.Forward(c, x[0], x[1], x[2], x[3], x[4]), 16, o => o.ChannelNorm == ChannelNormOrder.House,
            Draw(1, [2, 6, 9, 10]), Draw(2, [6]), Draw(3, [6]), Draw(4, [6]), Draw(5, [6], 0.5, 2)),
        Case(
            "layer norm", (c, o, x) => LegalOperators.LayerNorm(c, o, x[0], x[1], x[2]), (c, x) => LayerNorm.Forward(c, x[0], x[1], x[2]), 64, Rows,
            Draw(1, [50, 251]), Draw(2, [251]), Draw(3, [251])),
        Case(
            "group norm", (c, o, x) => LegalOperators.GroupNorm(c, o, x[0], 4, x[1], x[2]), (c, x) => GroupNorm.Forward(c, x[0], 4, x[1], x[2]),
            64, Rows, Draw(1, [2, 12, 9, 11]), Draw(2, [12]), Draw(3, [12])),
        Case(
            "softmax", (c, o, x) => LegalOperators.Softmax(c, o, x[0]), (c, x) => Softmax.Forward(c, x[0]), 32, Rows,
            Draw(1, [100, 37], -5, 5)),
        Case(
            "sigmoid", (c, o, x) => LegalOperators.Sigmoid(c, o, x[0]), (c, x) => Sigmoid.Forward(c, x[0]), 8, Logistic,
            Draw(1, [5000], -9, 9)),
        Case(
            "inverse sigmoid", (c, o, x) => LegalOperators.InverseSigmoid(c, o, x[0]), (c, x) => InverseSigmoid.Forward(c, x[0]), 16, Logistic,
            Draw(1, [5000], -0.1, 1.1)),
        Case(
            "gelu", (c, o, x) => LegalOperators.Gelu(c, o, x[0]), (c, x) => Gelu.Forward(c, x[0]), 16, Logistic, Draw(1, [5000], -5, 5)),
        Case(
            "sampling locations of points", (c, o, x) => LegalOperators.SamplingLocations(c, o, x[0], x[1], Shapes),
            (c, x) => SamplingLocations.Forward(c, x[0], x[1], Shapes), 8, o => o.Locations == LocationOrder.House,
            Draw(1, [2, 50, 2, 2], 0, 1), Draw(2, [2, 50, 3, 2, 4, 2], -4, 4)),
        Case(
            "sampling locations of boxes", (c, o, x) => LegalOperators.SamplingLocations(c, o, x[0], x[1], Shapes),
            (c, x) => SamplingLocations.Forward(c, x[0], x[1], Shapes), 8, o => o.Locations == LocationOrder.House,
            Draw(1, [2, 50, 2, 4], 0, 1), Draw(2, [2, 50, 3, 2, 5, 2], -4, 4)),
        Case(
            "attention core", (c, o, x) => LegalOperators.MSDeformAttnCore(c, o, x[0], Shapes, Starts, x[1], x[2]),
            (c, x) => MSDeformAttnCore.Forward(c, x[0], Shapes, Starts, x[1], x[2]), 256, o => o.Core == CoreOrder.House,
            Draw(1, [2, 152, 3, 11]), Draw(2, [2, 80, 3, 2, 4, 2], -0.2, 1.2), Draw(3, [2, 80, 3, 2, 4], 0, 0.25)),
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public void An_order_gives_the_equations_values_and_other_bits_than_the_house(string name)
    {
        LegalOrder order = LegalOrders.All.Single(member => member.Name == name);
        foreach ((string what, var run, var truth, double allowed, var isHouse) in Operators)
        {
            Tensor<float> actual = run(new OperatorContext(Kernels.Simd, 2), order);
            Assert.True(Error(actual, truth(new OperatorContext())) <= allowed, $"{what}: {Error(actual, truth(new OperatorContext()))}");
            bool same = actual.AsReadOnlySpan().SequenceEqual(run(new OperatorContext(Kernels.Simd), LegalOrders.House).AsReadOnlySpan());
            Assert.True(same == isHouse(order), $"{what} of '{name}' {(same ? "has" : "doesn't have")} the house's bits");
            Assert.True(
                actual.AsReadOnlySpan().SequenceEqual(run(new OperatorContext(Kernels.Simd), order).AsReadOnlySpan()), $"{what}: threads change bits");
        }
    }

    [Fact]
    public void No_two_orders_have_the_same_bits_in_everything_and_only_the_house_is_the_house()
    {
        HashSet<string> bits = [];
        foreach (LegalOrder order in LegalOrders.All)
        {
            OperatorContext context = new(Kernels.Simd);
            bits.Add(string.Concat(Operators.Select(op => Fingerprint.OfTensor("t", op.Run(context, order))).Select(Convert.ToHexString)));
            Assert.Equal(order == LegalOrders.House, Operators.All(op => op.IsHouse(order)));
        }

        Assert.Equal(LegalOrders.All.Count, bits.Count);
        Assert.Equal(3, LegalOrders.Ensemble.Count);
        Assert.Equal(LegalOrders.All.Count, LegalOrders.All.Select(order => order.Name).Distinct(StringComparer.Ordinal).Count());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_lost_term_a_wrong_epsilon_and_a_swapped_corner_are_far_outside(string name)
    {
        LegalOrder order = LegalOrders.All.Single(member => member.Name == name);
        OperatorContext context = new(Kernels.Simd);
        Tensor<float> x = Draw(1, [40, 256]);
        Tensor<float> w = Draw(2, [256]);
        Tensor<float> b = Draw(3, [256]);
        Tensor<double> truth = LayerNorm.Forward(new OperatorContext(), Wide(x), Wide(w), Wide(b));
        Assert.True(Error(LegalOperators.LayerNorm(context, order, x, w, b, 1e-3), truth) > 1000);
        Tensor<float> value = Draw(1, [1, 152, 2, 8]);
        Tensor<float> locations = Draw(2, [1, 40, 2, 2, 4, 2], 0, 1);
        Tensor<float> weights = Draw(3, [1, 40, 2, 2, 4], 0, 0.25);
        Tensor<double> sampled = MSDeformAttnCore.Forward(new OperatorContext(), Wide(value), Shapes, Starts, Wide(locations), Wide(weights));
        weights[0, 7, 1, 1, 3] = 0;
        Assert.True(Error(LegalOperators.MSDeformAttnCore(context, order, value, Shapes, Starts, locations, weights), sampled) > 1000);
        Tensor<float> matrix = Draw(4, [30, 256]);
        Tensor<double> product = Linear.Forward(new OperatorContext(), Wide(x), Wide(matrix), null);
        x[3, 255] = 0;
        Assert.True(Error(LegalOperators.Linear(context, order, x, matrix, null), product) > 1000);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Special_arguments_are_the_equations(string name)
    {
        LegalOrder order = LegalOrders.All.Single(member => member.Name == name);
        OperatorContext context = new(Kernels.Simd);
        Tensor<float> x = Tensor<float>.Create([6], [-200f, 200f, 0f, float.NaN, float.NegativeInfinity, float.PositiveInfinity]);
        Assert.Equal([0f, 1f, 0.5f, float.NaN, 0f, 1f], LegalOperators.Sigmoid(context, order, x).AsReadOnlySpan().ToArray());

        // A masked logit weighs nothing; large ones don't overflow.
        Tensor<float> logits = Tensor<float>.Create([1, 3], [90f, float.NegativeInfinity, 90f]);
        Assert.Equal([0.5f, 0f, 0.5f], LegalOperators.Softmax(context, order, logits).AsReadOnlySpan().ToArray());

        // Locations far outside, and NaN, read nothing.
        Tensor<float> locations = Draw(2, [1, 3, 1, 2, 1, 2], 0, 1);
        (locations[0, 0, 0, 0, 0, 0], locations[0, 1, 0, 1, 0, 1], locations[0, 2, 0, 0, 0, 0]) = (float.NaN, 1e30f, float.NegativeInfinity);
        Tensor<float> value = Draw(1, [1, 152, 1, 9]);
        Tensor<float> weights = Draw(3, [1, 3, 1, 2, 1], 0, 1);
        Tensor<double> truth = MSDeformAttnCore.Forward(new OperatorContext(), Wide(value), Shapes, Starts, Wide(locations), Wide(weights));
        Assert.True(Error(LegalOperators.MSDeformAttnCore(context, order, value, Shapes, Starts, locations, weights), truth) < 256);
    }

    private static bool Products(LegalOrder order) => order.Products == SummationOrder.House;

    private static bool Rows(LegalOrder order) => order.Rows == RowOrder.House;

    private static bool Logistic(LegalOrder order) => order.Logistic == LogisticOrder.House;

    private static (string, Func<OperatorContext, LegalOrder, Tensor<float>>, Func<OperatorContext, Tensor<double>>, double, Func<LegalOrder, bool>) Case(
        string name, Func<OperatorContext, LegalOrder, Tensor<float>[], Tensor<float>> run,
        Func<OperatorContext, Tensor<double>[], Tensor<double>> truth, double allowed, Func<LegalOrder, bool> isHouse,
        params Tensor<float>[] tensors)
    {
        Tensor<double>[] wide = [.. tensors.Select(Wide)];
        return (name, (context, order) => run(context, order, tensors), context => truth(context, wide), allowed, isHouse);
    }

    // In 2^-24 of the largest number of the truth; infinite where either is not finite.
    private static double Error(Tensor<float> actual, Tensor<double> truth)
    {
        Assert.Equal(truth.Shape, actual.Shape);
        (double scale, double error) = (0, 0);
        for (int i = 0; i < truth.Length; i++)
        {
            double difference = Math.Abs(actual.AsReadOnlySpan()[i] - truth.AsReadOnlySpan()[i]);
            error = difference <= error ? error : double.IsFinite(difference) ? difference : double.PositiveInfinity;
            scale = Math.Max(scale, Math.Abs(truth.AsReadOnlySpan()[i]));
        }

        return error / (Epsilon * scale);
    }

    private static Tensor<float> Draw(int seed, TensorShape shape, double least = -1, double most = 1)
    {
        Random random = new(seed);
        Tensor<float> tensor = new(shape);
        foreach (ref float value in tensor.AsSpan())
        {
            value = (float)(least + (random.NextDouble() * (most - least)));
        }

        return tensor;
    }

    private static Tensor<double> Wide(Tensor<float> tensor)
    {
        Tensor<double> wide = new(tensor.Shape);
        for (int i = 0; i < wide.Length; i++)
        {
            wide.AsSpan()[i] = tensor.AsReadOnlySpan()[i];
        }

        return wide;
    }
}
