using System.IO.Compression;
using Microsoft.Win32.SafeHandles;

namespace DeformDetr.Formats;

// An unpacked zip member. Finish holds it against its declared length and checksum.
internal sealed class ZipByteSource : ByteSource
{
    private readonly ZipRecord _member;
    private readonly Stream _stream;
    private readonly Crc32 _checksum = new();

    public ZipByteSource(string path, string tensor, SafeFileHandle file, ZipRecord member)
        : base(path, tensor)
    {
        _member = member;
        FilePartStream packed = new(file, member.Position, member.Packed);
        _stream = member.IsDeflated ? new DeflateStream(packed, CompressionMode.Decompress) : packed;
    }

    public void Skip(long count)
    {
        byte[] skipped = new byte[Math.Min(count, 1 << 16)];
        while (count > 0)
        {
            Span<byte> part = skipped.AsSpan(0, (int)Math.Min(skipped.Length, count));
            Fill(part);
            count -= part.Length;
        }
    }

    public override void Finish()
    {
        if (Read(stackalloc byte[1]) != 0)
        {
            throw Fault.Tensor(Path, Tensor, $"zip member unpacks to more than its declared {_member.Length} bytes; expected as many.");
        }

        if (_checksum.Value != _member.Checksum)
        {
            throw Fault.Tensor(
                Path, Tensor, $"zip member's checksum is {_checksum.Value:x8}; expected {_member.Checksum:x8}: the data is damaged.");
        }
    }

    public override void Dispose() => _stream.Dispose();

    protected override int Read(Span<byte> destination)
    {
        int count;
        try
        {
            count = _stream.Read(destination);
        }
        catch (InvalidDataException exception)
        {
            throw Fault.Tensor(Path, Tensor, $"zip member can't be unpacked ({exception.Message}); expected data that is not damaged.");
        }

        _checksum.Append(destination[..count]);
        return count;
    }
}
