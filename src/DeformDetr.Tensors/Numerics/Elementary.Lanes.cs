using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DeformDetr.Tensors.Numerics;

public static partial class Elementary
{
    /// <summary>
    /// What a definition may do with its numbers: one double (<see cref="Lane1"/>) or a vector of them. A comparison gives a mask, all ones
    /// or all zeros in a lane; the …Bits members take the lanes as 64-bit integers.
    /// </summary>
    /// <typeparam name="V">The implementing type.</typeparam>
    private interface ILanes<V>
        where V : struct, ILanes<V>
    {
        static abstract int Count { get; }

        static abstract implicit operator V(double value);

        static abstract V operator +(V a, V b);

        static abstract V operator -(V a, V b);

        static abstract V operator -(V a);

        static abstract V operator *(V a, V b);

        static abstract V operator /(V a, V b);

        static abstract V Fma(V a, V b, V c);

        static abstract V Abs(V a);

        static abstract V IsLess(V a, V b);

        static abstract V IsNumber(V a);

        static abstract bool AllLess(V a, V b);

        static abstract V Select(V mask, V whereSet, V elsewhere);

        static abstract V Bits(ulong value);

        static abstract V AndBits(V a, V b);

        static abstract V OrBits(V a, V b);

        static abstract V XorBits(V a, V b);

        static abstract V AddBits(V a, V b);

        static abstract V SubtractBits(V a, V b);

        static abstract V ShiftLeftBits(V a, int count);

        static abstract V ShiftRightBits(V a, int count);

        static abstract V Load(ReadOnlySpan<double> source);

        void Store(Span<double> destination);

        static abstract void LoadTwo(ReadOnlySpan<float> source, out V first, out V second);

        static abstract void StoreTwo(V first, V second, Span<float> destination);
    }

    /// <summary>One double.</summary>
    private readonly struct Lane1(double value) : ILanes<Lane1>
    {
        private readonly double _value = value;

        public static int Count => 1;

        private long AsBits => BitConverter.DoubleToInt64Bits(_value);

        public static implicit operator Lane1(double value) => new(value);

        public static explicit operator double(Lane1 lane) => lane._value;

        public static Lane1 operator +(Lane1 a, Lane1 b) => a._value + b._value;

        public static Lane1 operator -(Lane1 a, Lane1 b) => a._value - b._value;

        public static Lane1 operator -(Lane1 a) => -a._value;

        public static Lane1 operator *(Lane1 a, Lane1 b) => a._value * b._value;

        public static Lane1 operator /(Lane1 a, Lane1 b) => a._value / b._value;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lane1 Fma(Lane1 a, Lane1 b, Lane1 c) => Math.FusedMultiplyAdd(a._value, b._value, c._value);

        public static Lane1 Abs(Lane1 a) => Math.Abs(a._value);

        public static Lane1 IsLess(Lane1 a, Lane1 b) => FromBits(a._value < b._value ? -1L : 0L);

        public static Lane1 IsNumber(Lane1 a) => FromBits(double.IsNaN(a._value) ? 0L : -1L);

        public static bool AllLess(Lane1 a, Lane1 b) => a._value < b._value;

        // By bits: as a branch it would be mispredicted half the time (quadrants, signs).
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lane1 Select(Lane1 mask, Lane1 whereSet, Lane1 elsewhere) =>
            FromBits((mask.AsBits & whereSet.AsBits) | (~mask.AsBits & elsewhere.AsBits));

        public static Lane1 Bits(ulong value) => BitConverter.UInt64BitsToDouble(value);

        public static Lane1 AndBits(Lane1 a, Lane1 b) => FromBits(a.AsBits & b.AsBits);

        public static Lane1 OrBits(Lane1 a, Lane1 b) => FromBits(a.AsBits | b.AsBits);

        public static Lane1 XorBits(Lane1 a, Lane1 b) => FromBits(a.AsBits ^ b.AsBits);

        public static Lane1 AddBits(Lane1 a, Lane1 b) => FromBits(a.AsBits + b.AsBits);

        public static Lane1 SubtractBits(Lane1 a, Lane1 b) => FromBits(a.AsBits - b.AsBits);

        public static Lane1 ShiftLeftBits(Lane1 a, int count) => FromBits(a.AsBits << count);

        public static Lane1 ShiftRightBits(Lane1 a, int count) => FromBits(a.AsBits >>> count);

        public static Lane1 Load(ReadOnlySpan<double> source) => source[0];

        public void Store(Span<double> destination) => destination[0] = _value;

        public static void LoadTwo(ReadOnlySpan<float> source, out Lane1 first, out Lane1 second)
        {
            first = source[0];
            second = source[1];
        }

        public static void StoreTwo(Lane1 first, Lane1 second, Span<float> destination)
        {
            destination[0] = (float)first._value;
            destination[1] = (float)second._value;
        }

        private static Lane1 FromBits(long bits) => BitConverter.Int64BitsToDouble(bits);
    }

