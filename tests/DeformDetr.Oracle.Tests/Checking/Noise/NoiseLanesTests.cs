namespace DeformDetr.Oracle.Tests.Checking.Noise;

/// <summary>Eight elements at a time settle as one does.</summary>
public class NoiseLanesTests
{
    private static readonly double[] OddNumbers =
    [
        0, -0.0, 1e-320, 1e-40, -1e-38, 1e-30, 1, -3, 65504, 1e5, float.MaxValue, 1e300, double.PositiveInfinity, double.NegativeInfinity,
        double.NaN,
    ];

    [Fact]
    public void Every_length_has_the_numbers_of_single_elements()
    {
        Random random = new(5);
        foreach (NoiseUnit unit in (NoiseUnit[])[NoiseUnit.Float32, NoiseUnit.Float16, NoiseUnit.BFloat16])
        {
            for (int length = 0; length < 60; length++)
            {
                double[] y = [.. Enumerable.Range(0, length).Select(_ => OddNumbers[random.Next(OddNumbers.Length)])];
                double[] x = [.. Enumerable.Range(0, length).Select(_ => OddNumbers[random.Next(OddNumbers.Length)])];
                float[] sums = [.. x.Select(value => (float)Math.Abs(value))];
                double[] added = [.. Enumerable.Range(0, length).Select(_ => Math.ScaleB(random.NextDouble(), -random.Next(140)))];
                double[] seen = new double[length];

                NoiseLanes.Affine(unit, x, 0.75, 0.0, unit.Epsilon, y, seen);
                Same(i => (Math.Abs(y[i]) * unit.Epsilon) + (Math.Abs(x[i]) * 0.75), unit, y, seen);
                NoiseLanes.Sum(unit, sums, 0.5, added, 7, y, seen);
                Same(i => (sums[i] * 0.5) + added[i] + (Math.Abs(y[i]) * unit.Epsilon), unit, y, seen);
                NoiseLanes.Sum(unit, sums, 0.5, [], 1e-39, y, seen);
                Same(i => (sums[i] * 0.5) + 1e-39 + (Math.Abs(y[i]) * unit.Epsilon), unit, y, seen);

                float[] magnitudes = new float[length];
                NoiseLanes.Magnitudes(x, 3, added, 2, magnitudes);
                Assert.Equal(x.Select((value, i) => (float)((Math.Abs(value) * 3) + (added[i] * 2))), magnitudes);
                NoiseLanes.Magnitudes(x, 3, [], 2, magnitudes);
                Assert.Equal(x.Select(value => (float)(Math.Abs(value) * 3)), magnitudes);
            }
        }
    }

    private static void Same(Func<int, double> noise, NoiseUnit unit, double[] y, double[] seen)
    {
        for (int i = 0; i < y.Length; i++)
        {
            Assert.Equal(unit.Settle(noise(i), y[i]), seen[i]);
        }
    }
}
