using System.IO.Compression;
using DeformDetr.Formats.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Png;

/// <summary>Reads PNG files to the same RGB bytes as Pillow's <c>Image.open(file).convert("RGB")</c>.</summary>
/// <remarks>
/// <para>Every bit depth and colour type but 16-bit grey (which Pillow opens as 32-bit integers), with or without Adam7. Alpha is dropped, tRNS, gamma,
/// colour profiles and orientation are ignored, 16-bit samples keep their high byte, of an animation the default picture is read.</para>
/// <para>Stricter than Pillow where it shows a damaged file without a word: a wrong CRC in a critical chunk, rows that are missing at the end, a palette picture without
/// a palette, an unknown critical chunk, chunks out of order, or no IEND are refused. After the end of the picture's rows, further deflated data are ignored as Pillow does.</para>
/// </remarks>
public static class PngReader
{
    // Deflate says at best 258 bytes with two bits.
    private const long MostBytesPerByte = 1032;

    /// <summary>Reads a PNG file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>(h, w, 3), red, green, blue, 0 to 255.</returns>
    /// <exception cref="InvalidDataException">The file is no PNG, is damaged or truncated, or holds 16-bit grey or more than 178 956 970 pixels.</exception>
    /// <exception cref="IOException">The file can't be opened or read.</exception>
    public static Tensor<byte> Read(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        return Read(stream, path);
    }

    /// <summary>Reads a PNG file from where a stream stands; the stream is left behind the IEND chunk.</summary>
    /// <param name="stream">A readable stream; it need not seek.</param>
    /// <param name="nameForErrors">What messages call the file.</param>
    /// <returns>(h, w, 3), red, green, blue, 0 to 255.</returns>
    /// <exception cref="InvalidDataException">As for a path.</exception>
    public static Tensor<byte> Read(Stream stream, string nameForErrors) => Read(stream, nameForErrors, out _);

    internal static Tensor<byte> Read(Stream stream, string nameForErrors, out int orientation)
    {
        string file = nameForErrors;
        orientation = ExifOrientation.Upright;
        PngChunkReader chunks = new(stream, file);
        chunks.ReadSignature();
        PngChunk first = chunks.Read(checkAncillary: true);
        if (first.Type != "IHDR")
        {
            throw PngError.In(file, $"first chunk is {first.Type}; expected IHDR");
        }

        PngHeader header = PngHeader.Parse(file, first.Data);
        byte[]? palette = null;
        List<byte[]> imageData = [];
        string previous = "IHDR";
        for (PngChunk chunk = chunks.Read(checkAncillary: true); chunk.Type != "IEND"; chunk = chunks.Read(checkAncillary: imageData.Count == 0))
        {
            switch (chunk.Type)
            {
                case "IHDR":
                    throw PngError.In(file, $"a second chunk IHDR; expected one");
                case "PLTE":
                    palette = palette is null ? chunk.Data : throw PngError.In(file, $"a second chunk PLTE; expected one");
                    CheckPalette(file, header, palette, afterImageData: imageData.Count > 0);
                    break;
                case "IDAT":
                    if (imageData.Count > 0 && previous != "IDAT")
                    {
                        throw PngError.In(file, $"chunk {previous} between chunks IDAT; expected these in a row");
                    }

                    imageData.Add(chunk.Data);
                    break;
                case "eXIf":
                    orientation = ExifOrientation.Find(chunk.Data);
                    break;
                default:
                    if (!chunk.IsAncillary)
                    {
                        throw PngError.In(file, $"critical chunk {chunk.Type}; expected IHDR, PLTE, IDAT, IEND");
                    }

                    break;
            }

            previous = chunk.Type;
        }

        if (header.Colour == PngColour.Palette && palette is null)
        {
            throw PngError.In(file, $"palette colours without a chunk PLTE; expected one before IDAT");
        }

        if (imageData.Count == 0)
        {
            throw PngError.In(file, $"no chunk IDAT; expected the picture in at least one");
        }

        return Decode(file, header, new PngPixels(header, header.Colour == PngColour.Palette ? palette : null), imageData);
    }

    // In other pictures a palette is a hint for poor screens, and means nothing here.
    private static void CheckPalette(string file, PngHeader header, byte[] palette, bool afterImageData)
    {
        if (afterImageData)
        {
            throw PngError.In(file, $"chunk PLTE after IDAT; expected it before");
        }

        if (header.Colour == PngColour.Palette && (palette.Length % 3 != 0 || palette.Length is 0 or > 3 * 256))
        {
            throw PngError.In(file, $"chunk PLTE holds {palette.Length} bytes; expected 3 per colour, 1 to 256 colours");
        }
    }

    private static Tensor<byte> Decode(string file, PngHeader header, PngPixels pixels, List<byte[]> imageData)
    {
        // A header may promise a picture far larger than the file can hold; that is seen before the picture's memory is asked for.
        long needed = 0;
        foreach (PngPass pass in PngPass.Of(header))
        {
            needed += pass.Width(header) == 0 ? 0 : pass.Height(header) * (1L + header.RowBytes(pass.Width(header)));
        }

        long compressed = imageData.Sum(data => (long)data.Length);
        if (needed > compressed * MostBytesPerByte)
        {
            throw PngError.In(file, $"{compressed} bytes of image data; expected enough for {header.Width} x {header.Height} pixels, {needed} bytes deflated");
        }

        Tensor<byte> picture = new([header.Height, header.Width, 3]);
        Span<byte> rgb = picture.AsSpan();
        using ImageDataStream segments = new(imageData);
        using ZLibStream zlib = new(segments, CompressionMode.Decompress);
        byte[] row = new byte[1 + header.RowBytes(header.Width)];
        byte[] above = new byte[row.Length];
        foreach (PngPass pass in PngPass.Of(header))
        {
            int width = pass.Width(header);
            if (width == 0)
            {
                continue;
            }

            int length = 1 + header.RowBytes(width);
            above.AsSpan().Clear();
            for (int y = pass.FirstRow; y < header.Height; y += pass.RowStep)
            {
                Span<byte> current = row.AsSpan(0, length);
                if (Inflate(file, zlib, current, y) < length)
                {
                    throw PngError.In(file, $"image data end in row {y}; expected all rows");
                }

                if (current[0] >= PngFilter.Count)
                {
                    throw PngError.In(file, $"row {y} has filter type {current[0]}; expected 0 to 4");
                }

                PngFilter.Undo(current[0], current[1..], above.AsSpan(1, length - 1), header.BytesPerPixel);
                pixels.ToRgb(current[1..], width, rgb[(3 * ((y * header.Width) + pass.FirstColumn))..], pass.ColumnStep);
                (row, above) = (above, row);
            }
        }

        // One byte more, which must not be there, brings zlib to its checksum. If it is there, it is none of the picture's.
        _ = Inflate(file, zlib, row.AsSpan(0, 1), header.Height - 1);
        return picture;
    }

    // As many bytes as there are, at most those asked for.
    private static int Inflate(string file, ZLibStream zlib, Span<byte> bytes, int y)
    {
        try
        {
            return zlib.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw PngError.In(file, $"image data are broken in or after row {y}; expected a zlib stream with its right checksum", e);
        }
    }
}
