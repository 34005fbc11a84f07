using System.Globalization;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Noise;

// How far runs lie from a value, in units of its noise.
internal static class Spread
{
    public static NoiseAlgebra Noise(Kernels kernels = Kernels.Simd, NoiseUnit? unit = null) =>
        new(new OperatorContext(kernels, 2), unit ?? NoiseUnit.Float32);

    // Our own kernels, and everything that is legal beside them. New ones each time: a context serves one run at a time.
    public static IReadOnlyList<(string Name, Algebra Algebra)> Runs =>
    [
        ("textbook", new ReferenceAlgebra<float>(new OperatorContext(Kernels.Textbook))),
        .. LegalOrders.All.Select(order => (order.Name, (Algebra)new LegalAlgebra(new OperatorContext(Kernels.Simd, 2), order))),
    ];

    public static (double Largest, string Where) Of(Func<Algebra, Quantity> step)
    {
        Quantity expected = step(Noise());
        (double largest, string where) = (0, "");
        foreach ((string name, Algebra algebra) in Runs)
        {
            (double seen, int at) = Of((Tensor<float>)step(algebra).Tensor, expected);
            if (!(seen <= largest))
            {
                string values = at < 0 ? "" : string.Create(
                    CultureInfo.InvariantCulture,
                    $"value {expected.Real.AsReadOnlySpan()[at]:g9}, noise {expected.Noise?.AsReadOnlySpan()[at]:g4}");
                (largest, where) = (seen, $"{name}: element {at} of {expected.Shape}, {values}");
            }
        }

        return (largest, where);
    }

    // The largest quotient; 0 where both are 0, infinite where noise alone is, or where infinities and NaN differ.
    public static (double Largest, int At) Of(Tensor<float> run, Quantity expected)
    {
        Assert.Equal(expected.Shape, run.Shape);
        ReadOnlySpan<double> y = expected.Real.AsReadOnlySpan();
        ReadOnlySpan<double> noise = expected.Noise is null ? new double[y.Length] : expected.Noise.AsReadOnlySpan();
        (double largest, int at) = (0, -1);
        for (int i = 0; i < y.Length; i++)
        {
            Assert.True(noise[i] >= 0, $"noise {noise[i]} at {i}");
            float x = run.AsReadOnlySpan()[i];
            double error = Math.Abs(x - y[i]);
            double quotient = error == 0 || double.IsPositiveInfinity(noise[i]) ? 0
                : double.IsFinite(y[i]) ? error / noise[i]
                : y[i].Equals(x) ? 0 : double.PositiveInfinity;
            if (!(quotient <= largest))
            {
                (largest, at) = (quotient, i);
            }
        }

        return (largest, at);
    }
}
