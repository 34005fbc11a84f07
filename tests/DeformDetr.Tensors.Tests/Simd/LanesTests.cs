using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors.Simd;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Simd;

// Every operation, lane by lane, has the bits of the scalar one, on numbers with zeros of both signs, infinities, subnormals and NaN among them.
public class LanesTests
{
    private delegate TVector Ternary<TVector>(TVector a, TVector b, TVector c);

    [Fact]
    public void Lanes_128() => All<Lanes128<float>, Vector128<float>, float, Lanes128<double>, Vector128<double>>(4);

    [Fact]
    public void Lanes_256() => All<Lanes256<float>, Vector256<float>, float, Lanes256<double>, Vector256<double>>(8);

    [Fact]
    public void Lanes_512() => All<Lanes512<float>, Vector512<float>, float, Lanes512<double>, Vector512<double>>(16);

    [Fact]
    public void Double_lanes_128() => Wide<DoubleLanes128, Vector128<double>>(2);

    [Fact]
    public void Double_lanes_256() => Wide<DoubleLanes256, Vector256<double>>(4);

    [Fact]
    public void Double_lanes_512() => Wide<DoubleLanes512, Vector512<double>>(8);

    private static void All<TFloats, TFloatVector, T, TDoubles, TDoubleVector>(int floats)
        where TFloats : struct, ILanes<TFloatVector, float>
        where TFloatVector : struct
        where TDoubles : struct, ILanes<TDoubleVector, double>
        where TDoubleVector : struct
    {
        Assert.Equal(floats, TFloats.Count);
        Assert.Equal(floats / 2, TDoubles.Count);
        Operations<TFloats, TFloatVector, float>();
        Operations<TDoubles, TDoubleVector, double>();
    }

    private static void Wide<TLanes, TVector>(int count)
        where TLanes : struct, IDoubleLanes<TVector>
        where TVector : struct
    {
        Assert.Equal(count, TLanes.Count);
        Operations<TLanes, TVector, double>();

        Check<TLanes, TVector, double>((a, _, _) => TLanes.Floor(a), (a, _, _) => Math.Floor(a));
        double[] sums =
        [
            -2.5, -1, -0.75, -0.0, 0.25, 1, 1.999999999999999, 4503599627370495.5,
            -4503599627370495.5, -1e-300, 1e300, 3, -3, 7.5, -8.5, 0.5,
        ];
        double[] floors = new double[sums.Length];
        for (int at = 0; at < sums.Length; at += count)
        {
            TLanes.Store(TLanes.Floor(TLanes.Load(in sums[0], (nuint)at)), ref floors[0], (nuint)at);
        }

        Comparison.SameBits<double>([-3, -1, -1, -0.0, 0, 1, 1, 4503599627370495, -4503599627370496, -1, 1e300, 3, -3, 7, -9, 0], floors);

        // Floats in and out: widened exactly, rounded to nearest even, and nothing beside them touched.
        float[] source = [.. Special<float>().AsSpan()];
        for (int at = 0; at + count <= source.Length; at++)
        {
            double[] widened = new double[count];
            TLanes.Store(TLanes.Load(ref source[0], (nuint)at), ref widened[0], 0);
            Assert.Equal(source.Skip(at).Take(count).Select(v => (double)v), widened);
            float[] target = [.. Enumerable.Repeat(77f, source.Length)];
            Lanes.Store<TLanes, TVector, float>(Lanes.Load<TLanes, TVector, float>(in source[0], (nuint)at), ref target[0], (nuint)at);
            Assert.Equal([.. Enumerable.Repeat(77f, at), .. source[at..(at + count)], .. Enumerable.Repeat(77f, source.Length - at - count)], target);
        }

        double[] values = [1 + (1.0 / (1 << 24)), 1 + (3.0 / (1 << 24)), 1e300, 1e-300, -1e-46, 3.4028235677973366e38, 0.1, -0.0];
        float[] rounded = new float[values.Length];
        for (int at = 0; at < values.Length; at += count)
        {
            Lanes.Store<TLanes, TVector, float>(Lanes.Load<TLanes, TVector, double>(in values[0], (nuint)at), ref rounded[0], (nuint)at);
        }

        Comparison.SameBits<float>([.. values.Select(v => (float)v)], rounded);
        double[] copied = new double[values.Length];
        Lanes.Store<TLanes, TVector, double>(Lanes.Load<TLanes, TVector, double>(in values[0], 0), ref copied[0], 0);
        Comparison.SameBits<double>(values.AsSpan(0, count), copied.AsSpan(0, count));
    }

