using System.Numerics;

namespace DeformDetr.Tensors.Operators;

// One operand of a product, as something that can be packed: lane by k.
internal interface IPanels<T>
    where T : unmanaged
{
    // Packs lanes [lane, lane + lanes) and depths [k, k + depth) as [k][width]; lanes <= width, the missing ones become zero.
    void Pack(int lane, int lanes, int k, int depth, int width, Span<T> panel);
}

// Element (lane, k) stands at data[offset + lane * stride + k]: rows of tokens, rows of weights.
internal readonly struct LaneMajorPanels<T>(T[] data, int offset, int stride) : IPanels<T>
    where T : unmanaged
{
    public void Pack(int lane, int lanes, int k, int depth, int width, Span<T> panel)
    {
        for (int row = 0; row < lanes; row++)
        {
            ReadOnlySpan<T> source = data.AsSpan(offset + ((lane + row) * stride) + k, depth);
            for (int step = 0, at = row; step < source.Length; step++, at += width)
            {
                panel[at] = source[step];
            }
        }

        for (int row = lanes; row < width; row++)
        {
            for (int step = 0, at = row; step < depth; step++, at += width)
            {
                panel[at] = default;
            }
        }
    }
}

// Element (lane, k) stands at data[offset + k * stride + lane]: a right-hand matrix, the maps of a 1x1 convolution.
internal readonly struct DepthMajorPanels<T>(T[] data, int offset, int stride) : IPanels<T>
    where T : unmanaged
{
    public void Pack(int lane, int lanes, int k, int depth, int width, Span<T> panel)
    {
        for (int step = 0; step < depth; step++)
        {
            Span<T> row = panel.Slice(step * width, width);
            data.AsSpan(offset + ((k + step) * stride) + lane, lanes).CopyTo(row);
            row[lanes..].Clear();
        }
    }
}

// What is done to a finished sum before it is stored, in the order that the separate operators have.
internal interface IEpilogue<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    TVector Apply<TLanes, TVector>(TVector sum, int row, int column)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct;

    T Apply(T sum, int row, int column);
}

internal readonly struct NoEpilogue<T> : IEpilogue<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public TVector Apply<TLanes, TVector>(TVector sum, int row, int column)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct => sum;

    public T Apply(T sum, int row, int column) => sum;
}

// A bias per column: the output features of a linear layer.
internal readonly struct ColumnBias<T>(T[] bias) : IEpilogue<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public TVector Apply<TLanes, TVector>(TVector sum, int row, int column)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct => TLanes.Add(sum, TLanes.Load(ref bias[0], (nuint)column));

    public T Apply(T sum, int row, int column) => sum + bias[column];
}

// A bias per row: the output channels of a convolution.
internal readonly struct RowBias<T>(T[] bias, int first) : IEpilogue<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public TVector Apply<TLanes, TVector>(TVector sum, int row, int column)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct => TLanes.Add(sum, TLanes.Broadcast(bias[first + row]));

    public T Apply(T sum, int row, int column) => sum + bias[first + row];
}
