using System.Globalization;
using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Oracle;

// Errors in noise on a logarithmic scale, from 1/32 of the noise up to a power of ten.
internal readonly struct ErrorScale
{
    public const double Lowest = 1.0 / 32;

    private ErrorScale(double top) => Top = top;

    // A power of ten, at least 100.
    public double Top { get; }

    // Where the noise line is.
    public double Noise => Share(1);

    public static ErrorScale For(IEnumerable<double> errors)
    {
        double most = errors.Where(double.IsFinite).DefaultIfEmpty(0).Max();
        double top = 100;
        while (top < most && top < 1e300)
        {
            top *= 10;
        }

        return new ErrorScale(top);
    }

    // Powers of ten, few enough to be labelled.
    public IEnumerable<double> Ticks(int most)
    {
        int decades = (int)Math.Round(Elementary.Log(Top) / Elementary.Log(10));
        int step = Math.Max(1, (decades + most - 1) / most);
        double tick = 1;
        for (int decade = 0; decade <= decades; decade += step)
        {
            yield return tick;
            for (int times = 0; times < step; times++)
            {
                tick *= 10;
            }
        }
    }

    // From 0 to 1; NaN and infinity are at the top.
    public double Share(double error) =>
        !(error < Top) ? 1 : error <= Lowest ? 0 : Elementary.Log(error / Lowest) / Elementary.Log(Top / Lowest);

    // "1", "100", "1e6".
    public static string Label(double power) => power.ToString(power < 1e4 ? "0" : "0e0", CultureInfo.InvariantCulture);
}
