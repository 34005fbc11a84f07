using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace DeformDetr.Formats.Tests;

public class SafetensorsLargeFileTests
{
    private const long Two31 = 1L << 31;
    private const int LongLength = (int)(Two31 / sizeof(double)) + 1000;
    private const long LongBytes = LongLength * (long)sizeof(double);
    private const long FileBytes = 3L << 30;

    [EnoughMemoryFact]
    public void Tensors_beyond_and_across_two_to_the_31_bytes_are_read()
    {
        using TemporaryFolder folder = new();
        long fillBytes = FileBytes - LongBytes - 8;
        string header = FormattableString.Invariant(
            $"{{\"long\":{{\"dtype\":\"F64\",\"shape\":[{LongLength}],\"data_offsets\":[0,{LongBytes}]}},")
            + FormattableString.Invariant($"\"late\":{{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[{LongBytes},{LongBytes + 8}]}},")
            + FormattableString.Invariant($"\"fill\":{{\"dtype\":\"U8\",\"shape\":[{fillBytes}],\"data_offsets\":[{LongBytes + 8},{FileBytes}]}}}}");
        int dataStart = 8 + header.Length;
        using (FileStream stream = new(folder["a.safetensors"], FileMode.CreateNew))
        {
            stream.Write(SafetensorsBytes.Of(header));
            stream.SetLength(dataStart + FileBytes);
            Put(stream, dataStart + ((Two31 / 2) / 8 * 8), 0.5);
            Put(stream, dataStart + Two31 - 8, 1.5);
            Put(stream, dataStart + Two31, 2.5);
            Put(stream, dataStart + LongBytes - 8, 3.5);
            stream.Position = dataStart + LongBytes;
            stream.Write(MemoryMarshal.AsBytes<float>([4.5f, 5.5f]));
        }

        using TensorFile file = TensorFile.Open(folder["a.safetensors"]);
        Assert.Equal([4.5f, 5.5f], file.Read<float>("late").AsReadOnlySpan().ToArray());
        ReadOnlySpan<double> elements = file.Read<double>("long").AsReadOnlySpan();
        Assert.Equal(LongLength, elements.Length);
        Assert.Equal(0.5, elements[(int)(Two31 / 16)]);
        Assert.Equal(1.5, elements[(int)(Two31 / 8) - 1]);
        Assert.Equal(2.5, elements[(int)(Two31 / 8)]);
        Assert.Equal(3.5, elements[^1]);
        Assert.Equal(0, elements[(int)(Two31 / 8) + 1]);
    }

    private static void Put(FileStream stream, long position, double value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(double)];
        BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
        stream.Position = position;
        stream.Write(bytes);
    }
}
