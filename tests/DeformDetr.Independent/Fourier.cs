namespace DeformDetr.Independent;

/// <summary>Convolution as a product of spectra: no window is ever placed.</summary>
public static class Fourier
{
    /// <summary>
    /// The convolution of one map with one kernel (cross-correlation, as in networks) with padding and stride 1: the inverse transform of the
    /// product of the map's spectrum with the conjugate of the kernel's, on a torus so large that nothing wraps around.
    /// </summary>
    public static double[] Convolve(double[] map, int height, int width, double[] kernel, int kernelHeight, int kernelWidth, int padding)
    {
        int rows = PowerOfTwo(height + kernelHeight + (2 * padding));
        int columns = PowerOfTwo(width + kernelWidth + (2 * padding));
        (double[] re, double[] im) = Spectrum(map, height, width, padding, rows, columns);
        (double[] kernelRe, double[] kernelIm) = Spectrum(kernel, kernelHeight, kernelWidth, 0, rows, columns);
        for (int i = 0; i < re.Length; i++)
        {
            (re[i], im[i]) = ((re[i] * kernelRe[i]) + (im[i] * kernelIm[i]), (im[i] * kernelRe[i]) - (re[i] * kernelIm[i]));
        }

        Transform(re, im, rows, columns, inverse: true);
        int outputHeight = height + (2 * padding) - kernelHeight + 1;
        int outputWidth = width + (2 * padding) - kernelWidth + 1;
        double[] output = new double[outputHeight * outputWidth];
        for (int i = 0; i < output.Length; i++)
        {
            output[i] = re[(i / outputWidth * columns) + (i % outputWidth)] / (rows * columns);
        }

        return output;
    }

    private static (double[] Re, double[] Im) Spectrum(double[] map, int height, int width, int padding, int rows, int columns)
    {
        double[] re = new double[rows * columns];
        double[] im = new double[rows * columns];
        for (int i = 0; i < height * width; i++)
        {
            re[(((i / width) + padding) * columns) + (i % width) + padding] = map[i];
        }

        Transform(re, im, rows, columns, inverse: false);
        return (re, im);
    }

    private static void Transform(double[] re, double[] im, int rows, int columns, bool inverse)
    {
        for (int row = 0; row < rows; row++)
        {
            Line(re, im, row * columns, 1, columns, inverse);
        }

        for (int column = 0; column < columns; column++)
        {
            Line(re, im, column, columns, rows, inverse);
        }
    }

    // Radix 2, halves first.
    private static void Line(double[] re, double[] im, int first, int step, int count, bool inverse)
    {
        if (count == 1)
        {
            return;
        }

        int half = count / 2;
        Line(re, im, first, 2 * step, half, inverse);
        Line(re, im, first + step, 2 * step, half, inverse);
        double[] lineRe = new double[count];
        double[] lineIm = new double[count];
        for (int k = 0; k < half; k++)
        {
            int even = first + (2 * k * step);
            int odd = even + step;
            (DoubleDouble cosine, DoubleDouble sine) = Root(k, count);
            (double c, double s) = ((double)cosine, inverse ? (double)sine : -(double)sine);
            double turnedRe = (re[odd] * c) - (im[odd] * s);
            double turnedIm = (re[odd] * s) + (im[odd] * c);
            (lineRe[k], lineIm[k]) = (re[even] + turnedRe, im[even] + turnedIm);
            (lineRe[k + half], lineIm[k + half]) = (re[even] - turnedRe, im[even] - turnedIm);
        }

        for (int k = 0; k < count; k++)
        {
            (re[first + (k * step)], im[first + (k * step)]) = (lineRe[k], lineIm[k]);
        }
    }

    // e^(2πi k / count) by halving angles from e^(πi).
    private static (DoubleDouble Cosine, DoubleDouble Sine) Root(int k, int count)
    {
        (DoubleDouble cosine, DoubleDouble sine) = (1.0, 0.0);
        (DoubleDouble stepCosine, DoubleDouble stepSine) = (-1.0, 0.0);
        for (int bit = count / 2; bit > 0; bit /= 2)
        {
            if ((k & bit) != 0)
            {
                (cosine, sine) = ((cosine * stepCosine) - (sine * stepSine), (cosine * stepSine) + (sine * stepCosine));
            }

            DoubleDouble halved = DoubleDouble.Sqrt((stepCosine + 1.0) * 0.5);
            stepSine = DoubleDouble.Sqrt((DoubleDouble.One - stepCosine) * 0.5);
            stepCosine = halved;
        }

        return (cosine, sine);
    }

    private static int PowerOfTwo(int size)
    {
        int power = 1;
        while (power < size)
        {
            power *= 2;
        }

        return power;
    }
}
