using Microsoft.Win32.SafeHandles;

namespace DeformDetr.Formats;

// A part of an open file, read forward by bytes. Nothing is allocated for a length that the part doesn't have.
internal sealed class PickleInput(string path, SafeFileHandle file, long position, long end)
{
    private readonly byte[] _buffer = new byte[1 << 16];
    private long _bufferStart = position;
    private int _next;
    private int _filled;

    public string Path => path;

    public long Position => _bufferStart + _next;

    public long Left => end - Position;

    public byte ReadByte()
    {
        if (_next == _filled)
        {
            Refill();
        }

        return _buffer[_next++];
    }

    public void Fill(Span<byte> destination)
    {
        if (destination.Length > Left)
        {
            throw Ended();
        }

        while (!destination.IsEmpty)
        {
            if (_next == _filled)
            {
                Refill();
            }

            int count = Math.Min(destination.Length, _filled - _next);
            _buffer.AsSpan(_next, count).CopyTo(destination);
            _next += count;
            destination = destination[count..];
        }
    }

    public byte[] ReadBytes(ulong length)
    {
        if (length > (ulong)Left)
        {
            throw Fault.File(
                path, $"byte {Position}: {length} bytes are announced with {Left} left; expected them to fit.");
        }

        if (length > (ulong)Array.MaxLength)
        {
            throw Fault.File(path, $"byte {Position}: {length} bytes of text or data; expected at most {Array.MaxLength}.");
        }

        byte[] bytes = new byte[length];
        Fill(bytes);
        return bytes;
    }

    // Up to a line feed, which is taken and not given.
    public byte[] ReadLine(int most)
    {
        List<byte> line = [];
        for (byte value = ReadByte(); value != (byte)'\n'; value = ReadByte())
        {
            if (line.Count == most)
            {
                throw Fault.File(path, $"byte {Position}: a line longer than {most} bytes; expected a line feed before.");
            }

            line.Add(value);
        }

        return [.. line];
    }

    private void Refill()
    {
        _bufferStart += _filled;
        _next = 0;
        _filled = 0;
        int count = (int)Math.Min(_buffer.Length, end - _bufferStart);
        _filled = count <= 0 ? 0 : RandomAccess.Read(file, _buffer.AsSpan(0, count), _bufferStart);
        if (_filled <= 0)
        {
            _filled = 0;
            throw Ended();
        }
    }

    private InvalidDataException Ended() => Fault.File(path, $"byte {Position}: the pickle ends here; expected more of it.");
}
