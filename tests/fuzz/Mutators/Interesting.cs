namespace DeformDetr.Fuzz;

// Numbers and texts at which readers go wrong.
internal static class Interesting
{
    public static IReadOnlyList<byte> Bytes { get; } = [0, 1, 2, 0x0A, 0x20, 0x7F, 0x80, 0x81, 0xC0, 0xD8, 0xD9, 0xDA, 0xFE, 0xFF];

    public static IReadOnlyList<ulong> Words { get; } =
    [
        0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0xFFFFFF, 0x1000000, 0x3FFFFFFF, 0x40000000, 0x7FFFFFC7,
        0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 0x100000000, 0x1FFFFFFFFFFFFFFF, 0x2000000000000000, 0x4000000000000000,
        0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFFFFFFFFFF,
    ];

    public static IReadOnlyList<string> Numbers { get; } =
    [
        "0", "1", "-1", "-0", "2", "127", "128", "255", "256", "32767", "65535", "65536", "16777216", "1073741824", "2147483591", "2147483592",
        "2147483647", "2147483648", "-2147483648", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "18446744073709551615", "18446744073709551616", "1e5", "1e999", "-1e999", "1e-999", "0.5", "1E400", "NaN",
        "Infinity", "00", "01", "0x10", "1_000", "+1", ".5", "5.", new string('9', 40), new string('9', 3000), "0." + new string('3', 3000),
    ];

    // As bytes: Latin-1 letters stand for what may not be UTF-8.
    public static IReadOnlyList<string> Texts { get; } =
    [
        "", " ", ".", "..", "../x", "/etc/passwd", "..\\x", "C:\\x", "a/b", "a\0b", "\u00ff\u00fe", "\u00c3\u00a9", "\u00ed\u00a0\u0080", "{i}", "{", "}", "-", "->",
        "__metadata__", "%s%n", "\u001b[31m", "\r\n", "\u0085", "\u00e2\u0080\u00ae", "$ref", "\\", "\\u0000", "\\ud800", "\\udc00x", "\\uD83D\\uDE00",
        "\\n", "\\x", "\\u12", new string('a', 300), new string('a', 70000), "F32", "F64", "BOOL", "I64", "F16", "BF16", "U8", "null", "true",
    ];
}
