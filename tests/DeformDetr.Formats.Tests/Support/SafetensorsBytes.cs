using System.Buffers.Binary;
using System.Text;

namespace DeformDetr.Formats.Tests;

// Safetensors files by hand, so that they can be wrong.
internal static class SafetensorsBytes
{
    public static byte[] Of(string header, params ReadOnlySpan<byte> data) => Of(Encoding.UTF8.GetBytes(header), data);

    public static byte[] Of(byte[] header, params ReadOnlySpan<byte> data)
    {
        byte[] file = new byte[8 + header.Length + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, 8);
        data.CopyTo(file.AsSpan(8 + header.Length));
        return file;
    }

    public static byte[] One(string entry, int dataLength) => Of($"{{\"test\":{entry}}}", new byte[dataLength]);
}
