namespace DeformDetr.Formats.Png;

// The colour types of a PNG header, by their numbers in the file.
internal enum PngColour : byte
{
    Grey = 0,
    Rgb = 2,
    Palette = 3,
    GreyAlpha = 4,
    RgbAlpha = 6,
}
