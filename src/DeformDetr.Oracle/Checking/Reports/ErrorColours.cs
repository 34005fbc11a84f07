using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Oracle;

// Colours for errors in noise: dull within the noise, and from dark to bright beyond, with a jump between; NaN is none of these.
internal static class ErrorColours
{
    private static readonly (byte, byte, byte) NotANumber = (0, 200, 190);
    private static readonly (byte Red, byte Green, byte Blue)[] Within = [(0x1c, 0x24, 0x33), (0x4a, 0x5d, 0x80)];

    private static readonly (byte Red, byte Green, byte Blue)[] Beyond =
        [(0x7d, 0x1f, 0x7e), (0xc2, 0x3a, 0x62), (0xf0, 0x7c, 0x2c), (0xfb, 0xc2, 0x4d), (0xff, 0xf6, 0xc8)];

    public static (byte Red, byte Green, byte Blue) Of(double error, double top) => error switch
    {
        double.NaN => NotANumber,
        <= 1 => Between(Within, error <= ErrorScale.Lowest ? 0 : 1 - (Elementary.Log(error) / Elementary.Log(ErrorScale.Lowest))),
        _ when error >= top => Beyond[^1],
        _ => Between(Beyond, Elementary.Log(error) / Elementary.Log(top)),
    };

    public static string Css((byte Red, byte Green, byte Blue) colour) => $"#{colour.Red:x2}{colour.Green:x2}{colour.Blue:x2}";

    // The ink that can be read on a colour: the one whose contrast is larger as WCAG defines it.
    public static string Ink((byte Red, byte Green, byte Blue) colour) => Luminance(colour) > 0.179 ? "#000000" : "#ffffff";

    private static double Luminance((byte Red, byte Green, byte Blue) colour) =>
        (0.2126 * Linear(colour.Red)) + (0.7152 * Linear(colour.Green)) + (0.0722 * Linear(colour.Blue));

    private static double Linear(byte part) => part <= 10 ? part / 255.0 / 12.92 : Elementary.Pow(((part / 255.0) + 0.055) / 1.055, 2.4);

    private static (byte Red, byte Green, byte Blue) Between((byte Red, byte Green, byte Blue)[] stops, double share)
    {
        double at = Math.Clamp(share, 0, 1) * (stops.Length - 1);
        int low = Math.Min((int)at, stops.Length - 2);
        double part = at - low;
        return (
            Mix(stops[low].Red, stops[low + 1].Red, part), Mix(stops[low].Green, stops[low + 1].Green, part),
            Mix(stops[low].Blue, stops[low + 1].Blue, part));
    }

    private static byte Mix(byte from, byte to, double part) => (byte)Math.Round(from + ((to - from) * part));
}
