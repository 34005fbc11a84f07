using System.Buffers.Binary;
using DeformDetr.Formats.Pictures;

namespace DeformDetr.Formats.Jpeg;

// The contents of a SOF segment, checked.
internal sealed class JpegFrame
{
    private JpegFrame(int width, int height, bool isProgressive, JpegComponent[] components)
    {
        Width = width;
        Height = height;
        IsProgressive = isProgressive;
        Components = components;
        MostHorizontal = components.Max(component => component.Horizontal);
        MostVertical = components.Max(component => component.Vertical);
        foreach (JpegComponent component in components)
        {
            component.Measure(width, height, MostHorizontal, MostVertical);
        }
    }

    public int Width { get; }

    public int Height { get; }

    public bool IsProgressive { get; }

    public JpegComponent[] Components { get; }

    public int MostHorizontal { get; }

    public int MostVertical { get; }

    public int McusAcross => (Width + (8 * MostHorizontal) - 1) / (8 * MostHorizontal);

    public int McusDown => (Height + (8 * MostVertical) - 1) / (8 * MostVertical);

    public static JpegFrame Parse(JpegBytes bytes, int offset, byte marker)
    {
        string place = JpegMarker.Name(marker);
        if (marker is not (JpegMarker.Sof0 or JpegMarker.Sof1 or JpegMarker.Sof2))
        {
            throw bytes.Error(
                offset, place, $"{JpegMarker.FrameKind(marker)}; expected baseline, extended sequential or progressive Huffman coding.");
        }

        ReadOnlySpan<byte> data = bytes.Segment(offset, marker);
        if (data.Length < 6 || data.Length != 6 + (3 * data[5]))
        {
            throw bytes.Error(
                offset, place,
                $"{data.Length} bytes; expected 6 and 3 for each colour plane{(data.Length < 6 ? "" : $" ({data[5]} of them)")}.");
        }

        if (data[0] != 8)
        {
            throw bytes.Error(offset, place, $"{data[0]}-bit samples; expected 8 bits.");
        }

        int height = BinaryPrimitives.ReadUInt16BigEndian(data[1..]);
        int width = BinaryPrimitives.ReadUInt16BigEndian(data[3..]);
        if (height == 0)
        {
            throw bytes.Error(offset, place, $"no height (0, to be told later by DNL); expected it here.");
        }

        if (width == 0)
        {
            throw bytes.Error(offset, place, $"a picture of 0 x {height} pixels (width x height); expected at least one pixel.");
        }

        if ((long)width * height > PictureLimits.MostPixels)
        {
            throw bytes.Error(
                offset, place,
                $"a picture of {width} x {height} pixels (width x height); expected at most {PictureLimits.MostPixels} pixels.");
        }

        int planes = data[5];
        if (planes is not (1 or 3 or 4))
        {
            throw bytes.Error(offset, place, $"{planes} colour planes; expected 1 (grey), 3 (YCbCr or RGB) or 4 (CMYK or YCCK).");
        }

        JpegComponent[] components = new JpegComponent[planes];
        for (int index = 0; index < planes; index++)
        {
            components[index] = ParseComponent(bytes, offset, place, data.Slice(6 + (3 * index), 3));
            if (components.AsSpan(0, index).ToArray().Any(other => other.Id == components[index].Id))
            {
                throw bytes.Error(offset, place, $"two colour planes with the identifier {components[index].Id}; expected different ones.");
            }
        }

        JpegFrame frame = new(width, height, marker == JpegMarker.Sof2, components);
        frame.CheckRatios(bytes, offset, place);
        frame.CheckSize(bytes, offset, place);
        return frame;
    }

    private static JpegComponent ParseComponent(JpegBytes bytes, int offset, string place, ReadOnlySpan<byte> data)
    {
        int horizontal = data[1] >> 4;
        int vertical = data[1] & 15;
        if (horizontal is < 1 or > 4 || vertical is < 1 or > 4)
        {
            throw bytes.Error(offset, place, $"sampling factors {horizontal} x {vertical} of colour plane {data[0]}; expected 1 to 4.");
        }

        return data[2] < 4
            ? new JpegComponent { Id = data[0], Horizontal = horizontal, Vertical = vertical, QuantizationSlot = data[2] }
            : throw bytes.Error(offset, place, $"quantization table {data[2]} for colour plane {data[0]}; expected 0 to 3.");
    }

    private void CheckRatios(JpegBytes bytes, int offset, string place)
    {
        foreach (JpegComponent component in Components)
        {
            if (MostHorizontal % component.Horizontal != 0 || MostVertical % component.Vertical != 0)
            {
                throw bytes.Error(
                    offset, place,
                    $"sampling factors {component.Horizontal} x {component.Vertical} beside {MostHorizontal} x {MostVertical}; "
                    + "expected whole ratios.");
            }
        }
    }

    // A header may promise a picture far larger than the file can hold; that is seen before any memory is asked for. The least that a
    // block takes is two bits (a difference of 0, and no further coefficients), in progressive pictures the first of these alone.
    private void CheckSize(JpegBytes bytes, int offset, string place)
    {
        long blocks = Components.Sum(component => (long)component.BlocksAcross * component.BlocksDown);
        long least = blocks * (IsProgressive ? 1 : 2) / 8;
        if (bytes.Length - offset < least)
        {
            throw bytes.Error(
                offset, place,
                $"{bytes.Length - offset} bytes to the end of the file; "
                + $"expected at least {least} for {Width} x {Height} pixels in {blocks} blocks.");
        }
    }
}
