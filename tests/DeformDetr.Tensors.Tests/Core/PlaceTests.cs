using System.Numerics;
using System.Runtime;
using System.Runtime.InteropServices;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Core;

// Tensors that begin somewhere in their arrays, as large ones do.
public class PlaceTests
{
    private static readonly SummationOrder[] Orders =
        [SummationOrder.House, new() { Block = 8 }, new() { Block = SummationOrder.OneChain, BiasFirst = true }];

    [Theory]
    [InlineData(1, true)]
    [InlineData(1000, true)]
    [InlineData(21_249, true)]
    [InlineData(21_250, true)]
    [InlineData(300_001, true)]
    [InlineData(300_001, false)]
    public void Large_tensors_begin_at_a_cache_line(int length, bool scoped)
    {
        OperatorContext context = new();
        using BufferScope? scope = scoped ? context.Scope() : null;
        for (int turn = 0; turn < 3; turn++)
        {
            using BufferScope inner = context.Scope();
            Check(context.Rent<float>([length]), length >= 21_250);
            Check(context.Rent<double>([length]), length >= 10_625);
            Check(context.Rent<byte>([length]), length >= 85_000);
        }

        void Check<T>(Tensor<T> tensor, bool aligned)
            where T : unmanaged
        {
            Assert.Equal(length, tensor.AsSpan().Length);
            Assert.Equal(length, tensor.AsReadOnlySpan().Length);
            Place<T> at = tensor.At();
            Assert.True(at.Start + length <= at.Array.Length, $"{length} elements from {at.Start} on in an array of {at.Array.Length}");
            if (aligned)
            {
                Assert.Equal(0, Marshal.UnsafeAddrOfPinnedArrayElement(at.Array, at.Start) % 64);
            }
            else
            {
                Assert.Equal(0, at.Start);
            }
        }
    }

    [Fact]
    public void Spans_indices_views_and_copies_begin_where_the_tensor_does()
    {
        Tensor<int> tensor = new([2, 3], new TensorStorage<int>([9, 9, 1, 2, 3, 4, 5, 6, 9], 2));
        Assert.Equal([1, 2, 3, 4, 5, 6], tensor.AsSpan().ToArray());
        Assert.Equal([1, 2, 3, 4, 5, 6], tensor.AsReadOnlySpan().ToArray());
        Assert.Equal(6, tensor[1, 2]);
        Assert.Equal(3, tensor.Reshape([3, 2])[1, 0]);
        Assert.Equal([1, 2, 3, 4, 5, 6], tensor.Clone().AsSpan().ToArray());
        Assert.Equal(4, tensor.AsTensorSpan()[1, 0]);
        Assert.Equal([4, 5], tensor.At(3).Span(0, 2).ToArray());
        Assert.Equal([5, 6], tensor.At().Span(4, 2).ToArray());
    }

    // What operators read and write through places must be what they read and write through spans.
    [Fact]
    public void Operators_give_the_same_bits_wherever_their_tensors_begin()
    {
        Products<float>();
        Products<double>();
        Convolutions<float>();
        Convolutions<double>();
    }

    [Fact]
    public void They_stay_where_they_are_when_the_collector_moves_large_objects()
    {
        OperatorContext context = new();
        List<Tensor<float>> tensors = [];
        List<byte[]> holes = [];
        for (int n = 0; n < 20; n++)
        {
            tensors.Add(context.Rent<float>([30_000]));
            holes.Add(new byte[100_000 + (8 * n)]);
        }

        holes.Clear();
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        foreach (Tensor<float> tensor in tensors)
        {
            Assert.Equal(0, Marshal.UnsafeAddrOfPinnedArrayElement(tensor.At().Array, tensor.At().Start) % 64);
        }
    }

