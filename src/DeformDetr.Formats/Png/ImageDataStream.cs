namespace DeformDetr.Formats.Png;

// The data of all IDAT chunks as one stream: their boundaries mean nothing to zlib.
internal sealed class ImageDataStream(IReadOnlyList<byte[]> segments) : ForwardStream
{
    private int _segment;
    private int _offset;

    public override int Read(Span<byte> buffer)
    {
        while (_segment < segments.Count && _offset == segments[_segment].Length)
        {
            _segment++;
            _offset = 0;
        }

        if (_segment == segments.Count)
        {
            return 0;
        }

        int count = Math.Min(buffer.Length, segments[_segment].Length - _offset);
        segments[_segment].AsSpan(_offset, count).CopyTo(buffer);
        _offset += count;
        return count;
    }
}
