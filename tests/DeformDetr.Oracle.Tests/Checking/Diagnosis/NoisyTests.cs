using DeformDetr.Reference;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Oracle.Tests.Checking.Diagnosis;

/// <summary>What float32 makes of a formula, in any order that is legal, lies within the formula's noise, and not far inside it.</summary>
public class NoisyTests
{
    private const double Epsilon = 1.0 / (1 << 24);
    private const int Trials = 4000;

    private static readonly Dictionary<string, (Func<Noisy, Noisy, Noisy> Noisy, Func<float, float, float> Single)> Formulas =
        new(StringComparer.Ordinal)
        {
            ["sum"] = ((x, y) => x + y, (x, y) => x + y),
            ["difference"] = ((x, y) => x - y, (x, y) => x - y),
            ["product"] = ((x, y) => x * y, (x, y) => x * y),
            ["quotient"] = ((x, y) => x / y, (x, y) => x / y),
            ["product with the reciprocal"] = ((x, y) => x / y, (x, y) => x * (1 / y)),
            ["constants"] = ((x, y) => (0.1 * x) + (1.702 * y), (x, y) => (0.1f * x) + (1.702f * y)),
            ["cancellation"] = ((x, y) => (x * y) - (0.3 * x), (x, y) => (x * y) - (0.3f * x)),
            ["wave"] = (
                (x, y) => Noisy.Sin(x / (y + 1e-6) * (2 * Math.PI) / Noisy.Power(10000, 0.375)),
                (x, y) => Wave(x / (y + 1e-6f) * 6.2831855f / 31.622776f)),
            ["wave, by its scale"] = (
                (x, y) => Noisy.Sin(x / (y + 1e-6) * (2 * Math.PI) / Noisy.Power(10000, 0.375)),
                (x, y) => Wave(x * (6.2831855f / (y + 1e-6f)) * 0.031622776f)),
            ["logit"] = (
                (x, y) => Noisy.Logit((x + 0.5) / (y + 9)), (x, y) => Log(((x + 0.5f) / (y + 9)) / (1 - ((x + 0.5f) / (y + 9))))),
            ["logit, by two logarithms"] = (
                (x, y) => Noisy.Logit((x + 0.5) / (y + 9)), (x, y) => Log((x + 0.5f) / (y + 9)) - Log(1 - ((x + 0.5f) / (y + 9)))),
            ["sigmoid"] = ((x, y) => Noisy.Sigmoid(x - y) * x, (x, y) => 1 / (1 + Exp(-(x - y))) * x),
            ["tanh"] = ((x, y) => 1 + Noisy.Tanh(x - y), (x, y) => 1 + (float)Elementary.Tanh((double)(x - y))),
            ["exponential"] = ((x, y) => Noisy.Exp(x - y) - 1, (x, y) => Exp(x - y) - 1),
            ["clamped"] = (
                (x, y) => Noisy.Max(1, Noisy.Min(x / y, 2)) - Noisy.Abs(-y), (x, y) => MathF.Max(1, MathF.Min(x / y, 2)) - MathF.Abs(-y)),
        };

