using System.Buffers.Binary;
using DeformDetr.Formats.Pictures;
using DeformDetr.Formats.Png;
using DeformDetr.Formats.Tests.Jpeg;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests.Pictures;

public sealed class PictureTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deform-detr-pictures-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_content_tells_the_format_and_not_the_name()
    {
        Tensor<byte> rgb = new([2, 3, 3]);
        for (int index = 0; index < rgb.Length; index++)
        {
            rgb.AsSpan()[index] = (byte)index;
        }

        Assert.Equal(rgb.AsReadOnlySpan().ToArray(), Read("a.jpg", PngWriter.Encode(rgb)).Rgb.AsReadOnlySpan().ToArray());
        Assert.Equal(rgb.AsReadOnlySpan().ToArray(), Read("a.png", [.. "P6 3 2 255 "u8, .. rgb.AsReadOnlySpan()]).Rgb.AsReadOnlySpan().ToArray());
        Assert.Equal(JpegFixtures.Pixels("420").AsReadOnlySpan().ToArray(), Read("a", JpegFixtures.Content("420")).Rgb.AsReadOnlySpan().ToArray());
    }

    [Theory]
    [InlineData("474946383961", "looks like a GIF file")]
    [InlineData("424D00", "looks like a BMP file")]
    [InlineData("FFD8", "starts with bytes FFD8")]
    [InlineData("5034203120", "looks like a PBM, PGM or PPM file")]
    [InlineData("", "is empty")]
    public void Other_files_are_refused_by_what_they_look_like(string bytes, string says) =>
        Assert.Equal(
            $"{Path.Combine(_folder, "a.jpg")}: {says}; expected a PNG, JPEG or binary PPM file.",
            Assert.Throws<InvalidDataException>(() => Read("a.jpg", Convert.FromHexString(bytes))).Message);

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        string path = Path.Combine(_folder, "nobody.png");
        Assert.Equal($"{path}: no such file.", Assert.Throws<FileNotFoundException>(() => Picture.Read(path)).Message);
    }

    [Theory]
    [InlineData(true, 6, 6)]
    [InlineData(false, 3, 3)]
    [InlineData(true, 1, 1)]
    [InlineData(false, 9, 1)]
    [InlineData(true, 0, 1)]
    public void Orientation_is_told_and_not_followed(bool littleEndian, int stored, int told)
    {
        byte[] upright = JpegFixtures.Content("420");
        byte[] exif = Exif(littleEndian, (ushort)stored);

        Picture jpeg = Read("a.jpg", [.. upright[..2], .. JpegBuilder.Segment(0xE1, [.. "Exif\0\0"u8, .. exif]), .. upright[2..]]);
        Assert.Equal(told, jpeg.Orientation);
        Assert.Equal(told != 1, jpeg.IsTurned);
        Assert.Equal(JpegFixtures.Pixels("420").AsReadOnlySpan().ToArray(), jpeg.Rgb.AsReadOnlySpan().ToArray());

        byte[] png = Png.PngBuilder.File(Png.PngBuilder.Header(), Png.PngBuilder.Chunk("eXIf", exif), Png.PngBuilder.Data(), Png.PngBuilder.End);
        Assert.Equal(told, Read("a.png", png).Orientation);
    }

    [Fact]
    public void Exif_data_that_are_cut_or_changed_never_matter()
    {
        Random random = new(1);
        byte[] upright = JpegFixtures.Content("size-8x8-420");
        byte[] exif = Exif(true, 6);
        for (int round = 0; round < 400; round++)
        {
            byte[] changed = exif[..random.Next(exif.Length + 1)];
            if (changed.Length > 0)
            {
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
            }

            Picture picture = Read("a.jpg", [.. upright[..2], .. JpegBuilder.Segment(0xE1, [.. "Exif\0\0"u8, .. changed]), .. upright[2..]]);
            Assert.InRange(picture.Orientation, 1, 8);
        }

        // Every length with the directory at every place, also past the end.
        for (int length = 0; length <= exif.Length; length++)
        {
            for (int place = 0; place <= length + 2; place++)
            {
                byte[] cut = exif[..length];
                cut.AsSpan(Math.Min(4, length), Math.Clamp(length - 4, 0, 1)).Fill((byte)place);
                byte[] content = [.. upright[..2], .. JpegBuilder.Segment(0xE1, [.. "Exif\0\0"u8, .. cut]), .. upright[2..]];
                Assert.InRange(Read("a.jpg", content).Orientation, 1, 8);
            }
        }
    }

    // Two entries, the second is the orientation.
    private static byte[] Exif(bool littleEndian, ushort orientation)
    {
        byte[] tiff = new byte[8 + 2 + 24 + 4];
        (littleEndian ? "II*\0"u8 : "MM\0*"u8).CopyTo(tiff);
        Write32(4, 8);
        Write16(8, 2);
        Write16(10, 0x010F);
        Write16(12, 2);
        Write16(22, 0x0112);
        Write16(24, 3);
        Write32(26, 1);
        Write16(30, orientation);
        return tiff;

        void Write16(int at, ushort value)
        {
            if (littleEndian)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(tiff.AsSpan(at), value);
            }
            else
            {
                BinaryPrimitives.WriteUInt16BigEndian(tiff.AsSpan(at), value);
            }
        }

        void Write32(int at, uint value)
        {
            if (littleEndian)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(tiff.AsSpan(at), value);
            }
            else
            {
                BinaryPrimitives.WriteUInt32BigEndian(tiff.AsSpan(at), value);
            }
        }
    }

    private Picture Read(string name, byte[] content)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        return Picture.Read(path);
    }
}
