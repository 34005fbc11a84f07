using System.Numerics;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class PackedLinearThroughTests
{
    // Rows of the input, I, F, O, rows before and behind what is written.
    private static readonly Axis[] Sizes = [new(1, 230), new(1, 300), new(1, 600), new(1, 80), new(0, 9), new(0, 9)];

    private static readonly SummationOrder[] Orders =
    [
        SummationOrder.House, new() { Block = 8 }, new() { Block = SummationOrder.OneChain, BiasFirst = true, Unfused = true },
    ];

    [Fact]
    public void Rows_have_the_bits_of_the_three_operators_and_nothing_beside_them_is_touched()
    {
        Cases.Check(80, Sizes, Law<float>);
        Cases.Check(40, Sizes, Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            (int total, int inputs, int hidden, int outputs) = (c[0], c[1], c[2], c[3]);
            Random random = c.Random();
            Tensor<T> x = Values.Draw<T>(random, c.Family, total, inputs).WithSpecials(random, 40, finite: c.Seed % 2 == 0);
            Layers<T> layers = new(random, c.Family, inputs, hidden, outputs);
            OperatorContext context = new(Kernels.Simd, 1 + (c.Seed % 3));
            Tensor<T> expected = layers.Apart(context, x);

            int first = random.Next(total);
            int rows = random.Next(total - first + 1);
            T beside = T.CreateTruncating(-777);
            Tensor<T> output = new([c[4] + rows + c[5], outputs]);
            output.AsSpan().Fill(beside);
            using Packed<T> packed = layers.Pack(context);
            packed.Run(x, first, rows, output, c[4]);
            ReadOnlySpan<T> y = output.AsReadOnlySpan();
            Comparison.SameNumbers(
                expected.AsReadOnlySpan().Slice(first * outputs, rows * outputs), y.Slice(c[4] * outputs, rows * outputs), $"rows {first} to {first + rows}");
            Assert.Equal(-1, y[..(c[4] * outputs)].IndexOfAnyExcept(beside));
            Assert.Equal(-1, y[((c[4] + rows) * outputs)..].IndexOfAnyExcept(beside));
        }
    }

    [Theory]
    [InlineData(256, 1024)]
    [InlineData(255, 256)]
    [InlineData(257, 257)]
    [InlineData(600, 513)]
    [InlineData(31, 255)]
    [InlineData(1, 1)]
    [InlineData(0, 5)]
    [InlineData(5, 0)]
    [InlineData(0, 0)]
    public void Every_depth_has_the_bits_of_the_three_operators(int inputs, int hidden)
    {
        // Whole and partial tiles, one block of rows and several.
        foreach ((int rows, int outputs) in new[] { (192, 64), (193, 33), (5, 70), (400, 256) })
        {
            Layers<float> layers = new(new Random(rows), Family.Plain, inputs, hidden, outputs);
            Tensor<float> x = Values.Draw<float>(new Random(1), rows, inputs);
            OperatorContext context = new(Kernels.Simd, 2);
            Tensor<float> output = new([rows, outputs]);
            using Packed<float> packed = layers.Pack(context);
            packed.Run(x, 0, rows, output, 0);
            Comparison.SameBits(layers.Apart(context, x), output, $"{rows} rows");
        }
    }

    [Fact]
    public void Every_summation_order_has_its_own_bits()
    {
        Layers<float> layers = new(new Random(3), Family.Plain, 300, 520, 40);
        Tensor<float> x = Values.Draw<float>(new Random(1), 50, 300);
        OperatorContext house = new(Kernels.Simd, 2);
        foreach (SummationOrder order in Orders)
        {
            OperatorContext context = house.Ordered(order);
            Tensor<float> output = new([50, 40]);
            using Packed<float> packed = layers.Pack(context);
            packed.Run(x, 0, 20, output, 0);
            packed.Run(x, 20, 30, output, 20);
            Comparison.SameBits(layers.Apart(context, x), output, $"{order}");
        }
    }

    [Fact]
    public void Threads_may_share_it()
    {
        Layers<float> layers = new(new Random(3), Family.Plain, 100, 300, 50);
        Tensor<float> x = Values.Draw<float>(new Random(1), 800, 100);
        OperatorContext context = new(Kernels.Simd, 4);
        Tensor<float> output = new([800, 50]);
        using Packed<float> packed = layers.Pack(context);
        Parallel.For(0, 80, part => packed.Run(x, part * 10, 10, output, part * 10));
        Comparison.SameBits(layers.Apart(context, x), output);
    }

    [Fact]
    public void Refusals()
    {
        foreach (SummationOrder order in Orders)
        {
            Rows("the second weight holds [3, 6]; expected [O, F] = [any, 5].", order, 6, new([5, 4]), 0, 5, new([5, 3]), 0);
            Rows("input holds [5, 3]; expected [.., 4] with rows 0 to 5.", order, 5, new([5, 3]), 0, 5, new([5, 3]), 0);
            Rows("input holds [5, 4]; expected [.., 4] with rows 1 to 6.", order, 5, new([5, 4]), 1, 5, new([5, 3]), 0);
            Rows("input holds [5, 4]; expected [.., 4] with rows 2 to 1.", order, 5, new([5, 4]), 2, -1, new([5, 3]), 0);
            Rows("output holds [5, 4]; expected [.., 3] with rows 0 to 5.", order, 5, new([5, 4]), 0, 5, new([5, 4]), 0);
            Rows("output holds [5, 3]; expected [.., 3] with rows 4 to 6.", order, 5, new([5, 4]), 0, 2, new([5, 3]), 4);
        }

        static void Rows(
            string message, SummationOrder order, int hidden, Tensor<float> input, int inputRow, int rows, Tensor<float> output, int outputRow) =>
            Refusal.Of($"Linear: {message}", c =>
            {
                using PackedLinear<float> first = new(c.Ordered(order), new Tensor<float>([5, 4]), new Tensor<float>([5]));
                using PackedLinear<float> second = new(c.Ordered(order), new Tensor<float>([3, hidden]), new Tensor<float>([3]));
                first.RowsThrough(second, input, inputRow, rows, output, outputRow);
            });
    }

    // Both layers made ready.
    private sealed record Packed<T>(PackedLinear<T> First, PackedLinear<T> Second) : IDisposable
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        public void Run(Tensor<T> input, int inputRow, int rows, Tensor<T> output, int outputRow) =>
            First.RowsThrough(Second, input, inputRow, rows, output, outputRow);

        public void Dispose()
        {
            First.Dispose();
            Second.Dispose();
        }
    }

    private sealed class Layers<T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        private readonly Tensor<T> _weight1;
        private readonly Tensor<T> _bias1;
        private readonly Tensor<T> _weight2;
        private readonly Tensor<T> _bias2;

        public Layers(Random random, Family family, int inputs, int hidden, int outputs)
        {
            _weight1 = Values.Draw<T>(random, family, hidden, inputs).WithSpecials(random, 9, finite: true);
            _bias1 = Values.Draw<T>(random, family, hidden).WithSpecials(random, 9, finite: true);
            _weight2 = Values.Draw<T>(random, family, outputs, hidden).WithSpecials(random, 9, finite: true);
            _bias2 = Values.Draw<T>(random, family, outputs).WithSpecials(random, 3);
        }

        public Packed<T> Pack(OperatorContext context) => new(new(context, _weight1, _bias1), new(context, _weight2, _bias2));

        public Tensor<T> Apart(OperatorContext context, Tensor<T> x) =>
            Linear.Forward(context, Relu.Forward(context, Linear.Forward(context, x, _weight1, _bias1)), _weight2, _bias2);
    }
}