    public static TheoryData<string> Names => [.. Formulas.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Float32IsWithinTheNoiseAndReachesIt(string name)
    {
        (Func<Noisy, Noisy, Noisy> noisy, Func<float, float, float> single) = Formulas[name];
        double worst = 0;
        for (int i = 0; i < Trials; i++)
        {
            float x = (float)(4 + (3.9 * Recipe.Uniform(1, name, 2 * i)));
            float y = (float)(4 + (3.9 * Recipe.Uniform(1, name, (2 * i) + 1)));
            Noisy expected = noisy(new(x, 0, Epsilon), new(y, 0, Epsilon));
            worst = Math.Max(worst, Sheet.Error(single(x, y), expected.Value, expected.In(Epsilon)));
        }

        Assert.InRange(worst, 0.12, 1);
    }

    [Fact]
    public void NoiseThatIsGivenIsHandedOn()
    {
        double given = 1000 * Epsilon;
        foreach ((string name, (Func<Noisy, Noisy, Noisy> noisy, _)) in Formulas.Where(formula => formula.Key != "clamped"))
        {
            for (int i = 0; i < 50; i++)
            {
                double x = 4 + (3.9 * Recipe.Uniform(2, name, 2 * i));
                double y = 4 + (3.9 * Recipe.Uniform(2, name, (2 * i) + 1));
                Noisy expected = noisy(new(x, given, Epsilon), new(y, given, Epsilon));
                foreach ((double sx, double sy) in ((double, double)[])[(1, 1), (1, -1), (-1, 1), (-1, -1)])
                {
                    Noisy moved = noisy(new(x + (sx * given), 0, Epsilon), new(y + (sy * given), 0, Epsilon));
                    Assert.True(Math.Abs(moved.Value - expected.Value) <= expected.In(Epsilon), $"{name} at {x}, {y}");
                }
            }
        }
    }

    [Fact]
    public void WholeNumbersAndHalvesAreExactAndOtherConstantsAreRoundedOnce()
    {
        Assert.Equal(0, ((Noisy)7 + 0.5).In(Epsilon));
        Assert.Equal(0, (new Noisy(12, 0, Epsilon) * 4).In(Epsilon));
        Assert.Equal(0.1 * Epsilon, ((Noisy)0.1).In(Epsilon));
        Assert.Equal(0.1 / 256, ((Noisy)0.1).In(1.0 / 256));
        Assert.Equal(3 * 0.2 * Epsilon, (new Noisy(1, 0, Epsilon) * 0.1 / 0.5).In(Epsilon) - (0.2 * Epsilon), 1e-20);
    }

    [Fact]
    public void TheRightSineAndTheRightLogitHaveTheAlgebrasNoise()
    {
        // As far as first order says: the algebra counts the same roundings, but for a reciprocal.
        Tensor<bool> mask = new([1, 3, 40]);
        Quantity sine = Algebra.SinePosition(new(mask), 64);
        for (int i = 0; i < sine.Tensor.Length; i++)
        {
            (int channel, int row, int column) = (i / 120, i / 40 % 3, i % 40);
            int feature = channel % 32;
            Noisy place = (new Noisy(channel < 32 ? row + 1 : column + 1, 0, Epsilon) - 0.5) / (channel < 32 ? 3 + 1e-6 : 40 + 1e-6) * (2 * Math.PI);
            Noisy argument = place / Noisy.Power(10000, 2.0 * (feature / 2) / 32);
            Noisy own = feature % 2 == 0 ? Noisy.Sin(argument) : Noisy.Cos(argument);
            Assert.Equal(sine.Real.AsReadOnlySpan()[i], own.Value, 1e-13);
            Assert.InRange(own.In(Epsilon) / sine.Noise!.AsReadOnlySpan()[i], 0.9, 1.4);
        }

        Quantity proposals = Algebra.OutputProposals(new(new Tensor<bool>([1, 120])), new(Tensor<long>.FromArray([1, 2], [3, 40])));
        for (int token = 0; token < 120; token++)
        {
            Noisy own = Noisy.Logit((new Noisy(token % 40, 0, Epsilon) + 0.5) / 40);
            Assert.Equal(proposals.Real[0, token, 0], own.Value, 1e-13);
            Assert.InRange(own.In(Epsilon) / proposals.Noise![0, token, 0], 0.9, 1.1);
        }
    }

    private static NoiseAlgebra Algebra => new(new OperatorContext(Kernels.Simd), NoiseUnit.Float32);

    private static float Wave(float x) => (float)Elementary.Sin((double)x);

    private static float Exp(float x) => (float)Elementary.Exp((double)x);

    private static float Log(float x) => (float)Elementary.Log((double)x);
}
