using System.Globalization;
using DeformDetr.Tensors;
using Xunit.Abstractions;

namespace DeformDetr.Oracle.Tests.Checking.Noise;

/// <summary>Values are those of the operators, and no legal run is refused.</summary>
public class NoiseAlgebraTests(ITestOutputHelper output)
{
    public static TheoryData<string> Operators() => [.. Draws.Operators.Keys];

    [Theory]
    [MemberData(nameof(Operators))]
    public void Values_have_the_bits_of_the_operators_in_float64(string name)
    {
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            for (int seed = 0; seed < 5; seed++)
            {
                Func<Algebra, Quantity> step = Draws.Operators[name](new Draws(seed));
                Quantity expected = step(new ReferenceAlgebra<double>(new OperatorContext(kernels, 2)));
                Quantity seen = step(Spread.Noise(kernels));
                Assert.Equal(expected.Shape, seen.Shape);
                Assert.True(expected.Real.AsReadOnlySpan().SequenceEqual(seen.Real.AsReadOnlySpan()));
                if (seen.Noise is not null)
                {
                    Assert.Equal(seen.Shape, seen.Noise.Shape);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Operators))]
    public void No_legal_run_is_refused(string name)
    {
        int draws = int.TryParse(Environment.GetEnvironmentVariable("DEFORMDETR_TEST_DRAWS"), CultureInfo.InvariantCulture, out int more) ? more : 60;
        (double largest, string where) = (0, "");
        for (int seed = 0; seed < draws; seed++)
        {
            (double seen, string at) = Spread.Of(Draws.Operators[name](new Draws(seed)));
            if (!(seen <= largest))
            {
                (largest, where) = (seen, $"draw {seed}, {at}");
            }
        }

        output.WriteLine($"{name} | {largest:0.00} | {where}");
        Assert.True(largest <= 1, $"{name}: {largest:0.000} at {where}");
    }

    // A plain chain rounds the same way at every step, and its error grows as the number of terms.
    [Theory]
    [InlineData(300)]
    [InlineData(18432)]
    public void Sums_of_equal_terms_are_not_refused(int terms)
    {
        Tensor<float> x = new Draws(0).Fill([1, terms], () => 0.1);
        Tensor<float> weight = new Draws(0).Fill([1, terms], () => 0.3);
        Func<Algebra, Quantity>[] sums =
        [
            a => a.Linear(a.Given(x), a.Given(weight), null),
            a => a.MatMul(a.Given(x), a.Reshape(a.Given(weight), [terms, 1])),
            a => a.Conv2d(a.Reshape(a.Given(x), [1, terms, 1, 1]), a.Reshape(a.Given(weight), [1, terms, 1, 1]), null, new()),
        ];
        foreach (Func<Algebra, Quantity> sum in sums)
        {
            (double largest, string where) = Spread.Of(sum);
            output.WriteLine($"{largest:0.00} {where}");
            Assert.True(largest <= 1, where);
        }
    }
}
