using System.Globalization;

namespace DeformDetr.Oracle;

// Numbers of a check for people.
internal static class CheckNumbers
{
    // An error in units of noise. What is beyond 1 never reads as 1.
    public static string Noise(double value) => value switch
    {
        double.NaN => "NaN",
        double.PositiveInfinity => "inf",
        double.NegativeInfinity => "-inf",
        0 => "0",
        < 0.001 => "<0.001",
        > 1 and < 1.005 => ">1.00",
        < 0.1 => Format(value, "0.000"),
        < 9.995 => Format(value, "0.00"),
        < 99.95 => Format(value, "0.0"),
        < 999_999.5 => Count((long)Math.Round(value)),
        _ => Format(value, "0.0e0"),
    };

    public static string Times(double value) => double.IsFinite(value) ? $"{Noise(value)}\u00D7" : Noise(value);

    // In a sentence.
    public static string OfNoise(double value) => double.IsFinite(value) ? $"{Times(value)} noise" : Noise(value);

    // Digits in groups of three.
    public static string Count(long value) => Format(value, "#,0").Replace(',', ' ');

    public static string Count(long value, string one, string many) => $"{Count(value)} {(value == 1 ? one : many)}";

    // Growth has no meaning where the step added nothing or nothing was compared.
    public static string Growth(double value) => double.IsFinite(value) ? Times(value) : "-";

    public static string Element(double value) => value switch
    {
        double.PositiveInfinity => "inf",
        double.NegativeInfinity => "-inf",
        _ => value.ToString("G9", CultureInfo.InvariantCulture),
    };

    public static string Percent(double share) => share switch
    {
        double.NaN => "NaN",
        0 => "0 %",
        < 0.001 => "<0.1 %",
        > 0.999 and < 1 => ">99.9 %",
        _ => Format(share * 100, "0.#") + " %",
    };

    public static string Seconds(double seconds) => Format(seconds, "0.0") + " s";

    public static string Plain(double value) => Format(value, "0.##");

    private static string Format(IFormattable value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
