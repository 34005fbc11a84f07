using System.Globalization;

namespace DeformDetr.Formats.Jpeg;

// The second byte of a marker; the first is 0xFF.
internal static class JpegMarker
{
    public const byte Tem = 0x01;
    public const byte Sof0 = 0xC0;
    public const byte Sof1 = 0xC1;
    public const byte Sof2 = 0xC2;
    public const byte Dht = 0xC4;
    public const byte Jpg = 0xC8;
    public const byte Dac = 0xCC;
    public const byte Sof15 = 0xCF;
    public const byte Rst0 = 0xD0;
    public const byte Rst7 = 0xD7;
    public const byte Soi = 0xD8;
    public const byte Eoi = 0xD9;
    public const byte Sos = 0xDA;
    public const byte Dqt = 0xDB;
    public const byte Dnl = 0xDC;
    public const byte Dri = 0xDD;
    public const byte Dhp = 0xDE;
    public const byte Exp = 0xDF;
    public const byte App0 = 0xE0;
    public const byte App1 = 0xE1;
    public const byte App14 = 0xEE;
    public const byte App15 = 0xEF;
    public const byte Com = 0xFE;

    public static bool IsFrame(byte marker) => marker is >= Sof0 and <= Sof15 and not (Dht or Jpg or Dac);

    public static bool IsRestart(byte marker) => marker is >= Rst0 and <= Rst7;

    public static string Name(byte marker) => marker switch
    {
        Dht => "DHT",
        Jpg => "JPG",
        Dac => "DAC",
        >= Sof0 and <= Sof15 => Numbered("SOF", marker - Sof0),
        >= Rst0 and <= Rst7 => Numbered("RST", marker - Rst0),
        Soi => "SOI",
        Eoi => "EOI",
        Sos => "SOS",
        Dqt => "DQT",
        Dnl => "DNL",
        Dri => "DRI",
        Dhp => "DHP",
        Exp => "EXP",
        >= App0 and <= App15 => Numbered("APP", marker - App0),
        Com => "COM",
        Tem => "TEM",
        _ => $"marker 0xFF{marker.ToString("X2", CultureInfo.InvariantCulture)}",
    };

    // What a frame that can't be read is.
    public static string FrameKind(byte marker) => marker switch
    {
        0xC3 => "lossless coding",
        0xC5 or 0xC6 or 0xC7 => "hierarchical coding",
        0xC9 or 0xCA => "arithmetic coding",
        0xCB => "lossless arithmetic coding",
        _ => "hierarchical arithmetic coding",
    };

    private static string Numbered(string name, int number) => name + number.ToString(CultureInfo.InvariantCulture);
}
