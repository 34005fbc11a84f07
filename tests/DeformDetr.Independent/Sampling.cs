namespace DeformDetr.Independent;

/// <summary>Reading of maps between pixels, and pixels chosen by a ratio.</summary>
public static class Sampling
{
    /// <summary>
    /// Bilinear sampling as a sum over all pixels of the map, each weighted by a tent of width 2 around the place: max(0, 1 − |px − ix|) · max(0, 1 − |py − iy|). No floor, no corner, no border case.
    /// </summary>
    public static Truth Tents(double[] x, double[] grid, int n, int channels, int height, int width, int places, bool alignCorners)
    {
        DoubleDouble[] values = new DoubleDouble[n * channels * places];
        double[] magnitudes = new double[values.Length];
        for (int at = 0; at < values.Length; at++)
        {
            int place = (at / (channels * places) * places) + (at % places);
            DoubleDouble px = Pixel(grid[2 * place], width, alignCorners);
            DoubleDouble py = Pixel(grid[(2 * place) + 1], height, alignCorners);
            double largest = 0;
            for (int pixel = 0; pixel < height * width; pixel++)
            {
                double value = x[(at / places * height * width) + pixel];
                values[at] += Tent(px - (pixel % width)) * Tent(py - (pixel / width)) * value;
                largest = Math.Max(largest, Math.Abs(value));
            }

            // The place is known to a rounding of its own size.
            magnitudes[at] = largest * (2 + Math.Abs(px.High) + Math.Abs(py.High) + width + height);
        }

        return new(values, magnitudes);
    }

    /// <summary>PyTorch's "nearest" as the original runs it: the ratio, then the product, each rounded to float32, and a floor.</summary>
    public static int Nearest(int index, int from, int to)
    {
        float ratio = (float)((double)from / to);
        float place = (float)((double)index * ratio);
        int floor = 0;
        while (floor + 1 <= place)
        {
            floor++;
        }

        return floor < from ? floor : from - 1;
    }

    private static DoubleDouble Tent(DoubleDouble distance)
    {
        DoubleDouble height = DoubleDouble.One - DoubleDouble.Abs(distance);
        return height.High > 0 ? height : 0.0;
    }

    // -1 and 1 are centres of the corner pixels (aligned) or outer edges, half a pixel further out.
    private static DoubleDouble Pixel(double place, int size, bool alignCorners)
    {
        DoubleDouble fraction = ((DoubleDouble)place + 1.0) * 0.5;
        return alignCorners ? fraction * (size - 1) : (fraction * size) - 0.5;
    }
}
