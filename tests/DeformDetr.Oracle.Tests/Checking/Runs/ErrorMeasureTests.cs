using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Runs;

/// <summary>Eight elements at a time, in blocks, on threads: what the definition gives element by element.</summary>
public class ErrorMeasureTests
{
    private static readonly double[] OddNumbers =
    [
        0, -0.0, double.Epsilon, 1e-300, 1, 1, 1, -1, 1e300, double.MaxValue, double.PositiveInfinity, double.NegativeInfinity, double.NaN,
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void The_largest_and_its_place_are_those_of_the_definition(int threads)
    {
        OperatorContext context = new(Kernels.Simd, threads);
        Random random = new(threads);
        foreach (int length in (int[])[0, 1, 7, 8, 9, 1023, 1024, 1025, 5000, 70_001])
        {
            for (int round = 0; round < 40; round++)
            {
                // From a single odd number to odd ones only.
                double share = Math.ScaleB(1, -random.Next(14));
                Tensor<double> y = Fill(length, i => Odd(share) ?? i % 5);
                Tensor<double> x = Fill(length, i => Odd(share) ?? (random.Next(4) == 0 ? i % 5 : (i % 5) + (random.Next(1000) * 1e-9)));
                Tensor<double> noise = Fill(length, _ => Math.Abs(Odd(share) ?? random.NextDouble()));
                Tensor<float> narrow = Tensor<float>.FromArray([length], [.. x.AsReadOnlySpan().ToArray().Select(value => (float)value)]);
                Tensor<bool>? padding = Mask(length, round % 4);

                Assert.Equal(
                    Defined(length, padding, i => Same(x[i], y[i]) ? 0 : Math.Abs(x[i] - y[i]) / noise[i]),
                    ErrorMeasure.InNoise(context, x, y, noise, padding));
                Assert.Equal(
                    Defined(length, padding, i => Same(x[i], y[i]) ? 0 : double.PositiveInfinity),
                    ErrorMeasure.InNoise(context, x, y, null, padding));
                Assert.Equal(
                    Defined(length, padding, i => x[i] == y[i] ? 0 : Math.Abs(x[i] - y[i])), ErrorMeasure.Absolute(context, x, y, padding));
                Assert.Equal(
                    Defined(length, padding, i => narrow[i] == y[i] ? 0 : Math.Abs(narrow[i] - y[i])),
                    ErrorMeasure.Absolute(context, narrow, y, padding));

                // Of several, the largest of all.
                Tensor<float> exact = Tensor<float>.FromArray([length], [.. y.AsReadOnlySpan().ToArray().Select(value => (float)value)]);
                Assert.Equal(ErrorMeasure.Absolute(context, exact, y, padding).Largest, ErrorMeasure.Spread(context, [exact], y, padding));
                Assert.Equal(
                    Math.Max(
                        ErrorMeasure.Absolute(context, exact, y, padding).Largest, ErrorMeasure.Absolute(context, narrow, y, padding).Largest),
                    ErrorMeasure.Spread(context, [exact, narrow], y, padding));
                Assert.Equal(0, ErrorMeasure.Spread(context, [], y, padding));
            }
        }

        double? Odd(double share) => random.NextDouble() < share ? OddNumbers[random.Next(OddNumbers.Length)] : null;

        // None, all, whole stretches, single elements.
        Tensor<bool>? Mask(int length, int kind)
        {
            Tensor<bool> mask = new([length]);
            for (int i = 0; i < length; i++)
            {
                mask[i] = kind == 1 || (kind == 2 ? i / 1500 % 2 == 1 : random.Next(3) == 0);
            }

            return kind == 0 ? null : mask;
        }
    }

    private static bool Same(double x, double y) => x == y || (double.IsNaN(x) && double.IsNaN(y));

    private static ErrorMeasure Defined(int length, Tensor<bool>? padding, Func<int, double> error)
    {
        (double largest, int at, double padded) = (0, -1, 0);
        for (int i = 0; i < length; i++)
        {
            double own = error(i);
            own = double.IsNaN(own) ? double.PositiveInfinity : own;
            if (padding is not null && padding[i])
            {
                padded = Math.Max(padded, own);
            }
            else if (own > largest)
            {
                (largest, at) = (own, i);
            }
        }

        return new ErrorMeasure(largest, at, padded);
    }

    private static Tensor<double> Fill(int length, Func<int, double> number) =>
        Tensor<double>.FromArray([length], [.. Enumerable.Range(0, length).Select(number)]);
}
