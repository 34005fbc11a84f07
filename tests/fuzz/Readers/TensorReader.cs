using System.Security.Cryptography;
using System.Text;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Fuzz;

// Files of named tensors. Every tensor is read; what was read must fit what the file says, and come back the same from a file of ours.
internal abstract class TensorReader(string name, Scratch scratch) : Reader(name, scratch)
{
    private readonly HashSet<string> _seeds = new(StringComparer.Ordinal);

    protected override string FileName => $"file.{Name}";

    public override object Read()
    {
        using TensorFile file = TensorFile.Open(Path);
        List<(TensorEntry Entry, Tensor Tensor)> tensors = [];
        foreach (TensorEntry entry in file.Entries)
        {
            tensors.Add((entry, file.Read(entry.Name)));
        }

        return tensors;
    }

    public override string? Wrong(object value, Mutant mutant)
    {
        List<(TensorEntry Entry, Tensor Tensor)> tensors = (List<(TensorEntry, Tensor)>)value;
        foreach ((TensorEntry entry, Tensor tensor) in tensors)
        {
            if (tensor.Shape != entry.Shape || tensor.ElementType != entry.StoredType.ElementType()
                || entry.ByteLength != Count(entry.Shape) * entry.StoredType.Size() || entry.ByteLength < 0)
            {
                return $"'{entry.Name}' is said to be {entry.StoredType} {entry.Shape} of {entry.ByteLength} bytes, and is {tensor.ElementType} {tensor.Shape}";
            }
        }

        if (HasChecksums && mutant.KeepsChecksums && !_seeds.Contains(Digest(tensors)))
        {
            return "the checksums are as they were, and the tensors are not";
        }

        return WrongBytes(tensors, mutant.Content) ?? WrongWhenWritten(tensors);
    }

    protected virtual bool HasChecksums => false;

    // The elements once more, from the file's bytes, by other code; null where they agree.
    protected virtual string? WrongBytes(IReadOnlyList<(TensorEntry Entry, Tensor Tensor)> tensors, byte[] content) => null;

    protected override void See(object value) => _seeds.Add(Digest((List<(TensorEntry, Tensor)>)value));

    // A stored tensor's bytes as they must stand in memory, in the order of the file.
    protected static byte[] Widened(StoredType type, byte[] stored) => type switch
    {
        StoredType.F16 => [.. stored.Chunk(2).SelectMany(two => BitConverter.GetBytes((float)BitConverter.ToHalf(two)))],
        StoredType.BF16 => [.. stored.Chunk(2).SelectMany(two => (byte[])[0, 0, .. two])],
        _ => stored,
    };

    protected static byte[] Bytes(Tensor tensor) => TensorBytes.Of(tensor);

    // NaNs of half precision may lose their signal on the way to float32, by the machine's own conversion.
    protected static bool Same(StoredType type, byte[] one, byte[] other)
    {
        if (type != StoredType.F16 || one.Length != other.Length)
        {
            return one.AsSpan().SequenceEqual(other);
        }

        for (int at = 0; at < one.Length; at += 4)
        {
            float a = BitConverter.ToSingle(one, at);
            float b = BitConverter.ToSingle(other, at);
            if (BitConverter.SingleToUInt32Bits(a) != BitConverter.SingleToUInt32Bits(b) && !(float.IsNaN(a) && float.IsNaN(b)))
            {
                return false;
            }
        }

        return true;
    }

    private string? WrongWhenWritten(List<(TensorEntry Entry, Tensor Tensor)> tensors)
    {
        string path = Scratch["again.safetensors"];
        using (SafetensorsWriter writer = new(path))
        {
            foreach ((TensorEntry entry, Tensor tensor) in tensors)
            {
                // The one name that a safetensors file can't have.
                writer.Write(entry.Name == "__metadata__" ? "metadata" : entry.Name, tensor);
            }

            writer.Finish();
        }

        using TensorFile again = TensorFile.Open(path);
        if (again.Entries.Count != tensors.Count)
        {
            return $"{tensors.Count} tensors are {again.Entries.Count} once written and read again";
        }

        foreach ((TensorEntry entry, Tensor tensor) in tensors)
        {
            Tensor other = again.Read(entry.Name == "__metadata__" ? "metadata" : entry.Name);
            if (other.Shape != tensor.Shape || other.ElementType != tensor.ElementType || !Bytes(other).AsSpan().SequenceEqual(Bytes(tensor)))
            {
                return $"'{entry.Name}' is another once written and read again";
            }
        }

        return null;
    }

    private static long Count(TensorShape shape) => shape.Aggregate(1L, (product, size) => product * size);

    private static string Digest(IEnumerable<(TensorEntry Entry, Tensor Tensor)> tensors)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((TensorEntry entry, Tensor tensor) in tensors.OrderBy(one => one.Entry.Name, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{entry.Name}\n{entry.StoredType} {entry.Shape}\n"));
            hash.AppendData(Bytes(tensor));
        }

        return Convert.ToHexString(hash.GetCurrentHash());
    }
}
