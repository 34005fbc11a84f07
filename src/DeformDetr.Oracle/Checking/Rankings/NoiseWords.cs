using System.Globalization;

namespace DeformDetr.Oracle;

// Numbers in sentences about noise.
internal static class NoiseWords
{
    // "0.8", "12", "1 200", "4.1e9".
    public static string Count(double noises)
    {
        if (!double.IsFinite(noises) || noises >= 1e9)
        {
            return double.IsFinite(noises) ? noises.ToString("0.0e0", CultureInfo.InvariantCulture)
                : double.IsNaN(noises) ? "NaN" : "∞";
        }

        if (noises < 1000)
        {
            return noises.ToString(noises < 10 ? "0.0#" : "0", CultureInfo.InvariantCulture);
        }

        double rounded = double.Parse(noises.ToString("E1", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        return rounded.ToString("#,0", CultureInfo.InvariantCulture).Replace(',', ' ');
    }

    // A gap in noise; where there is none, as it is.
    public static string Gap(double gap, double noise) => noise > 0 ? $"{Count(gap / noise)} noise" : $"{Number(gap)} (without noise)";

    public static string Number(double value) => value.ToString("G5", CultureInfo.InvariantCulture);

    // Before a sentence, where there are several pictures.
    public static string Picture(int n, int of) => of == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"picture {n}: ");
}
