using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using DeformDetr.Formats.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Png;

/// <summary>Writes pictures as 8-bit RGB PNG files, without interlacing.</summary>
/// <remarks>The pixels are the same on every machine; the compressed bytes may change with the version of zlib that .NET carries.</remarks>
public static class PngWriter
{
    private const int BytesPerPixel = 3;

    /// <summary>Writes a PNG file. It appears under its name only when it is whole: a temporary file beside it is renamed.</summary>
    /// <param name="path">The file; one that exists is replaced.</param>
    /// <param name="rgb">Red, green, blue. Shape [h, w, 3].</param>
    /// <exception cref="ArgumentException">Another shape, no pixel, or more than 178 956 970 pixels.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Write(string path, Tensor<byte> rgb)
    {
        Check(rgb);
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                Write(stream, rgb);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Writes a PNG file to a stream, which stays open.</summary>
    /// <param name="stream">A writable stream.</param>
    /// <param name="rgb">Red, green, blue. Shape [h, w, 3].</param>
    /// <exception cref="ArgumentException">Another shape, no pixel, or more than 178 956 970 pixels.</exception>
    public static void Write(Stream stream, Tensor<byte> rgb)
    {
        Check(rgb);
        byte[] header = new byte[PngHeader.Length];
        BinaryPrimitives.WriteInt32BigEndian(header, rgb.Shape[1]);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), rgb.Shape[0]);
        header[8] = 8;
        header[9] = (byte)PngColour.Rgb;

        stream.Write(PngHeader.Signature);
        WriteChunk(stream, "IHDR", header);
        WriteChunk(stream, "IDAT", Deflate(rgb));
        WriteChunk(stream, "IEND", []);
    }

    /// <summary>The bytes of a PNG file, such as to embed it in another.</summary>
    /// <param name="rgb">Red, green, blue. Shape [h, w, 3].</param>
    /// <exception cref="ArgumentException">Another shape, no pixel, or more than 178 956 970 pixels.</exception>
    public static byte[] Encode(Tensor<byte> rgb)
    {
        using MemoryStream stream = new();
        Write(stream, rgb);
        return stream.ToArray();
    }

    private static void Check(Tensor<byte> rgb)
    {
        ShapeGuard.Require("PNG writer", nameof(rgb), rgb.Shape, "[h, w, 3]", -1, -1, 3);
        ShapeGuard.That(
            rgb.Length > 0 && rgb.Length / 3 <= PictureLimits.MostPixels, "PNG writer", nameof(rgb), $"holds {rgb.Shape}; expected 1 to {PictureLimits.MostPixels} pixels.");
    }

    private static ReadOnlySpan<byte> Deflate(Tensor<byte> rgb)
    {
        int rowBytes = rgb.Shape[1] * BytesPerPixel;
        MemoryStream compressed = new();
        using (ZLibStream zlib = new(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            ReadOnlySpan<byte> above = new byte[rowBytes];
            byte[] candidate = new byte[1 + rowBytes];
            byte[] best = new byte[1 + rowBytes];
            for (int y = 0; y < rgb.Shape[0]; y++)
            {
                ReadOnlySpan<byte> row = rgb.AsReadOnlySpan().Slice(y * rowBytes, rowBytes);
                long least = long.MaxValue;
                for (int filter = PngFilter.None; filter < PngFilter.Count; filter++)
                {
                    candidate[0] = (byte)filter;
                    PngFilter.Apply(filter, row, above, BytesPerPixel, candidate.AsSpan(1));
                    long sum = SumOfMagnitudes(candidate.AsSpan(1));
                    if (sum < least)
                    {
                        least = sum;
                        (best, candidate) = (candidate, best);
                    }
                }

                zlib.Write(best);
                above = row;
            }
        }

        return compressed.GetBuffer().AsSpan(0, (int)compressed.Length);
    }

    // The usual guess at how well a row will compress: differences near 0, counted as signed bytes, are cheap.
    private static long SumOfMagnitudes(ReadOnlySpan<byte> differences)
    {
        long sum = 0;
        foreach (byte difference in differences)
        {
            sum += Math.Abs((int)(sbyte)difference);
        }

        return sum;
    }

    private static void WriteChunk(Stream stream, string type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        byte[] letters = Encoding.ASCII.GetBytes(type);
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        stream.Write(number);
        stream.Write(letters);
        stream.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.Of(letters, data));
        stream.Write(number);
    }
}
