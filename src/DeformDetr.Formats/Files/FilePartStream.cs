using Microsoft.Win32.SafeHandles;

namespace DeformDetr.Formats;

// A part of an open file as a stream; the handle has another owner.
internal sealed class FilePartStream(SafeFileHandle file, long position, long length) : ForwardStream
{
    public override int Read(Span<byte> buffer)
    {
        int count = RandomAccess.Read(file, buffer[..(int)Math.Min(buffer.Length, length)], position);
        position += count;
        length -= count;
        return count;
    }
}
