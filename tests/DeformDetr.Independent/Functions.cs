namespace DeformDetr.Independent;

/// <summary>Functions of one number or of a row, by series.</summary>
public static class Functions
{
    public static DoubleDouble Sigmoid(double x) =>
        x >= 0
            ? DoubleDouble.One / (DoubleDouble.One + DoubleDouble.Exp(-x))
            : DoubleDouble.Exp(x) / (DoubleDouble.One + DoubleDouble.Exp(x));

    /// <summary>x · Φ(x), Φ by the series of erf.</summary>
    public static DoubleDouble Gelu(double x) => (DoubleDouble)x * (DoubleDouble.One + DoubleDouble.Erf((DoubleDouble)x / DoubleDouble.Sqrt(2.0))) * 0.5;

    /// <summary>log p − log q: two logarithms where the operator takes one of the quotient.</summary>
    public static DoubleDouble InverseSigmoid(double x, double epsilon)
    {
        DoubleDouble p = x < 0 ? 0.0 : x > 1 ? 1.0 : x;
        DoubleDouble q = DoubleDouble.One - p;
        return DoubleDouble.Log(p < epsilon ? epsilon : p) - DoubleDouble.Log(q < epsilon ? epsilon : q);
    }

    /// <summary>exp(x − log Σ exp x): the logarithm of the sum, not a division by it. A magnitude is the value times what its exponent's rounding multiplies it by.</summary>
    public static Truth Softmax(double[] x, int channels)
    {
        DoubleDouble[] values = new DoubleDouble[x.Length];
        double[] magnitudes = new double[x.Length];
        for (int first = 0; first < x.Length; first += channels)
        {
            double[] row = x[first..(first + channels)];
            double shift = row.Order().Last();
            DoubleDouble sum = 0.0;
            foreach (double value in row)
            {
                sum += DoubleDouble.Exp((DoubleDouble)value - shift);
            }

            DoubleDouble logOfSum = DoubleDouble.Log(sum) + shift;
            for (int channel = 0; channel < channels; channel++)
            {
                values[first + channel] = DoubleDouble.Exp(row[channel] - logOfSum);
                magnitudes[first + channel] = values[first + channel].High * (1 + Math.Min(800, shift - row[channel]));
            }
        }

        return new(values, magnitudes);
    }

    /// <summary>Σ over the first i + 1 elements, each sum from the start again.</summary>
    public static Truth PrefixSums(double[] x, int size, int inner)
    {
        DoubleDouble[] values = new DoubleDouble[x.Length];
        double[] magnitudes = new double[x.Length];
        for (int at = 0; at < x.Length; at++)
        {
            for (int back = 0; back <= at / inner % size; back++)
            {
                values[at] += x[at - (back * inner)];
                magnitudes[at] += Math.Abs(x[at - (back * inner)]);
            }
        }

        return new(values, magnitudes);
    }

    /// <summary>start · (1 − i / (steps − 1)) + end · i / (steps − 1).</summary>
    public static DoubleDouble[] Linspace(double start, double end, int steps) =>
        [.. Enumerable.Range(0, steps).Select(i => steps == 1 ? start : (((DoubleDouble)start * (steps - 1 - i)) + ((DoubleDouble)end * i)) / (steps - 1))];
}
