using Microsoft.Win32.SafeHandles;

namespace DeformDetr.Formats;

// Bytes of an open file from an offset on; the handle has another owner.
internal sealed class FileByteSource(string path, string tensor, SafeFileHandle file, long offset) : ByteSource(path, tensor)
{
    protected override int Read(Span<byte> destination)
    {
        int count = RandomAccess.Read(file, destination, offset);
        offset += count;
        return count;
    }
}
