using System.Buffers.Binary;

namespace DeformDetr.Fuzz;

internal sealed class PngFileReader : PictureReader
{
    public PngFileReader(Scratch scratch)
        : base("png", scratch)
    {
        Seeds = Repository.Smallest("cases/png-formats", "*.png", 60, 1 << 13);
        Mutators = PngMutators.All;
    }

    // Pixels of one bit that deflate has made of nothing, each three bytes; and the rows.
    public override int AllocationPerByte => 1032 * 8 * 3;

    protected override bool HasChecksums => true;

    protected override (int Height, int Width) SizeIn(byte[] content) =>
        (BinaryPrimitives.ReadInt32BigEndian(content.AsSpan(20)), BinaryPrimitives.ReadInt32BigEndian(content.AsSpan(16)));
}
