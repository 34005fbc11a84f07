namespace DeformDetr.Independent;

/// <summary>Normalisations with sums of 106 bits, in two passes.</summary>
public static class Norms
{
    /// <summary>
    /// y = (x − mean) / √(variance + ε) · weight[channelOf(i)] + bias[channelOf(i)] over each run of <paramref name="size"/> elements. A magnitude is what the error of a double-precision
    /// computation is proportional to: the largest |x|, which sets the mean's error, times the factor, and the parts of the result.
    /// </summary>
    public static Truth OfRuns(double[] x, int size, Func<int, int> channelOf, double[] weight, double[] bias, double epsilon)
    {
        DoubleDouble[] values = new DoubleDouble[x.Length];
        double[] magnitudes = new double[x.Length];
        for (int first = 0; first < x.Length; first += size)
        {
            DoubleDouble sum = 0.0;
            double largest = 0;
            for (int i = 0; i < size; i++)
            {
                sum += x[first + i];
                largest = Math.Max(largest, Math.Abs(x[first + i]));
            }

            DoubleDouble mean = sum / size;
            DoubleDouble squares = 0.0;
            for (int i = 0; i < size; i++)
            {
                DoubleDouble deviation = x[first + i] - mean;
                squares += deviation * deviation;
            }

            DoubleDouble deviationOfAll = DoubleDouble.Sqrt((squares / size) + epsilon);
            for (int i = 0; i < size; i++)
            {
                int channel = channelOf(first + i);
                DoubleDouble scaled = (x[first + i] - mean) / deviationOfAll * weight[channel];
                values[first + i] = scaled + bias[channel];
                magnitudes[first + i] = (largest / deviationOfAll.High * Math.Abs(weight[channel])) + Math.Abs(scaled.High) + Math.Abs(bias[channel]);
            }
        }

        return new(values, magnitudes);
    }

    /// <summary>y = (x − mean) / √(variance + ε) · weight + bias with stored statistics: the unfolded form of the original's scale and shift.</summary>
    public static Truth Frozen(double[] x, int channels, int pixels, double[] weight, double[] bias, double[] mean, double[] variance, double epsilon)
    {
        DoubleDouble[] values = new DoubleDouble[x.Length];
        double[] magnitudes = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            int channel = i / pixels % channels;
            DoubleDouble deviation = DoubleDouble.Sqrt((DoubleDouble)variance[channel] + epsilon);
            values[i] = (((DoubleDouble)x[i] - mean[channel]) / deviation * weight[channel]) + bias[channel];
            magnitudes[i] = ((Math.Abs(x[i]) + Math.Abs(mean[channel])) / deviation.High * Math.Abs(weight[channel])) + Math.Abs(bias[channel]);
        }

        return new(values, magnitudes);
    }
}