    private static void Operations<TLanes, TVector, T>()
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Check<TLanes, TVector, T>(TLanes.MultiplyAdd, T.FusedMultiplyAdd);
        Check<TLanes, TVector, T>((a, b, _) => TLanes.Add(a, b), (a, b, _) => a + b);
        Check<TLanes, TVector, T>((a, b, _) => TLanes.Subtract(a, b), (a, b, _) => a - b);
        Check<TLanes, TVector, T>((a, b, _) => TLanes.Multiply(a, b), (a, b, _) => a * b);
        Check<TLanes, TVector, T>((a, b, _) => TLanes.Divide(a, b), (a, b, _) => a / b);
        Check<TLanes, TVector, T>((a, b, _) => TLanes.Max(a, b), (a, b, _) => T.Max(a, b));
        Check<TLanes, TVector, T>((_, _, _) => TLanes.Zero, (_, _, _) => T.Zero);

        // +0 for what isn't above zero, the zero with a sign among it; NaN is neither.
        Check<TLanes, TVector, T>((a, _, _) => TLanes.Positive(a), (a, _, _) => a > T.Zero || T.IsNaN(a) ? a : T.Zero);
        foreach (T value in Special<T>().AsSpan())
        {
            Check<TLanes, TVector, T>((_, _, _) => TLanes.Broadcast(value), (_, _, _) => value);
        }
    }

    private static void Check<TLanes, TVector, T>(Ternary<TVector> lanes, Ternary<T> scalar)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        // Each number meets each other one, at changing lanes; the addend is one that cancels the rounded product now and then.
        T[] special = [.. Special<T>().AsSpan()];
        int pairs = special.Length * special.Length;
        T[] a = [.. Enumerable.Range(0, pairs).Select(i => special[i / special.Length])];
        T[] b = [.. Enumerable.Range(0, pairs).Select(i => special[i % special.Length])];
        T[] c = [.. Enumerable.Range(0, pairs).Select(i => i % 3 == 0 ? -(a[i] * b[i]) : special[i * 7 % special.Length])];
        int count = TLanes.Count;
        T[] result = new T[count];
        for (int at = 0; at + count <= pairs; at += count - 1)
        {
            TLanes.Store(lanes(TLanes.Load(in a[0], (nuint)at), TLanes.Load(in b[0], (nuint)at), TLanes.Load(in c[0], (nuint)at)), ref result[0], 0);
            for (int lane = 0; lane < count; lane++)
            {
                T expected = scalar(a[at + lane], b[at + lane], c[at + lane]);
                bool same = T.IsNaN(expected) ? T.IsNaN(result[lane]) : MemoryMarshal.AsBytes([expected]).SequenceEqual(MemoryMarshal.AsBytes([result[lane]]));
                Assert.True(same, $"{typeof(TVector)} lane {lane}: {result[lane]}; expected {expected} of {a[at + lane]}, {b[at + lane]}, {c[at + lane]}.");
            }
        }
    }

    private static Tensor<T> Special<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] edges = [T.Zero, T.NegativeZero, T.One, T.NegativeOne, T.Epsilon, -T.Epsilon, T.PositiveInfinity, T.NegativeInfinity, T.NaN, T.Pi, T.BitDecrement(T.PositiveInfinity)];
        T[] drawn = [.. Values.Draw<T>(new Random(3), 16).AsSpan()];
        return Tensor<T>.FromArray([27], [.. edges, .. drawn]);
    }
}
