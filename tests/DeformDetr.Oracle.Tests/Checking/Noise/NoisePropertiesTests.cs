using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;

namespace DeformDetr.Oracle.Tests.Checking.Noise;

/// <summary>Noise has no scale of its own, follows through chains, and is never NaN.</summary>
public class NoisePropertiesTests
{
    [Fact]
    public void Scaling_by_powers_of_two_leaves_the_quotients_bits() =>
        Holds(
            from seed in Gen.Choose(0, 100_000)
            from kind in Gen.Choose(0, 3)
            from one in Gen.Choose(-25, 25)
            from two in Gen.Choose(-25, 25)
            select (seed, kind, one, two),
            drawn =>
            {
                (int seed, int kind, int one, int two) = drawn;
                Assert.Equal(Quotients(seed, kind, 0, 0), Quotients(seed, kind, one, two));
            });

    [Fact]
    public void Input_noise_covers_what_moves_by_it() =>
        Holds(
            from seed in Gen.Choose(0, 100_000)
            from kind in Gen.Choose(0, Chains.Length - 1)
            from size in Gen.Choose(-16, -8)
            select (seed, kind, size),
            drawn =>
            {
                (int seed, int kind, int size) = drawn;
                Draws draws = new(seed);
                Tensor<float> x = draws.Normal([6, 24]);
                Tensor<double> noise = new(x.Shape);
                Tensor<float> moved = new(x.Shape);
                for (int i = 0; i < x.Length; i++)
                {
                    noise.AsSpan()[i] = Math.ScaleB(Math.Abs(x.AsSpan()[i]) + 0.1, size);
                    moved.AsSpan()[i] = (float)(x.AsSpan()[i] + (noise.AsSpan()[i] * 0.99 * (draws.Whole(0, 1) == 0 ? 1 : -1)));
                }

                Func<Algebra, Quantity, Quantity> chain = Chains[kind](draws);
                NoiseAlgebra algebra = Spread.Noise();
                Quantity expected = chain(algebra, new Quantity(algebra.Given(x).Tensor, noise));
                foreach ((string name, Algebra run) in Spread.Runs)
                {
                    (double largest, int at) = Spread.Of((Tensor<float>)chain(run, run.Given(moved)).Tensor, expected);

                    // First order: what is left out is small against it.
                    Assert.True(largest <= 1 + Math.ScaleB(8, size), $"chain {kind}, {name}: {largest} at {at}");
                }
            });

    [Fact]
    public void Noise_is_never_NaN_and_infinities_have_none()
    {
        float[] odd =
            [0, -0f, float.Epsilon, float.MaxValue, float.MinValue, float.PositiveInfinity, float.NegativeInfinity, float.NaN, 1, -1];
        Draws draws = new(3);
        foreach (NoiseUnit unit in (NoiseUnit[])[NoiseUnit.Float32, NoiseUnit.Float16, NoiseUnit.BFloat16])
        {
            for (int round = 0; round < 50; round++)
            {
                Tensor<float> x = draws.Fill([3, 4], () => odd[draws.Whole(0, odd.Length - 1)]);
                Tensor<float> y = draws.Fill([3, 4], () => odd[draws.Whole(0, odd.Length - 1)]);
                Tensor<float> row = draws.Fill([4], () => odd[draws.Whole(0, odd.Length - 1)]);
                NoiseAlgebra a = Spread.Noise(Kernels.Simd, unit);
                (Quantity one, Quantity two, Quantity all) = (a.Given(x), a.Given(y), a.Given(row));
                Tensor<double> noise = new([3, 4]);
                noise.AsSpan().Fill(1e-7);
                foreach (Quantity from in (Quantity[])[one, new Quantity(one.Tensor, noise)])
                {
                    Whole(a.Add(from, two));
                    Whole(a.Subtract(from, two));
                    Whole(a.Multiply(from, two));
                    Whole(a.Divide(from, two));
                    Whole(a.Relu(from));
                    Whole(a.Gelu(from));
                    Whole(a.Sigmoid(from));
                    Whole(a.InverseSigmoid(from));
                    Whole(a.Softmax(from));
                    Whole(a.Linear(from, two, null));
                    Whole(a.LayerNorm(from, all, all));
                    Whole(a.RefineBoxes(a.Reshape(from, [1, 3, 4]), a.Reshape(two, [1, 3, 4])));
                    Whole(a.FrozenBatchNorm(a.Reshape(from, [1, 4, 3, 1]), all, all, all, a.Multiply(all, all)));
                }
            }
        }

        static void Whole(Quantity result)
        {
            for (int i = 0; i < result.Tensor.Length; i++)
            {
                double noise = result.Noise?.AsReadOnlySpan()[i] ?? 0;
                Assert.True(noise >= 0);
                Assert.True(double.IsFinite(result.Real.AsReadOnlySpan()[i]) || noise == 0);
            }
        }
    }

    [Fact]
    public void Noise_lifts_a_number_over_the_corner_of_a_ReLU()
    {
        NoiseAlgebra a = Spread.Noise();
        Quantity x = new(Tensor<double>.Create([4], [-3, -1, 1, 3]), Tensor<double>.Create([4], [2, 2, 2, 2]));
        Assert.Equal([0.0, 1, 2, 2], a.Relu(x).Noise!.AsReadOnlySpan().ToArray());
    }

