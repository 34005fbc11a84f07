using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace DeformDetr.Formats.Tests;

// Pickles put together by hand, and the zip around them.
internal static class Pickle
{
    public const string Rebuild = "torch._utils\n_rebuild_tensor_v2\n";

    public static byte[] Of(params ReadOnlySpan<object> parts)
    {
        List<byte> bytes = [0x80, 2];
        foreach (object part in parts)
        {
            switch (part)
            {
                case byte[] some: bytes.AddRange(some); break;
                case string text: bytes.AddRange(Encoding.Latin1.GetBytes(text)); break;
                case char code: bytes.Add((byte)code); break;
                case int code: bytes.Add((byte)code); break;
                default: throw new ArgumentException($"pickle: a part is {part.GetType()}; expected bytes or text.");
            }
        }

        return [.. bytes, (byte)'.'];
    }

    public static byte[] Text(string text) => [(byte)'X', .. LittleEndian(Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    public static byte[] Number(long value)
    {
        byte[] bytes = new byte[10];
        bytes[0] = 0x8a;
        bytes[1] = 8;
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(2), value);
        return bytes;
    }

    public static byte[] Join(params ReadOnlySpan<object> parts) => Of(parts)[2..^1];

    // A storage of float32 elements, as the tuple for BINPERSID and that instruction.
    public static byte[] Storage(string key, long count, string type = "FloatStorage") =>
        Join('(', Text("storage"), $"ctorch\n{type}\n", Text(key), Text("cpu"), Number(count), 't', 'Q');

    public static byte[] Tuple(params long[] numbers) => Join('(', Join([.. numbers.Select(number => (object)Number(number))]), 't');

    public static byte[] Tensor(byte[] storage, long offset, long[] sizes, long[] strides) =>
        Join('c', Rebuild, '(', storage, Number(offset), Tuple(sizes), Tuple(strides), 0x89, "ccollections\nOrderedDict\n)R", 't', 'R');

    // {"w": tensor}
    public static byte[] StateDict(params (string Name, byte[] Tensor)[] tensors) =>
        Of('}', '(', Join([.. tensors.Select(tensor => (object)Join(Text(tensor.Name), tensor.Tensor))]), 'u');

    public static string Zip(TemporaryFolder folder, byte[] pickle, params (string Name, byte[] Content)[] records)
    {
        using FileStream stream = new(folder["a.pth"], FileMode.Create);
        using ZipArchive zip = new(stream, ZipArchiveMode.Create);
        foreach ((string name, byte[] content) in ((string, byte[])[])[("archive/data.pkl", pickle), .. records, ("archive/version", "3\n"u8.ToArray())])
        {
            using Stream member = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
            member.Write(content);
        }

        return folder["a.pth"];
    }

    public static byte[] Legacy(byte[] pickle, byte[] keys, byte[] data, bool littleEndian = true) =>
    [
        .. Of(new byte[] { 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19 }),
        .. Of('M', new byte[] { 0xe9, 0x03 }),
        .. Of('}', Text("little_endian"), littleEndian ? 0x88 : 0x89, 's'),
        .. pickle, .. keys, .. data,
    ];

    private static byte[] LittleEndian(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes;
    }
}
