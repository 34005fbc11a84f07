namespace DeformDetr.Independent;

/// <summary>What acts on rows: linear maps, norms, softmax, activations, ordinary attention.</summary>
public static class Dense
{
    public static double[] Linear(double[] x, double[] weight, double[] bias)
    {
        int outputs = bias.Length;
        int inputs = weight.Length / outputs;
        double[] y = new double[x.Length / inputs * outputs];
        for (int at = 0; at < y.Length; at++)
        {
            int row = at / outputs;
            int o = at % outputs;
            double sum = bias[o];
            for (int i = inputs - 1; i >= 0; i--)
            {
                sum += weight[(o * inputs) + i] * x[(row * inputs) + i];
            }

            y[at] = sum;
        }

        return y;
    }

    public static double[] LayerNorm(double[] x, double[] gamma, double[] beta)
    {
        int channels = gamma.Length;
        double[] y = new double[x.Length];
        for (int row = 0; row < x.Length / channels; row++)
        {
            double[] values = x[(row * channels)..((row + 1) * channels)];
            double mean = values.Sum() / channels;
            double variance = values.Sum(v => (v - mean) * (v - mean)) / channels;
            for (int c = 0; c < channels; c++)
            {
                y[(row * channels) + c] = ((values[c] - mean) / Math.Sqrt(variance + 1e-5) * gamma[c]) + beta[c];
            }
        }

        return y;
    }

    public static double[] Softmax(double[] x, int width)
    {
        double[] y = new double[x.Length];
        for (int at = 0; at < x.Length; at++)
        {
            int row = at / width * width;
            double sum = 0;
            for (int other = row; other < row + width; other++)
            {
                sum += Math.Exp(x[other] - x[at]);
            }

            y[at] = 1 / sum;
        }

        return y;
    }

    public static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (left, right) => left + right)];

    public static double[] Relu(double[] x) => [.. x.Select(v => v > 0 ? v : 0)];

    // erf by its Taylor series, whose terms cancel: good to 1e-10 for |x| up to 5.
    public static double[] Gelu(double[] x) => [.. x.Select(v => 0.5 * v * (1 + Erf(v / Math.Sqrt(2))))];

    public static double[] Sigmoid(double[] x) => [.. x.Select(v => 1 / (1 + Math.Exp(-v)))];

    /// <summary>torch.nn.MultiheadAttention, batch first: query, key [N, length, C] and value; packed weights as rows of q, k, v.</summary>
    public static double[] MultiHead(
        int n, int heads, double[] query, double[] key, double[] value, double[] inWeight, double[] inBias, double[] outWeight, double[] outBias)
    {
        int c = outBias.Length;
        int d = c / heads;
        double[] q = Linear(query, inWeight[..(c * c)], inBias[..c]);
        double[] k = Linear(key, inWeight[(c * c)..(2 * c * c)], inBias[c..(2 * c)]);
        double[] v = Linear(value, inWeight[(2 * c * c)..], inBias[(2 * c)..]);
        int queries = query.Length / n / c;
        int keys = key.Length / n / c;
        double[] read = new double[query.Length];
        for (int b = 0; b < n; b++)
        {
            for (int m = 0; m < heads; m++)
            {
                for (int i = 0; i < queries; i++)
                {
                    double[] scores = new double[keys];
                    for (int j = 0; j < keys; j++)
                    {
                        for (int e = 0; e < d; e++)
                        {
                            scores[j] += q[(((b * queries) + i) * c) + (m * d) + e] * k[(((b * keys) + j) * c) + (m * d) + e] / Math.Sqrt(d);
                        }
                    }

                    double[] share = Softmax(scores, keys);
                    for (int j = 0; j < keys; j++)
                    {
                        for (int e = 0; e < d; e++)
                        {
                            read[(((b * queries) + i) * c) + (m * d) + e] += share[j] * v[(((b * keys) + j) * c) + (m * d) + e];
                        }
                    }
                }
            }
        }

        return Linear(read, outWeight, outBias);
    }

    private static double Erf(double x)
    {
        double term = x;
        double sum = x;
        for (int k = 1; k < 200; k++)
        {
            term *= -x * x / k;
            sum += term / ((2 * k) + 1);
        }

        return 2 / Math.Sqrt(Math.PI) * sum;
    }
}
