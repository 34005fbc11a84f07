namespace DeformDetr.Independent;

/// <summary>
/// The attention core as ordinary attention: every query and head gets a dense row of weights over all tokens, the sum of its samples' one-hot
/// selections of pixels; the output is the product of those rows with the value.
/// </summary>
public static class OneHotAttention
{
    public static double[] Forward(SamplingSizes s, double[] value, double[] locations, double[] weights)
    {
        double[] output = new double[s.N * s.Lq * s.M * s.D];
        for (int item = 0; item < s.N * s.Lq * s.M; item++)
        {
            double[] row = Row(s, locations, weights, item);
            int n = item / s.M / s.Lq;
            int m = item % s.M;
            for (int token = 0; token < s.S; token++)
            {
                for (int d = 0; d < s.D; d++)
                {
                    output[(item * s.D) + d] += row[token] * value[(((((n * s.S) + token) * s.M) + m) * s.D) + d];
                }
            }
        }

        return output;
    }

    // A sample between pixels selects each of them by a share: how much of the unit square around the sample lies in the pixel's cell. A square
    // that sticks out of the map selects nothing there.
    private static double[] Row(SamplingSizes s, double[] locations, double[] weights, int item)
    {
        double[] row = new double[s.S];
        for (int sample = item * s.L * s.P; sample < (item + 1) * s.L * s.P; sample++)
        {
            Level level = s.Levels[sample / s.P % s.L];

            // In cells of the map: pixel i covers [i, i + 1].
            double x = locations[2 * sample] * level.Width;
            double y = locations[(2 * sample) + 1] * level.Height;
            for (int cell = 0; cell < level.Cells; cell++)
            {
                double across = Overlap(x, cell % level.Width);
                double along = Overlap(y, cell / level.Width);
                row[level.Start + cell] += weights[sample] * across * along;
            }
        }

        return row;
    }

    private static double Overlap(double centre, int cell) =>
        Math.Max(0, Math.Min(centre + 0.5, cell + 1) - Math.Max(centre - 0.5, cell));
}
