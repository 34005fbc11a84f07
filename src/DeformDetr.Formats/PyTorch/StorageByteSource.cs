using Microsoft.Win32.SafeHandles;

namespace DeformDetr.Formats;

// A whole storage that has a checksum. Finish holds it against that.
internal sealed class StorageByteSource(string path, string tensor, SafeFileHandle file, TorchStorage storage) : ByteSource(path, tensor)
{
    private readonly Crc32 _checksum = new();
    private long _offset = storage.Position;

    public static void Require(string path, string tensor, TorchStorage storage, uint actual, uint expected) =>
        storage.Verified = actual == expected
            ? true
            : throw Fault.Tensor(
                path, tensor, $"storage {Fault.Quote(storage.Key)}: checksum {actual:x8}; expected {expected:x8}: the data is damaged.");

    public override void Finish()
    {
        if (storage.Checksum is { } expected)
        {
            Require(Path, Tensor, storage, _checksum.Value, expected);
        }
    }

    protected override int Read(Span<byte> destination)
    {
        int count = RandomAccess.Read(file, destination, _offset);
        _checksum.Append(destination[..count]);
        _offset += count;
        return count;
    }
}