    [Fact]
    public void Half_precision_has_its_own_epsilon_and_range()
    {
        Tensor<float> x = Tensor<float>.Create([5], [1, 1e-6f, 60000, 65519, 70000]);
        NoiseAlgebra a = Spread.Noise(Kernels.Simd, NoiseUnit.Float16);
        double[] noise = a.Add(a.Given(x), a.Given(new Tensor<float>([5]))).Noise!.AsReadOnlySpan().ToArray();
        Assert.Equal(Math.ScaleB(1, -11), noise[0], Math.ScaleB(1, -24));
        Assert.Equal(Math.ScaleB(1, -25), noise[1], Math.ScaleB(1, -30));
        Assert.True(double.IsFinite(noise[2]));
        Assert.Equal(double.PositiveInfinity, noise[3]);
        Assert.Equal(double.PositiveInfinity, noise[4]);
    }

    private static double[] Quotients(int seed, int kind, int one, int two)
    {
        Draws draws = new(seed);
        Tensor<float> x = draws.Any([6, 40], Math.ScaleB(1, one));
        Tensor<float> weight = draws.Any([5, 40], Math.ScaleB(1, two));
        Tensor<float> bias = draws.Any([5], Math.ScaleB(1, one + two));
        Func<Algebra, Quantity> step = kind switch
        {
            0 => a => a.Linear(a.Given(x), a.Given(weight), a.Given(bias)),
            1 => a => a.Conv2d(
                a.Reshape(a.Given(x), [1, 4, 6, 10]), a.Reshape(a.Given(weight), [5, 4, 5, 2]), a.Given(bias), new Conv2dWindow(1, 1)),
            2 => a => a.MatMul(a.Given(x), a.Given(weight), transposed: true),
            _ => a => a.Multiply(a.Given(x), a.Add(a.Given(x), a.Given(x))),
        };
        Quantity expected = step(Spread.Noise());
        Tensor<float> run = (Tensor<float>)step(Spread.Runs[2].Algebra).Tensor;
        double[] quotients = new double[run.Length];
        for (int i = 0; i < run.Length; i++)
        {
            // Near the end of float32's range the floor counts, and products lose bits.
            bool inRange = Math.Abs(expected.Real.AsReadOnlySpan()[i]) > Math.ScaleB(1, (kind == 3 ? 2 * one : one + two) - 16);
            double error = run.AsReadOnlySpan()[i] - expected.Real.AsReadOnlySpan()[i];
            quotients[i] = inRange ? error / expected.Noise!.AsReadOnlySpan()[i] : 0;
        }

        return quotients;
    }

    private static Func<Draws, Func<Algebra, Quantity, Quantity>>[] Chains { get; } =
    [
        draws => With(draws.Normal([10, 24]), (a, x, weight) => a.Gelu(a.Linear(x, weight, null))),
        draws => With(draws.Normal([10, 24]), (a, x, weight) => a.Softmax(a.Linear(x, weight, null))),
        draws => With(draws.Normal([24]), (a, x, weight) => a.LayerNorm(a.Relu(x), weight, weight)),
        draws => With(draws.Normal([24]), (a, x, weight) => a.Sigmoid(a.LayerNorm(x, weight, weight))),
        draws => With(draws.Normal([24]), (a, x, weight) => a.Multiply(a.Sigmoid(x), a.Add(x, weight))),
        draws => With(draws.Normal([24]), (a, x, weight) => a.InverseSigmoid(a.Sigmoid(a.Add(x, weight)))),
        draws => With(draws.Normal([24]), (a, x, _) => a.MatMul(x, x, transposed: true)),
        draws => With(draws.Normal([4]), (a, x, weight) => a.GroupNorm(a.Reshape(x, [1, 4, 6, 6]), 2, weight, weight)),
        draws => With(draws.Normal([24]), (a, x, _) => a.ProposalPosition(a.Reshape(x, [1, 36, 4]))),
        draws => With(draws.Normal([24]), (a, x, _) => a.MaxPool2d(a.Relu(a.Reshape(x, [1, 4, 6, 6])), 3, 2, 1)),
        draws => With(draws.Fill([24], () => 1 + draws.Real(0, 1)), (a, x, weight) => a.Divide(x, weight)),
        draws => With(draws.Fill([1, 6, 1, 1, 4, 2], () => draws.Real(0, 1)), (a, x, locations) => a.Sample(
            a.Reshape(x, [1, 36, 1, 4]), a.Given(Tensor<long>.Create([1, 2], [4, 9])), a.Given(new Tensor<long>([1])), locations,
            a.Softmax(a.Reshape(a.Pick(x, 1, 0, 1, 2, 3), [1, 6, 1, 1, 4])))),
        draws => With(draws.Normal([1, 60, 1, 8]), (a, x, value) => a.Sample(
            value, a.Given(Tensor<long>.Create([1, 2], [6, 10])), a.Given(new Tensor<long>([1])),
            a.Sigmoid(a.Reshape(x, [1, 18, 1, 1, 4, 2])), a.Given(draws.Fill([1, 18, 1, 1, 4], () => 0.25)))),
    ];

    private static Func<Algebra, Quantity, Quantity> With(Tensor<float> other, Func<Algebra, Quantity, Quantity, Quantity> chain) =>
        (a, x) => chain(a, x, a.Given(other));

    private static void Holds<TCase>(Gen<TCase> cases, Action<TCase> property, int tests = 200) =>
        Prop.ForAll(Arb.From(cases), property).Check(
            Config.QuickThrowOnFailure.WithMaxTest(tests).WithReplay(
                FSharpOption<Replay>.Some(new Replay(new Rnd(2025, 4051), FSharpOption<int>.None))));
}
