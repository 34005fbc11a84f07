using System.Numerics;

namespace DeformDetr.Tensors.Tests.Support;

/// <summary>The written order of sums (design, Numerics 1) as scalar loops: what Simd bodies must equal bit for bit.</summary>
internal static class Contract
{
    /// <summary>k ascending by fused multiply-add in blocks of 256 from zero, block sums added in ascending order, bias last.</summary>
    public static T Dot<T>(int depth, Func<int, T> a, Func<int, T> b, T? bias)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T total = T.Zero;
        for (int block = 0; block < depth || block == 0; block += 256)
        {
            T sum = T.Zero;
            for (int k = block; k < Math.Min(depth, block + 256); k++)
            {
                sum = T.FusedMultiplyAdd(a(k), b(k), sum);
            }

            total = block == 0 ? sum : total + sum;
        }

        return bias is null ? total : total + bias.Value;
    }

    public static Tensor<T> Product<T>(Tensor<T> a, Tensor<T> b, Tensor<T>? bias)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int rows = a.Shape[0];
        int depth = a.Shape[1];
        int columns = b.Shape[0];
        T[] x = a.AsReadOnlySpan().ToArray();
        T[] w = b.AsReadOnlySpan().ToArray();
        Tensor<T> output = new([rows, columns]);
        for (int i = 0; i < output.Length; i++)
        {
            int row = i / columns * depth;
            int column = i % columns * depth;
            output.AsSpan()[i] = Dot(depth, k => x[row + k], k => w[column + k], bias is null ? null : bias.AsReadOnlySpan()[i % columns]);
        }

        return output;
    }

    /// <summary>Element j to accumulator j mod 16, then i + (i + 8), + 4, + 2, + 1.</summary>
    public static double RowSum(int length, Func<int, double, double> add)
    {
        double[] sums = new double[16];
        for (int j = 0; j < length; j++)
        {
            sums[j % 16] = add(j, sums[j % 16]);
        }

        double[] eight = [.. Enumerable.Range(0, 8).Select(i => sums[i] + sums[i + 8])];
        double[] four = [.. Enumerable.Range(0, 4).Select(i => eight[i] + eight[i + 4])];
        return (four[0] + four[2]) + (four[1] + four[3]);
    }
}
