using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DeformDetr.Oracle;

// The loops of noise that every element of a full-size run goes through, eight at a time, settled as NoiseUnit does.
internal static class NoiseLanes
{
    // A sum's magnitudes in units, what is added to each or to all, and the last rounding.
    public static void Sum(
        NoiseUnit unit, ReadOnlySpan<float> sums, double scale, ReadOnlySpan<double> added, double shared, ReadOnlySpan<double> y,
        Span<double> noise)
    {
        int i = 0;
        Lanes lanes = new(unit);
        for (; i + 8 <= y.Length; i += 8)
        {
            Vector512<double> value = Load(y, i);
            Vector256<float> narrow = Vector256.LoadUnsafe(ref MemoryMarshal.GetReference(sums), (nuint)i);
            Vector512<double> sum = Vector512.Create(Vector256.WidenLower(narrow), Vector256.WidenUpper(narrow)) * scale;
            sum += added.Length == 0 ? Vector512.Create(shared) : Load(added, i);
            lanes.Settle(sum + (Vector512.Abs(value) * unit.Epsilon), value).CopyTo(noise[i..]);
        }

        for (; i < y.Length; i++)
        {
            double sum = (sums[i] * scale) + (added.Length == 0 ? shared : added[i]);
            noise[i] = unit.Settle(sum + (Math.Abs(y[i]) * unit.Epsilon), y[i]);
        }
    }

    // slope · |x| + shared + rounding · |y|.
    public static void Affine(
        NoiseUnit unit, ReadOnlySpan<double> x, double slope, double shared, double rounding, ReadOnlySpan<double> y, Span<double> noise)
    {
        int i = 0;
        Lanes lanes = new(unit);
        for (; i + 8 <= y.Length; i += 8)
        {
            Vector512<double> value = Load(y, i);
            Vector512<double> own = (Vector512.Abs(value) * rounding) + Vector512.Create(shared);
            own += Vector512.Abs(Load(x, i)) * slope;
            lanes.Settle(own, value).CopyTo(noise[i..]);
        }

        for (; i < y.Length; i++)
        {
            noise[i] = unit.Settle((Math.Abs(y[i]) * rounding) + shared + (Math.Abs(x[i]) * slope), y[i]);
        }
    }

    // scale · |x| + up · noise, as float32.
    public static void Magnitudes(ReadOnlySpan<double> x, double scale, ReadOnlySpan<double> noise, double up, Span<float> to)
    {
        int i = 0;
        for (; i + 16 <= x.Length; i += 16)
        {
            Vector512<double> low = Vector512.Abs(Load(x, i)) * scale;
            Vector512<double> high = Vector512.Abs(Load(x, i + 8)) * scale;
            if (noise.Length != 0)
            {
                low += Load(noise, i) * up;
                high += Load(noise, i + 8) * up;
            }

            Vector512.Narrow(low, high).CopyTo(to[i..]);
        }

        for (; i < x.Length; i++)
        {
            double own = Math.Abs(x[i]) * scale;
            to[i] = (float)(noise.Length == 0 ? own : own + (noise[i] * up));
        }
    }

    private static Vector512<double> Load(ReadOnlySpan<double> from, int at) =>
        Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(from), (nuint)at);

    private readonly struct Lanes(NoiseUnit unit)
    {
        private readonly Vector512<double> _floor = Vector512.Create(unit.Floor);
        private readonly Vector512<double> _reach = Vector512.Create(unit.Reach);
        private readonly Vector512<double> _largest = Vector512.Create(unit.Largest);
        private readonly Vector512<double> _finite = Vector512.Create(double.MaxValue);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<double> Settle(Vector512<double> noise, Vector512<double> value)
        {
            Vector512<double> size = Vector512.Abs(value);
            Vector512<double> lost = Vector512.GreaterThan(size, Vector512<double>.Zero) & Vector512.LessThan(size, _floor);
            Vector512<double> small = Vector512.LessThan(noise, _reach)
                & (Vector512.GreaterThan(noise, Vector512<double>.Zero) | lost);
            noise += _floor & small;
            noise = Vector512.ConditionalSelect(
                Vector512.LessThanOrEqual(size + noise, _largest), noise, Vector512.Create(double.PositiveInfinity));
            return noise & Vector512.LessThanOrEqual(size, _finite);
        }
    }
}
