namespace DeformDetr.Independent;

/// <summary>A batch of maps [N, C, H, W] and what a backbone does with it.</summary>
public sealed record Maps(int N, int C, int H, int W, double[] Values)
{
    public Maps Convolve(double[] weight, double[]? bias, int outputs, int kernel, int stride = 1, int padding = 0, int dilation = 1)
    {
        int height = ((H + (2 * padding) - (dilation * (kernel - 1)) - 1) / stride) + 1;
        int width = ((W + (2 * padding) - (dilation * (kernel - 1)) - 1) / stride) + 1;
        double[] result = new double[N * outputs * height * width];
        for (int at = 0; at < result.Length; at++)
        {
            (int n, int o, int i, int j) = (at / width / height / outputs, at / width / height % outputs, at / width % height, at % width);
            double sum = bias is null ? 0 : bias[o];
            for (int c = 0; c < C; c++)
            {
                for (int u = 0; u < kernel; u++)
                {
                    for (int v = 0; v < kernel; v++)
                    {
                        sum += weight[(((((o * C) + c) * kernel) + u) * kernel) + v] * At(n, c, (i * stride) - padding + (u * dilation), (j * stride) - padding + (v * dilation));
                    }
                }
            }

            result[at] = sum;
        }

        return new Maps(N, outputs, height, width, result);
    }

    public Maps FrozenNorm(double[] weight, double[] bias, double[] mean, double[] variance) =>
        Each((value, _, c) => ((value - mean[c]) / Math.Sqrt(variance[c] + 1e-5) * weight[c]) + bias[c]);

    public Maps GroupNorm(int groups, double[] weight, double[] bias)
    {
        int size = C / groups * H * W;
        double[] means = new double[N * groups];
        double[] variances = new double[N * groups];
        for (int group = 0; group < means.Length; group++)
        {
            double[] values = Values[(group * size)..((group + 1) * size)];
            means[group] = values.Sum() / size;
            variances[group] = values.Sum(v => (v - means[group]) * (v - means[group])) / size;
        }

        return Each((value, n, c) =>
        {
            int group = (n * groups) + (c / (C / groups));
            return ((value - means[group]) / Math.Sqrt(variances[group] + 1e-5) * weight[c]) + bias[c];
        });
    }

    public Maps Relu() => Each((value, _, _) => value > 0 ? value : 0);

    public Maps Plus(Maps other) => this with { Values = Dense.Add(Values, other.Values) };

    // 3 x 3, stride 2, padding 1
    public Maps MaxPool()
    {
        int height = ((H - 1) / 2) + 1;
        int width = ((W - 1) / 2) + 1;
        double[] result = new double[N * C * height * width];
        for (int at = 0; at < result.Length; at++)
        {
            (int n, int c, int i, int j) = (at / width / height / C, at / width / height % C, at / width % height, at % width);
            double largest = double.NegativeInfinity;
            for (int row = Math.Max(0, (2 * i) - 1); row <= Math.Min(H - 1, (2 * i) + 1); row++)
            {
                for (int column = Math.Max(0, (2 * j) - 1); column <= Math.Min(W - 1, (2 * j) + 1); column++)
                {
                    largest = Math.Max(largest, At(n, c, row, column));
                }
            }

            result[at] = largest;
        }

        return new Maps(N, C, height, width, result);
    }

    /// <summary>[N, C, H, W] to tokens [N, H·W, C].</summary>
    public double[] Tokens()
    {
        double[] tokens = new double[Values.Length];
        for (int at = 0; at < tokens.Length; at++)
        {
            (int n, int cell, int c) = (at / C / (H * W), at / C % (H * W), at % C);
            tokens[at] = Values[(((n * C) + c) * H * W) + cell];
        }

        return tokens;
    }

    private double At(int n, int c, int row, int column) =>
        row >= 0 && row < H && column >= 0 && column < W ? Values[(((((n * C) + c) * H) + row) * W) + column] : 0;

    private Maps Each(Func<double, int, int, double> function)
    {
        double[] result = new double[Values.Length];
        for (int at = 0; at < result.Length; at++)
        {
            result[at] = function(Values[at], at / (C * H * W), at / (H * W) % C);
        }

        return this with { Values = result };
    }
}
