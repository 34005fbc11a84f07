using System.Buffers.Binary;

namespace DeformDetr.Fuzz;

internal sealed class JpegFileReader : PictureReader
{
    public JpegFileReader(Scratch scratch)
        : base("jpeg", scratch)
    {
        Seeds = Repository.Smallest("cases/jpeg-formats", "*.jpg", 100, 3000);
        Mutators = JpegMutators.All;
    }

    // A block of 64 coefficients in one bit: twice for its coefficients, once for samples, three times for pixels; more where blocks fill up an MCU.
    public override int AllocationPerByte => 8 * 64 * 16;

    protected override (int Height, int Width) SizeIn(byte[] content)
    {
        for (int at = 2; at + 9 < content.Length; at++)
        {
            if (content[at] != 0xFF || content[at + 1] is 0 or 0xFF or 1 or (>= 0xD0 and <= 0xD7))
            {
                continue;
            }

            if (content[at + 1] is 0xC0 or 0xC1 or 0xC2)
            {
                return (BinaryPrimitives.ReadUInt16BigEndian(content.AsSpan(at + 5)), BinaryPrimitives.ReadUInt16BigEndian(content.AsSpan(at + 7)));
            }

            at += 1 + BinaryPrimitives.ReadUInt16BigEndian(content.AsSpan(at + 2));
        }

        return (0, 0);
    }
}
