namespace DeformDetr.Formats.Pictures;

internal static class PictureLimits
{
    // Where Pillow stops: twice its MAX_IMAGE_PIXELS.
    public const int MostPixels = 178_956_970;
}
