namespace DeformDetr.Independent;

/// <summary>Convolution as every input pixel's contribution to the outputs that see it, over a picture with its zero frame written out.</summary>
public static class Convolution
{
    public static int OutputSize(int size, int kernel, int stride, int padding, int dilation)
    {
        // Counted: window positions whose last tap still lies on the framed picture.
        int count = 0;
        while ((count * stride) + (dilation * (kernel - 1)) < size + (2 * padding))
        {
            count++;
        }

        return count;
    }

    public static double[] Framed(double[] maps, int count, int height, int width, int padding, double frame = 0)
    {
        int framedHeight = height + (2 * padding);
        int framedWidth = width + (2 * padding);
        double[] framed = new double[count * framedHeight * framedWidth];
        Array.Fill(framed, frame);
        for (int map = 0; map < count; map++)
        {
            for (int row = 0; row < height; row++)
            {
                Array.Copy(maps, ((map * height) + row) * width, framed, (((map * framedHeight) + row + padding) * framedWidth) + padding, width);
            }
        }

        return framed;
    }

    public static Truth Of(
        double[] x, double[] weight, double[]? bias, (int N, int C, int H, int W) size, (int O, int Kh, int Kw) kernel, int stride, int padding, int dilation, int groups)
    {
        double[] framed = Framed(x, size.N * size.C, size.H, size.W, padding);
        int height = size.H + (2 * padding);
        int width = size.W + (2 * padding);
        int outputHeight = OutputSize(size.H, kernel.Kh, stride, padding, dilation);
        int outputWidth = OutputSize(size.W, kernel.Kw, stride, padding, dilation);
        int perGroup = size.C / groups;
        DoubleDouble[] values = new DoubleDouble[size.N * kernel.O * outputHeight * outputWidth];
        double[] magnitudes = new double[values.Length];

        // For one tap of one channel of one kernel: the whole picture, shifted and scaled, is added to the output.
        for (int n = 0; n < size.N; n++)
        {
            for (int o = 0; o < kernel.O; o++)
            {
                int first = ((n * kernel.O) + o) * outputHeight * outputWidth;
                for (int c = 0; c < perGroup; c++)
                {
                    int map = ((n * size.C) + (o / (kernel.O / groups) * perGroup) + c) * height * width;
                    for (int tap = 0; tap < kernel.Kh * kernel.Kw; tap++)
                    {
                        double factor = weight[((((o * perGroup) + c) * kernel.Kh) * kernel.Kw) + tap];
                        int down = tap / kernel.Kw * dilation;
                        int right = tap % kernel.Kw * dilation;
                        for (int pixel = 0; pixel < outputHeight * outputWidth; pixel++)
                        {
                            int iy = (pixel / outputWidth * stride) + down;
                            int ix = (pixel % outputWidth * stride) + right;
                            DoubleDouble product = DoubleDouble.Product(factor, framed[map + (iy * width) + ix]);
                            values[first + pixel] += product;
                            magnitudes[first + pixel] += Math.Abs(product.High);
                        }
                    }
                }

                for (int pixel = 0; bias is not null && pixel < outputHeight * outputWidth; pixel++)
                {
                    values[first + pixel] += bias[o];
                    magnitudes[first + pixel] += Math.Abs(bias[o]);
                }
            }
        }

        return new(values, magnitudes);
    }

    /// <summary>The largest value under each window of a picture framed by −∞.</summary>
    public static double[] LargestUnderWindow(double[] x, int maps, int height, int width, int kernel, int stride, int padding)
    {
        double[] framed = Framed(x, maps, height, width, padding, double.NegativeInfinity);
        int framedHeight = height + (2 * padding);
        int framedWidth = width + (2 * padding);
        int outputHeight = OutputSize(height, kernel, stride, padding, 1);
        int outputWidth = OutputSize(width, kernel, stride, padding, 1);
        double[] values = new double[maps * outputHeight * outputWidth];
        for (int at = 0; at < values.Length; at++)
        {
            int map = at / (outputHeight * outputWidth);
            int top = at / outputWidth % outputHeight * stride;
            int left = at % outputWidth * stride;
            values[at] = Enumerable.Range(0, kernel * kernel)
                .Select(tap => framed[(((map * framedHeight) + top + (tap / kernel)) * framedWidth) + left + (tap % kernel)])
                .Aggregate((best, value) => double.IsNaN(best) || double.IsNaN(value) ? double.NaN : value > best ? value : best);
        }

        return values;
    }
}