    private static void Products<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Random random = new(5);
        foreach ((int rows, int depth, int columns) in new[] { (7, 5, 3), (70, 300, 45), (20, 30, 90), (300, 20, 90) })
        {
            foreach (SummationOrder order in Orders)
            {
                OperatorContext context = new(Kernels.Simd, 2) { SummationOrder = order };
                Tensor<T> x = Values.Draw<T>(random, rows, depth);
                Tensor<T> weight = Values.Draw<T>(random, columns, depth);
                Tensor<T> bias = Values.Draw<T>(random, columns);
                Tensor<T> after = Values.Draw<T>(random, 9, columns);
                Tensor<T> biasAfter = Values.Draw<T>(random, 9);
                Tensor<T> mapped = Linear.Forward(context, x, weight, bias);
                Comparison.SameBits(mapped, Linear.Forward(context, Moved(x, 3), Moved(weight, 5), Moved(bias, 7)));
                Comparison.SameBits(Linear.Forward(context, x, weight, null), Linear.Forward(context, Moved(x, 1), Moved(weight, 2), null));

                using PackedLinear<T> first = new(context, Moved(weight, 4), Moved(bias, 9));
                using PackedLinear<T> second = new(context, Moved(after, 6), Moved(biasAfter, 1));
                Tensor<T> output = Moved(new Tensor<T>([rows, columns]), 11);
                first.Rows(Moved(x, 3), 0, rows, output, 0);
                Comparison.SameBits(mapped, output);
                Tensor<T> through = Moved(new Tensor<T>([rows, 9]), 13);
                first.RowsThrough(second, Moved(x, 2), 0, rows, through, 0);
                Comparison.SameBits(Linear.Forward(context, Relu.Forward(context, mapped), after, biasAfter), through);

                Tensor<T> a = Values.Draw<T>(random, 3, rows, depth);
                Tensor<T> b = Values.Draw<T>(random, 3, depth, columns);
                Comparison.SameBits(MatMul.Forward(context, a, b), MatMul.Forward(context, Moved(a, 3), Moved(b, 5)));
                Tensor<T> turned = Permute.Forward(context, b, 0, 2, 1);
                Comparison.SameBits(
                    MatMul.Forward(context, a, turned, transposed: true), MatMul.Forward(context, Moved(a, 3), Moved(turned, 5), transposed: true));
            }
        }
    }

    private static void Convolutions<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        // Pointwise, pointwise with a stride, windows, patches; the last in two groups.
        (int Outputs, int Kernel, Conv2dWindow Window)[] all =
            [(6, 1, new()), (6, 1, new(2)), (6, 3, new(1, 1)), (80, 3, new(2, 1)), (6, 1, new(1, 0, 1, 2)), (6, 3, new(1, 1, 1, 2)), (160, 3, new(1, 1, 1, 2))];
        Random random = new(6);
        foreach ((int outputs, int kernel, Conv2dWindow window, SummationOrder order) in all.SelectMany(c => Orders.Select(order => (c.Outputs, c.Kernel, c.Window, order))))
        {
            OperatorContext context = new(Kernels.Simd, 2) { SummationOrder = order };
            Tensor<T> x = Values.Draw<T>(random, 2, 4, 9, 40);
            Tensor<T> weight = Values.Draw<T>(random, outputs, 4 / window.Groups, kernel, kernel);
            Tensor<T> bias = Values.Draw<T>(random, outputs);
            FrozenNorm<T> norm = new(
                Values.Draw<T>(random, outputs), Values.Draw<T>(random, outputs), Values.Draw<T>(random, outputs),
                Tensor<T>.Create([outputs], [.. Enumerable.Range(1, outputs).Select(T.CreateTruncating)]));
            Tensor<T> y = Conv2d.Forward(context, x, weight, bias, window);
            Comparison.SameBits(y, Conv2d.Forward(context, Moved(x, 3), Moved(weight, 5), Moved(bias, 7), window));
            Tensor<T> residual = Values.Draw<T>(random, y.Shape.Sizes);
            Comparison.SameBits(
                Conv2d.ForwardNormed(context, x, weight, window, norm, residual, true),
                Conv2d.ForwardNormed(context, Moved(x, 3), Moved(weight, 5), window, norm, Moved(residual, 7), true));
        }
    }

    // The same tensor, so many elements into an array of its own with other numbers before and behind it.
    private static Tensor<T> Moved<T>(Tensor<T> tensor, int start)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] array = new T[start + tensor.Length + 4];
        Array.Fill(array, T.CreateTruncating(-777));
        tensor.AsReadOnlySpan().CopyTo(array.AsSpan(start));
        return new Tensor<T>(tensor.Shape, new TensorStorage<T>(array, start));
    }
}
