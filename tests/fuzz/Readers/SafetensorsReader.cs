using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Fuzz;

internal sealed class SafetensorsReader : TensorReader
{
    public SafetensorsReader(Scratch scratch)
        : base("safetensors", scratch)
    {
        Seeds =
        [
            scratch.Written("seed.safetensors", path => Write(path, TensorBytes.Examples)),
            scratch.Written("seed.safetensors", path => Write(path, TensorBytes.Examples.Take(1))),
            scratch.Written("seed.safetensors", path => Write(path, [])),
            ByHand("""{"h":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[3],"data_offsets":[8,14]}}""", 14),
            ByHand("""{"__metadata__":{"format":"pt","config":"{}"},"second":{"dtype":"U8","shape":[4],"data_offsets":[4,8]},"first":{"shape":[1],"data_offsets":[0,4],"dtype":"I32"}}  """, 8),
            .. Repository.Smallest("cases/operator-gather", "*.safetensors", 3, 4096),
        ];
        Mutators = SafetensorsMutators.All;
    }

    public override int AllocationPerByte => 32;

    // By another parser, and by the bytes themselves.
    protected override string? WrongBytes(IReadOnlyList<(TensorEntry Entry, Tensor Tensor)> tensors, byte[] content)
    {
        int start = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(content);
        using JsonDocument header = JsonDocument.Parse(content.AsMemory(8, start - 8));
        int expected = header.RootElement.EnumerateObject().Count(entry => entry.Name != "__metadata__");
        long covered = tensors.Sum(tensor => tensor.Entry.ByteLength);
        if (expected != tensors.Count || covered != content.Length - start)
        {
            return $"{tensors.Count} tensors of {covered} bytes; {expected} stand in the header, and {content.Length - start} bytes behind it";
        }

        foreach ((TensorEntry entry, Tensor tensor) in tensors)
        {
            JsonElement said = header.RootElement.GetProperty(entry.Name);
            long[] offsets = [.. said.GetProperty("data_offsets").EnumerateArray().Select(item => item.GetInt64())];
            byte[] stored = content[(int)(start + offsets[0])..(int)(start + offsets[1])];
            bool fits = said.GetProperty("dtype").GetString() == entry.StoredType.Word()
                && said.GetProperty("shape").EnumerateArray().Select(item => item.GetInt64()).SequenceEqual(entry.Shape.Select(size => (long)size));
            if (!fits || !Same(entry.StoredType, Widened(entry.StoredType, stored), Bytes(tensor)))
            {
                return $"'{entry.Name}' is not what stands in the file";
            }
        }

        return null;
    }

    private static void Write(string path, IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        using SafetensorsWriter writer = new(path);
        foreach ((string name, Tensor tensor) in tensors)
        {
            writer.Write(name, tensor);
        }

        writer.Finish();
    }

    private static byte[] ByHand(string header, int dataBytes) =>
        [.. BitConverter.GetBytes((long)header.Length), .. Encoding.ASCII.GetBytes(header), .. Enumerable.Range(60, dataBytes).Select(value => (byte)value)];
}
