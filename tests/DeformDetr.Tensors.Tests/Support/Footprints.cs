using System.Numerics;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Tensors.Tests.Support;

// What an operand says of the memory that it is packed from. Sources count from 0: an element tells where it was read.
internal static class Footprints
{
    // The footprint lies in the source, and everything that was packed lies in the footprint.
    public static void Hold<T>(Footprint<T> reads, T[] source, ReadOnlySpan<T> packed, string what)
        where T : unmanaged, INumberBase<T>
    {
        Assert.Same(source, reads.Data);
        Assert.True(
            reads.Length == 0 || (reads.Start >= 0 && reads.Start + ((reads.Count - 1) * reads.Stride) + reads.Length <= source.Length),
            $"{what}: {reads} reaches out of {source.Length} elements.");
        foreach (T element in packed)
        {
            if (T.IsPositive(element) && !T.IsZero(element) && !T.IsNaN(element))
            {
                Assert.True(Has(reads, int.CreateChecked(element)), $"{what}: element {element} was packed from outside {reads}.");
            }
        }
    }

    // The first and the last row of a map that is read, as if all lay in its first channel.
    public static (int First, int Last) Rows<T>(Footprint<T> reads, int before, int height, int width)
    {
        int start = (reads.Start - before) % (height * width);
        Assert.Equal(0, start % width);
        Assert.Equal(0, reads.Length % width);
        Assert.True(reads.Count == 1 || reads.Stride == height * width);
        return (start / width, ((start + reads.Length) / width) - 1);
    }

    private static bool Has<T>(Footprint<T> reads, int index)
    {
        int from = index - reads.Start;
        int stretch = reads.Stride == 0 ? 0 : Math.Min(from / reads.Stride, reads.Count - 1);
        return from >= 0 && from - (stretch * reads.Stride) < reads.Length;
    }
}
