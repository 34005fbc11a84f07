using System.Numerics;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class PackedLinearTests
{
    // Rows of the input, I, O, rows before and behind what is written, threads.
    private static readonly Axis[] Sizes = [new(1, 130), new(1, 300), new(1, 100), new(0, 9), new(0, 9), new(1, 4)];

    [Fact]
    public void Rows_have_the_bits_of_the_linear_layer_and_nothing_beside_them_is_touched()
    {
        Cases.Check(120, Sizes, Law<float>);
        Cases.Check(60, Sizes, Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            (int total, int inputs, int outputs) = (c[0], c[1], c[2]);
            Random random = c.Random();
            Tensor<T> x = Values.Draw<T>(random, c.Family, total, inputs).WithSpecials(random, 40, finite: c.Seed % 2 == 0);
            Tensor<T> weight = Values.Draw<T>(random, c.Family, outputs, inputs).WithSpecials(random, 9, finite: true);
            Tensor<T> bias = Values.Draw<T>(random, c.Family, outputs).WithSpecials(random, 3);
            OperatorContext context = new(Kernels.Simd, c[5]);
            Tensor<T> expected = Linear.Forward(context, x, weight, bias);

            int first = random.Next(total);
            int rows = random.Next(total - first + 1);
            T beside = T.CreateTruncating(-777);
            Tensor<T> output = new([c[3] + rows + c[4], outputs]);
            output.AsSpan().Fill(beside);
            using PackedLinear<T> packed = new(context, weight, bias);
            packed.Rows(x, first, rows, output, c[3]);
            ReadOnlySpan<T> y = output.AsReadOnlySpan();
            Comparison.SameNumbers(
                expected.AsReadOnlySpan().Slice(first * outputs, rows * outputs), y.Slice(c[3] * outputs, rows * outputs),
                $"rows {first} to {first + rows}");
            Assert.Equal(-1, y[..(c[3] * outputs)].IndexOfAnyExcept(beside));
            Assert.Equal(-1, y[((c[3] + rows) * outputs)..].IndexOfAnyExcept(beside));
        }
    }

    [Theory]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(512)]
    [InlineData(1030)]
    public void Every_depth_has_the_bits_of_the_linear_layer(int inputs)
    {
        // Whole and partial tiles in both directions.
        foreach ((int rows, int outputs) in new[] { (96, 64), (97, 33), (5, 70), (30, 256) })
        {
            Tensor<float> x = Values.Draw<float>(new Random(1), rows, inputs);
            Tensor<float> weight = Values.Draw<float>(new Random(2), outputs, inputs);
            Tensor<float> bias = Values.Draw<float>(new Random(3), outputs);
            OperatorContext context = new(Kernels.Simd, 2);
            Tensor<float> expected = Linear.Forward(context, x, weight, bias);
            Tensor<float> output = new([rows, outputs]);
            using PackedLinear<float> packed = new(context, weight, bias);
            packed.Rows(x, 0, rows, output, 0);
            Comparison.SameBits(expected, output, $"{rows} x {outputs}");
        }
    }

    [Fact]
    public void Threads_may_share_it()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 800, 300);
        Tensor<float> weight = Values.Draw<float>(new Random(2), 50, 300);
        Tensor<float> bias = Values.Draw<float>(new Random(3), 50);
        OperatorContext context = new(Kernels.Simd, 4);
        Tensor<float> output = new([800, 50]);
        using PackedLinear<float> packed = new(context, weight, bias);
        Parallel.For(0, 80, part => packed.Rows(x, part * 10, 10, output, part * 10));
        Comparison.SameBits(Linear.Forward(context, x, weight, bias), output);
    }

    [Fact]
    public void Refusals()
    {
        Tensor<float> weight = new([3, 4]);
        Refusal.Of(
            "Linear: weight holds [4]; expected [O, I], 2 axes.",
            c => new PackedLinear<float>(c, new Tensor<float>([4]), weight).Dispose());
        Refusal.Of(
            "Linear: bias holds [4]; expected [O] = [3].",
            c => new PackedLinear<float>(c, weight, new Tensor<float>([4])).Dispose());
        Rows("input holds [5, 3]; expected [.., 4] with rows 0 to 5.", new([5, 3]), 0, 5, new([5, 3]), 0);
        Rows("input holds [5, 4]; expected [.., 4] with rows 1 to 6.", new([5, 4]), 1, 5, new([5, 3]), 0);
        Rows("input holds [5, 4]; expected [.., 4] with rows -1 to 1.", new([5, 4]), -1, 2, new([5, 3]), 0);
        Rows("input holds [5, 4]; expected [.., 4] with rows 2 to 1.", new([5, 4]), 2, -1, new([5, 3]), 0);
        Rows("output holds [5, 4]; expected [.., 3] with rows 0 to 5.", new([5, 4]), 0, 5, new([5, 4]), 0);
        Rows("output holds [5, 3]; expected [.., 3] with rows 4 to 6.", new([5, 4]), 0, 2, new([5, 3]), 4);
        Rows("output holds [5, 3]; expected [.., 3] with rows -1 to 1.", new([5, 4]), 0, 2, new([5, 3]), -1);

        void Rows(string message, Tensor<float> input, int inputRow, int rows, Tensor<float> output, int outputRow) =>
            Refusal.Of($"Linear: {message}", c =>
            {
                using PackedLinear<float> packed = new(c, weight, new Tensor<float>([3]));
                packed.Rows(input, inputRow, rows, output, outputRow);
            });
    }
}
