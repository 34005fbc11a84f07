namespace DeformDetr.Formats.Jpeg;

// One colour plane of a frame: how it is sampled, and, as scans are read, what it holds.
internal sealed class JpegComponent
{
    public required byte Id { get; init; }

    // Samples of this plane per MCU and axis, in blocks: 1 to 4.
    public required int Horizontal { get; init; }

    public required int Vertical { get; init; }

    public required int QuantizationSlot { get; init; }

    // Samples that the picture needs.
    public int Width { get; private set; }

    public int Height { get; private set; }

    // Blocks of 8 x 8 samples, in a scan of this plane alone.
    public int BlocksAcross { get; private set; }

    public int BlocksDown { get; private set; }

    // Blocks with those that fill up the last MCUs: the shape of Samples and Coefficients.
    public int StoredAcross { get; private set; }

    public int StoredDown { get; private set; }

    public int Stride => 8 * StoredAcross;

    // Steps of the coefficients, in natural order; those in force when the plane's first scan begins.
    public ushort[]? Steps { get; set; }

    // Down and across, Stride to the row; empty until the plane is decoded.
    public byte[] Samples { get; private set; } = [];

    // 64 to the block, in natural order; progressive pictures only.
    public short[] Coefficients { get; private set; } = [];

    // Per coefficient (in zigzag order) how many low bits are still missing; -1 where nothing has come yet.
    public sbyte[] MissingBits { get; } = [.. Enumerable.Repeat((sbyte)-1, 64)];

    public void Measure(int width, int height, int mostHorizontal, int mostVertical)
    {
        Width = CeilDivide(width * Horizontal, mostHorizontal);
        Height = CeilDivide(height * Vertical, mostVertical);
        BlocksAcross = CeilDivide(Width, 8);
        BlocksDown = CeilDivide(Height, 8);
        StoredAcross = CeilDivide(width, 8 * mostHorizontal) * Horizontal;
        StoredDown = CeilDivide(height, 8 * mostVertical) * Vertical;
    }

    public void StoreSamples() => Samples = new byte[64L * StoredAcross * StoredDown];

    public void StoreCoefficients() => Coefficients = new short[64L * StoredAcross * StoredDown];

    // The samples of all coefficients, which are then given up.
    public void Transform()
    {
        StoreSamples();
        for (int row = 0; row < BlocksDown; row++)
        {
            for (int column = 0; column < BlocksAcross; column++)
            {
                ReadOnlySpan<short> block = Coefficients.AsSpan(64 * ((row * StoredAcross) + column), 64);
                InverseDct.Transform(block, Steps, Samples.AsSpan(8 * ((row * Stride) + column)), Stride);
            }
        }

        Coefficients = [];
    }

    private static int CeilDivide(int value, int by) => (value + by - 1) / by;
}
