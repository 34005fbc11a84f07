using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeformDetr.Tensors.Operators;

// What is done to a finished sum before it is stored, in the order of operations that the separate operators have. A sum stands at (row,
// column) of the product and at index at of the array that it goes to.
internal interface IEpilogue<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    TVector Apply<TLanes, TVector>(TVector sum, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct;

    // Two vectors, the second one behind the first: what a row of a tile has. What both need is read once.
    void ApplyBoth<TLanes, TVector>(ref TVector left, ref TVector right, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct;

    T Apply(T sum, int row, int column, int at);

    // For orders in which the bias is the first term of the sum: it is the product of these two.
    bool HasBias { get; }

    T BiasOfRow(int row);

    T BiasOfColumn(int column);

    // What is left to do then.
    TVector ApplyWithoutBias<TLanes, TVector>(TVector sum, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct;
}

internal readonly struct NoEpilogue<T> : IEpilogue<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Apply<TLanes, TVector>(TVector sum, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct => sum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ApplyBoth<TLanes, TVector>(ref TVector left, ref TVector right, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct
    {
    }

    public T Apply(T sum, int row, int column, int at) => sum;

    public bool HasBias => false;

    public T BiasOfRow(int row) => T.One;

    public T BiasOfColumn(int column) => T.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector ApplyWithoutBias<TLanes, TVector>(TVector sum, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct => sum;
}

// A bias per column: the output features of a linear layer.
internal readonly struct ColumnBias<T>(Place<T> bias) : IEpilogue<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly T[] _bias = bias.Array;
    private readonly int _first = bias.Start;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Apply<TLanes, TVector>(TVector sum, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct => TLanes.Add(sum, TLanes.Load(in _bias[_first + column], 0));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ApplyBoth<TLanes, TVector>(ref TVector left, ref TVector right, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct
    {
        ref T term = ref _bias[_first + column];
        left = TLanes.Add(left, TLanes.Load(ref term, 0));
        right = TLanes.Add(right, TLanes.Load(ref term, (nuint)TLanes.Count));
    }

    public T Apply(T sum, int row, int column, int at) => sum + _bias[_first + column];

    public bool HasBias => true;

    public T BiasOfRow(int row) => T.One;

    public T BiasOfColumn(int column) => _bias[_first + column];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector ApplyWithoutBias<TLanes, TVector>(TVector sum, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct => sum;
}

// A bias per column, then the positive part: the first half of a feed-forward block.
internal readonly struct ColumnBiasRelu<T>(Place<T> bias) : IEpilogue<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly T[] _bias = bias.Array;
    private readonly int _first = bias.Start;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Apply<TLanes, TVector>(TVector sum, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct => TLanes.Positive(TLanes.Add(sum, TLanes.Load(in _bias[_first + column], 0)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ApplyBoth<TLanes, TVector>(ref TVector left, ref TVector right, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct
    {
        ref T term = ref _bias[_first + column];
        left = TLanes.Positive(TLanes.Add(left, TLanes.Load(ref term, 0)));
        right = TLanes.Positive(TLanes.Add(right, TLanes.Load(ref term, (nuint)TLanes.Count)));
    }

    public T Apply(T sum, int row, int column, int at) => T.Max(sum + _bias[_first + column], T.Zero);

    public bool HasBias => true;

    public T BiasOfRow(int row) => T.One;

    public T BiasOfColumn(int column) => _bias[_first + column];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector ApplyWithoutBias<TLanes, TVector>(TVector sum, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct => TLanes.Positive(sum);
}

// A bias per row: the output channels of a convolution.
internal readonly struct RowBias<T>(Place<T> bias) : IEpilogue<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly T[] _bias = bias.Array;
    private readonly int _first = bias.Start;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Apply<TLanes, TVector>(TVector sum, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct => TLanes.Add(sum, TLanes.Broadcast(_bias[_first + row]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ApplyBoth<TLanes, TVector>(ref TVector left, ref TVector right, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct
    {
        TVector term = TLanes.Broadcast(_bias[_first + row]);
        left = TLanes.Add(left, term);
        right = TLanes.Add(right, term);
    }

    public T Apply(T sum, int row, int column, int at) => sum + _bias[_first + row];

    public bool HasBias => true;

    public T BiasOfRow(int row) => _bias[_first + row];

    public T BiasOfColumn(int column) => T.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector ApplyWithoutBias<TLanes, TVector>(TVector sum, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct => sum;
}

// Factor and shift per row, fused (a frozen norm over the output channels of a convolution); then, where there is one, the residual, which
// lies like the output, so many elements apart, in an array of its own; then, if asked, the positive part.
internal readonly struct RowNorm<T>(T[] scale, T[] shift, int first, T[]? residual, int apart, bool relu) : IEpilogue<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Apply<TLanes, TVector>(TVector sum, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct
    {
        TVector result = TLanes.MultiplyAdd(sum, TLanes.Broadcast(scale[first + row]), TLanes.Broadcast(shift[first + row]));
        if (residual is not null)
        {
            result = TLanes.Add(result, TLanes.Load(in residual[at + apart], 0));
        }

        return relu ? TLanes.Positive(result) : result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ApplyBoth<TLanes, TVector>(ref TVector left, ref TVector right, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct
    {
        TVector factor = TLanes.Broadcast(scale[first + row]);
        TVector term = TLanes.Broadcast(shift[first + row]);
        left = TLanes.MultiplyAdd(left, factor, term);
        right = TLanes.MultiplyAdd(right, factor, term);
        if (residual is not null)
        {
            ref T other = ref residual[at + apart];
            left = TLanes.Add(left, TLanes.Load(ref other, 0));
            right = TLanes.Add(right, TLanes.Load(ref other, (nuint)TLanes.Count));
        }

        if (relu)
        {
            left = TLanes.Positive(left);
            right = TLanes.Positive(right);
        }
    }

    public T Apply(T sum, int row, int column, int at)
    {
        T result = T.FusedMultiplyAdd(sum, scale[first + row], shift[first + row]);
        if (residual is not null)
        {
            result += residual[at + apart];
        }

        return relu ? T.Max(result, T.Zero) : result;
    }

    public bool HasBias => false;

    public T BiasOfRow(int row) => T.One;

    public T BiasOfColumn(int column) => T.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector ApplyWithoutBias<TLanes, TVector>(TVector sum, int row, int column, int at)
        where TLanes : struct, Simd.ILanes<TVector, T>
        where TVector : struct => Apply<TLanes, TVector>(sum, row, column, at);
}
