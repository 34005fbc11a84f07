using System.Globalization;

namespace DeformDetr.Cli;

// Numbers for people.
internal static class Numbers
{
    public static string Error(double value) => value == 0 ? "0" : value.ToString("0.00e+00", CultureInfo.InvariantCulture);

    public static string Ratio(double value) =>
        value is 0 ? "0" : double.IsFinite(value) && value < 1e4 ? value.ToString("0.000", CultureInfo.InvariantCulture) : Error(value);

    public static string Score(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    public static string Pixel(double value) => value.ToString("0.0", CultureInfo.InvariantCulture);

    public static string Statistic(double value) => double.IsNaN(value) ? "-" : value.ToString("G6", CultureInfo.InvariantCulture);

    public static string Count(long value) => value.ToString(CultureInfo.InvariantCulture);

    public static string Count(long value, string one, string many) =>
        string.Create(CultureInfo.InvariantCulture, $"{value} {(value == 1 ? one : many)}");

    public static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture) + " s";

    public static string Bytes(long bytes) => bytes switch
    {
        >= 1_000_000_000 => (bytes / 1e9).ToString("0.00", CultureInfo.InvariantCulture) + " GB",
        >= 1_000_000 => (bytes / 1e6).ToString("0.0", CultureInfo.InvariantCulture) + " MB",
        >= 1_000 => (bytes / 1e3).ToString("0.0", CultureInfo.InvariantCulture) + " kB",
        _ => Count(bytes, "byte", "bytes"),
    };

    public static string Shape(IEnumerable<int> sizes) => $"[{string.Join(", ", sizes)}]";
}