    /// <summary>Two doubles.</summary>
    private readonly struct Lanes128(Vector128<double> value) : ILanes<Lanes128>
    {
        private readonly Vector128<double> _value = value;

        public static int Count => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static implicit operator Lanes128(double value) => new(Vector128.Create(value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static explicit operator Vector128<double>(Lanes128 lanes) => lanes._value;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 operator +(Lanes128 a, Lanes128 b) => new(a._value + b._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 operator -(Lanes128 a, Lanes128 b) => new(a._value - b._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 operator -(Lanes128 a) => new(-a._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 operator *(Lanes128 a, Lanes128 b) => new(a._value * b._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 operator /(Lanes128 a, Lanes128 b) => new(a._value / b._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 Fma(Lanes128 a, Lanes128 b, Lanes128 c) => new(Vector128.FusedMultiplyAdd(a._value, b._value, c._value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 Abs(Lanes128 a) => new(Vector128.Abs(a._value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 IsLess(Lanes128 a, Lanes128 b) => new(Vector128.LessThan(a._value, b._value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 IsNumber(Lanes128 a) => new(Vector128.Equals(a._value, a._value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool AllLess(Lanes128 a, Lanes128 b) => Vector128.LessThanAll(a._value, b._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 Select(Lanes128 mask, Lanes128 whereSet, Lanes128 elsewhere) =>
            new(Vector128.ConditionalSelect(mask._value, whereSet._value, elsewhere._value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 Bits(ulong value) => new(Vector128.Create(value).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 AndBits(Lanes128 a, Lanes128 b) => new((a._value.AsUInt64() & b._value.AsUInt64()).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 OrBits(Lanes128 a, Lanes128 b) => new((a._value.AsUInt64() | b._value.AsUInt64()).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 XorBits(Lanes128 a, Lanes128 b) => new((a._value.AsUInt64() ^ b._value.AsUInt64()).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 AddBits(Lanes128 a, Lanes128 b) => new((a._value.AsUInt64() + b._value.AsUInt64()).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 SubtractBits(Lanes128 a, Lanes128 b) => new((a._value.AsUInt64() - b._value.AsUInt64()).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 ShiftLeftBits(Lanes128 a, int count) => new((a._value.AsUInt64() << count).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 ShiftRightBits(Lanes128 a, int count) => new((a._value.AsUInt64() >> count).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes128 Load(ReadOnlySpan<double> source) => new(Vector128.Create(source));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Store(Span<double> destination) => _value.CopyTo(destination);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadTwo(ReadOnlySpan<float> source, out Lanes128 first, out Lanes128 second)
        {
            (Vector128<double> lower, Vector128<double> upper) = Vector128.Widen(Vector128.Create(source));
            first = new(lower);
            second = new(upper);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreTwo(Lanes128 first, Lanes128 second, Span<float> destination) =>
            Vector128.Narrow(first._value, second._value).CopyTo(destination);
    }

    /// <summary>Four doubles.</summary>
    private readonly struct Lanes256(Vector256<double> value) : ILanes<Lanes256>
    {
        private readonly Vector256<double> _value = value;

        public static int Count => 4;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static implicit operator Lanes256(double value) => new(Vector256.Create(value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static explicit operator Vector256<double>(Lanes256 lanes) => lanes._value;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 operator +(Lanes256 a, Lanes256 b) => new(a._value + b._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 operator -(Lanes256 a, Lanes256 b) => new(a._value - b._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 operator -(Lanes256 a) => new(-a._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 operator *(Lanes256 a, Lanes256 b) => new(a._value * b._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 operator /(Lanes256 a, Lanes256 b) => new(a._value / b._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 Fma(Lanes256 a, Lanes256 b, Lanes256 c) => new(Vector256.FusedMultiplyAdd(a._value, b._value, c._value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 Abs(Lanes256 a) => new(Vector256.Abs(a._value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 IsLess(Lanes256 a, Lanes256 b) => new(Vector256.LessThan(a._value, b._value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 IsNumber(Lanes256 a) => new(Vector256.Equals(a._value, a._value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool AllLess(Lanes256 a, Lanes256 b) => Vector256.LessThanAll(a._value, b._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 Select(Lanes256 mask, Lanes256 whereSet, Lanes256 elsewhere) =>
            new(Vector256.ConditionalSelect(mask._value, whereSet._value, elsewhere._value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 Bits(ulong value) => new(Vector256.Create(value).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 AndBits(Lanes256 a, Lanes256 b) => new((a._value.AsUInt64() & b._value.AsUInt64()).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 OrBits(Lanes256 a, Lanes256 b) => new((a._value.AsUInt64() | b._value.AsUInt64()).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 XorBits(Lanes256 a, Lanes256 b) => new((a._value.AsUInt64() ^ b._value.AsUInt64()).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 AddBits(Lanes256 a, Lanes256 b) => new((a._value.AsUInt64() + b._value.AsUInt64()).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 SubtractBits(Lanes256 a, Lanes256 b) => new((a._value.AsUInt64() - b._value.AsUInt64()).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 ShiftLeftBits(Lanes256 a, int count) => new((a._value.AsUInt64() << count).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 ShiftRightBits(Lanes256 a, int count) => new((a._value.AsUInt64() >> count).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes256 Load(ReadOnlySpan<double> source) => new(Vector256.Create(source));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Store(Span<double> destination) => _value.CopyTo(destination);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadTwo(ReadOnlySpan<float> source, out Lanes256 first, out Lanes256 second)
        {
            (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(Vector256.Create(source));
            first = new(lower);
            second = new(upper);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreTwo(Lanes256 first, Lanes256 second, Span<float> destination) =>
            Vector256.Narrow(first._value, second._value).CopyTo(destination);
    }

    /// <summary>Eight doubles.</summary>
    private readonly struct Lanes512(Vector512<double> value) : ILanes<Lanes512>
    {
        private readonly Vector512<double> _value = value;

        public static int Count => 8;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static implicit operator Lanes512(double value) => new(Vector512.Create(value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static explicit operator Vector512<double>(Lanes512 lanes) => lanes._value;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 operator +(Lanes512 a, Lanes512 b) => new(a._value + b._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 operator -(Lanes512 a, Lanes512 b) => new(a._value - b._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 operator -(Lanes512 a) => new(-a._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 operator *(Lanes512 a, Lanes512 b) => new(a._value * b._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 operator /(Lanes512 a, Lanes512 b) => new(a._value / b._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 Fma(Lanes512 a, Lanes512 b, Lanes512 c) => new(Vector512.FusedMultiplyAdd(a._value, b._value, c._value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 Abs(Lanes512 a) => new(Vector512.Abs(a._value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 IsLess(Lanes512 a, Lanes512 b) => new(Vector512.LessThan(a._value, b._value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 IsNumber(Lanes512 a) => new(Vector512.Equals(a._value, a._value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static bool AllLess(Lanes512 a, Lanes512 b) => Vector512.LessThanAll(a._value, b._value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 Select(Lanes512 mask, Lanes512 whereSet, Lanes512 elsewhere) =>
            new(Vector512.ConditionalSelect(mask._value, whereSet._value, elsewhere._value));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 Bits(ulong value) => new(Vector512.Create(value).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 AndBits(Lanes512 a, Lanes512 b) => new((a._value.AsUInt64() & b._value.AsUInt64()).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 OrBits(Lanes512 a, Lanes512 b) => new((a._value.AsUInt64() | b._value.AsUInt64()).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 XorBits(Lanes512 a, Lanes512 b) => new((a._value.AsUInt64() ^ b._value.AsUInt64()).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 AddBits(Lanes512 a, Lanes512 b) => new((a._value.AsUInt64() + b._value.AsUInt64()).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 SubtractBits(Lanes512 a, Lanes512 b) => new((a._value.AsUInt64() - b._value.AsUInt64()).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 ShiftLeftBits(Lanes512 a, int count) => new((a._value.AsUInt64() << count).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 ShiftRightBits(Lanes512 a, int count) => new((a._value.AsUInt64() >> count).AsDouble());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Lanes512 Load(ReadOnlySpan<double> source) => new(Vector512.Create(source));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Store(Span<double> destination) => _value.CopyTo(destination);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadTwo(ReadOnlySpan<float> source, out Lanes512 first, out Lanes512 second)
        {
            (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(Vector512.Create(source));
            first = new(lower);
            second = new(upper);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void StoreTwo(Lanes512 first, Lanes512 second, Span<float> destination) =>
            Vector512.Narrow(first._value, second._value).CopyTo(destination);
    }
}
