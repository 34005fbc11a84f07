namespace DeformDetr.Independent;

/// <summary>The sizes of a call of the attention core: N, Lq, M, D, P and the levels.</summary>
public sealed record SamplingSizes(int N, int Lq, int M, int D, int P, Level[] Levels)
{
    public int L => Levels.Length;

    public int S => Level.Tokens(Levels);
}

/// <summary>
/// The attention core as a sum over all pixels of every level: pixel i contributes max(0, 1 - |px - i|) of itself in each direction. No floor, no
/// corners, no border: outside the map there is simply no pixel.
/// </summary>
public static class DeformableSampling
{
    /// <summary>Output, and per element the sum of |weight · tent · value|.</summary>
    public static (double[] Output, double[] Magnitude) Forward(SamplingSizes s, double[] value, double[] locations, double[] weights)
    {
        double[] output = new double[s.N * s.Lq * s.M * s.D];
        double[] magnitude = new double[output.Length];
        Visit(s, locations, (n, q, m, sample, token, tentX, tentY, _, _, _) =>
        {
            for (int d = 0; d < s.D; d++)
            {
                double term = weights[sample] * (tentX * tentY) * value[(((((n * s.S) + token) * s.M) + m) * s.D) + d];
                int at = (((((n * s.Lq) + q) * s.M) + m) * s.D) + d;
                output[at] += term;
                magnitude[at] += Math.Abs(term);
            }
        });
        return (output, magnitude);
    }

    /// <summary>Per output element an allowance for pixel coordinates that are rounded to double: a step of one ulp moves the tent a little.</summary>
    public static double[] GeometryAllowance(SamplingSizes s, double[] value, double[] weights)
    {
        double[] allowance = new double[s.N * s.Lq * s.M * s.D];
        for (int item = 0; item < s.N * s.Lq * s.M; item++)
        {
            int n = item / s.M / s.Lq;
            int m = item % s.M;
            for (int l = 0; l < s.L; l++)
            {
                double weight = 0;
                for (int p = 0; p < s.P; p++)
                {
                    weight += Math.Abs(weights[(((item * s.L) + l) * s.P) + p]);
                }

                for (int d = 0; d < s.D; d++)
                {
                    double largest = 0;
                    for (int cell = 0; cell < s.Levels[l].Cells; cell++)
                    {
                        largest = Math.Max(largest, Math.Abs(value[(((((n * s.S) + s.Levels[l].Start + cell) * s.M) + m) * s.D) + d]));
                    }

                    allowance[(item * s.D) + d] += Math.ScaleB(weight * largest * (s.Levels[l].Width + s.Levels[l].Height + 4) * 8, -53);
                }
            }
        }

        return allowance;
    }

    /// <summary>Gradients of Σ g · output. On a whole pixel the tent's slope is the one to the right of (below) it.</summary>
    public static (double[] Value, double[] Locations, double[] Weights) Backward(SamplingSizes s, double[] value, double[] locations, double[] weights, double[] g)
    {
        double[] gradValue = new double[value.Length];
        double[] gradLocations = new double[locations.Length];
        double[] gradWeights = new double[weights.Length];
        Visit(s, locations, (n, q, m, sample, token, tentX, tentY, slopeX, slopeY, level) =>
        {
            double product = 0;
            for (int d = 0; d < s.D; d++)
            {
                double gradient = g[(((((n * s.Lq) + q) * s.M) + m) * s.D) + d];
                int at = (((((n * s.S) + token) * s.M) + m) * s.D) + d;
                product += gradient * value[at];
                gradValue[at] += weights[sample] * (tentX * tentY) * gradient;
            }

            gradWeights[sample] += tentX * tentY * product;
            gradLocations[2 * sample] += weights[sample] * level.Width * slopeX * tentY * product;
            gradLocations[(2 * sample) + 1] += weights[sample] * level.Height * tentX * slopeY * product;
        });
        return (gradValue, gradLocations, gradWeights);
    }

    /// <summary>Where the samples lie: reference + offset / (W, H) for points, (cx, cy) + offset / P · (w, h) / 2 for boxes.</summary>
    public static double[] Locations(SamplingSizes s, double[] references, int size, double[] offsets)
    {
        double[] locations = new double[offsets.Length];
        for (int sample = 0; sample < offsets.Length / 2; sample++)
        {
            int l = sample / s.P % s.L;
            int query = sample / s.P / s.L / s.M;
            int reference = ((query * s.L) + l) * size;
            double unitX = size == 2 ? 1.0 / s.Levels[l].Width : references[reference + 2] / (2 * s.P);
            double unitY = size == 2 ? 1.0 / s.Levels[l].Height : references[reference + 3] / (2 * s.P);
            locations[2 * sample] = references[reference] + (offsets[2 * sample] * unitX);
            locations[(2 * sample) + 1] = references[reference + 1] + (offsets[(2 * sample) + 1] * unitY);
        }

        return locations;
    }

    private delegate void Contribution(
        int n, int q, int m, int sample, int token, double tentX, double tentY, double slopeX, double slopeY, Level level);

    private static void Visit(SamplingSizes s, double[] locations, Contribution contribution)
    {
        for (int sample = 0; sample < s.N * s.Lq * s.M * s.L * s.P; sample++)
        {
            int l = sample / s.P % s.L;
            int m = sample / s.P / s.L % s.M;
            int q = sample / s.P / s.L / s.M % s.Lq;
            int n = sample / s.P / s.L / s.M / s.Lq;
            Level level = s.Levels[l];
            double px = (locations[2 * sample] * level.Width) - 0.5;
            double py = (locations[(2 * sample) + 1] * level.Height) - 0.5;
            for (int row = 0; row < level.Height; row++)
            {
                (double tentY, double slopeY) = Tent(py - row);
                for (int column = 0; column < level.Width; column++)
                {
                    (double tentX, double slopeX) = Tent(px - column);
                    if (tentX != 0 || tentY != 0 || slopeX != 0 || slopeY != 0)
                    {
                        contribution(n, q, m, sample, level.Start + (row * level.Width) + column, tentX, tentY, slopeX, slopeY, level);
                    }
                }
            }
        }
    }

    private static (double Height, double Slope) Tent(double x) => (Math.Max(0, 1 - Math.Abs(x)), x >= -1 && x < 0 ? 1 : x >= 0 && x < 1 ? -1 : 0);
}
