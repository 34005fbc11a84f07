using System.Buffers.Binary;
using System.Text;

namespace DeformDetr.Formats.Tests;

// Npy files by hand, so that they can be wrong.
internal static class NpyBytes
{
    public static byte[] Of(string header, params ReadOnlySpan<byte> data) => Of(1, 0, Encoding.Latin1.GetBytes(header), data);

    public static byte[] Of(byte major, byte minor, byte[] header, params ReadOnlySpan<byte> data)
    {
        int lengthSize = major == 1 ? 2 : 4;
        byte[] file = new byte[8 + lengthSize + header.Length + data.Length];
        Encoding.Latin1.GetBytes("\u0093NUMPY").CopyTo(file, 0);
        file[6] = major;
        file[7] = minor;
        if (lengthSize == 2)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(8), (ushort)header.Length);
        }
        else
        {
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(8), header.Length);
        }

        header.CopyTo(file, 8 + lengthSize);
        data.CopyTo(file.AsSpan(8 + lengthSize + header.Length));
        return file;
    }
}
