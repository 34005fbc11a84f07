namespace DeformDetr.Independent;

/// <summary>Sums of products without rounding (to 106 bits).</summary>
public static class Products
{
    /// <summary>y[m, n] = Σ_k a[m, k] · b[n, k] + bias[n], one outer product after another.</summary>
    public static Truth OfRows(double[] a, double[] b, double[]? bias, int rows, int columns, int depth)
    {
        DoubleDouble[] values = new DoubleDouble[rows * columns];
        double[] magnitudes = new double[rows * columns];
        for (int at = 0; at < values.Length; at++)
        {
            values[at] = bias is null ? 0.0 : bias[at % columns];
            magnitudes[at] = Math.Abs(values[at].High);
        }

        for (int k = 0; k < depth; k++)
        {
            for (int at = 0; at < values.Length; at++)
            {
                DoubleDouble product = DoubleDouble.Product(a[(at / columns * depth) + k], b[(at % columns * depth) + k]);
                values[at] += product;
                magnitudes[at] += Math.Abs(product.High);
            }
        }

        return new(values, magnitudes);
    }

    /// <summary>The transposed matrix.</summary>
    public static double[] Transposed(double[] matrix, int rows, int columns)
    {
        double[] result = new double[matrix.Length];
        for (int at = 0; at < result.Length; at++)
        {
            result[at] = matrix[(at % rows * columns) + (at / rows)];
        }

        return result;
    }
}
