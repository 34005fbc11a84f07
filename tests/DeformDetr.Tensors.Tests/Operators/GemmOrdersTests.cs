using System.Numerics;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Simd;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class GemmOrdersTests
{
    private static readonly SummationOrder[] Orders =
    [
        new() { Block = 64 },
        new() { Block = 8 },
        new() { Block = 1 },
        new() { Block = SummationOrder.OneChain },
        new() { Block = SummationOrder.OneChain, BiasFirst = true },
        new() { Block = SummationOrder.OneChain, Unfused = true },
        new() { Block = 64, Terms = TermOrder.Descending, BiasFirst = true },
        new() { Terms = TermOrder.Descending, Unfused = true },
        new() { Block = 8, Pairwise = true, Unfused = true },
        new() { Block = 3, Pairwise = true, Terms = TermOrder.Descending },
        new() { Terms = TermOrder.Interleaved },
        new() { Terms = TermOrder.Interleaved, Pairwise = true, Unfused = true, BiasFirst = true },
    ];

    public static TheoryData<int> Depths => [0, 1, 2, 5, 8, 9, 63, 64, 65, 100, 256, 257, 523];

    [Theory]
    [MemberData(nameof(Depths))]
    public void Every_order_has_the_bits_of_its_definition_at_every_width(int depth)
    {
        foreach ((int rows, int columns) in new[] { (1, 1), (7, 12), (13, 65), (33, 11), (31, 33) })
        {
            foreach (SummationOrder order in Orders)
            {
                Widths<float>(order, rows, columns, depth);
                Widths<double>(order, rows, columns, depth);
            }
        }

        static void Widths<T>(SummationOrder order, int rows, int columns, int depth)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Tensor<T> a = Values.Draw<T>(new Random(depth), rows, depth);
            Tensor<T> b = Values.Draw<T>(new Random(depth + 1), columns, depth);
            Tensor<T> bias = Values.Draw<T>(new Random(depth + 2), columns);
            Tensor<T> expected = Product(order, a, b, bias);
            string what = $"{order}, {rows} x {columns} x {depth}";
            Comparison.SameBits(expected, At<Lanes128<T>, Vector128<T>, T>(order, a, b, bias), $"128: {what}");
            Comparison.SameBits(expected, At<Lanes256<T>, Vector256<T>, T>(order, a, b, bias), $"256: {what}");
            Comparison.SameBits(expected, At<Lanes512<T>, Vector512<T>, T>(order, a, b, bias), $"512: {what}");
        }
    }

    [Fact]
    public void The_house_order_through_the_other_orders_code_has_the_house_bits()
    {
        foreach ((int rows, int columns, int depth) in new[] { (40, 70, 700), (400, 40, 520), (5, 5, 256), (3, 9, 1) })
        {
            Tensor<float> a = Values.Draw<float>(new Random(1), rows, depth);
            Tensor<float> b = Values.Draw<float>(new Random(2), columns, depth);
            Tensor<float> bias = Values.Draw<float>(new Random(3), columns);
            Tensor<float> house = Linear.Forward(new OperatorContext(Kernels.Simd), a, b, bias);
            Comparison.SameBits(house, At<Lanes256<float>, Vector256<float>, float>(SummationOrder.House, a, b, bias), "house");
        }
    }

    [Fact]
    public void Sums_of_small_integers_are_exact_in_every_order_so_no_term_is_lost_or_doubled()
    {
        foreach (SummationOrder order in Orders)
        {
            OperatorContext context = new(Kernels.Simd, 2) { SummationOrder = order };
            foreach (int depth in new[] { 1, 7, 63, 65, 130, 257, 1000 })
            {
                Tensor<float> a = Integers(new Random(depth), 37, depth);
                Tensor<float> b = Integers(new Random(depth + 1), 71, depth);
                Tensor<float> bias = Integers(new Random(depth + 2), 71);
                Assert.Null(FirstDifference(a, b, bias, Linear.Forward(context, a, b, bias)));
                Assert.Null(FirstDifference(b, a, null, MatMul.Forward(context, b, a, transposed: true)));
            }
        }
    }

    [Fact]
    public void A_dropped_term_is_seen()
    {
        Tensor<float> a = Integers(new Random(1), 37, 130);
        Tensor<float> b = Integers(new Random(2), 71, 130);
        Tensor<float> dropped = a.Clone();
        for (int row = 0; row < 37; row++)
        {
            dropped[row, 129] = 0;
        }

        foreach (SummationOrder order in Orders)
        {
            OperatorContext context = new(Kernels.Simd) { SummationOrder = order };
            Assert.NotNull(FirstDifference(a, b, null, Linear.Forward(context, dropped, b, null)));
        }
    }

    [Fact]
    public void Threads_dont_change_bits()
    {
        Tensor<float> a = Values.Draw<float>(new Random(1), 700, 300);
        Tensor<float> b = Values.Draw<float>(new Random(2), 90, 300);
        Tensor<float> bias = Values.Draw<float>(new Random(3), 90);
        Tensor<float> x = Values.Draw<float>(new Random(4), 2, 9, 40, 41);
        Tensor<float> w = Values.Draw<float>(new Random(5), 20, 9, 3, 3);
        foreach (SummationOrder order in Orders)
        {
            OperatorContext one = new(Kernels.Simd) { SummationOrder = order };
            foreach (int threads in new[] { 2, 3 })
            {
                OperatorContext several = new(Kernels.Simd, threads) { SummationOrder = order };
                Comparison.SameBits(Linear.Forward(one, a, b, bias), Linear.Forward(several, a, b, bias), order.ToString());
                Comparison.SameBits(
                    Conv2d.Forward(one, x, w, null, new Conv2dWindow(1, 1)), Conv2d.Forward(several, x, w, null, new Conv2dWindow(1, 1)),
                    order.ToString());
            }
        }
    }

    [Fact]
    public void Convolutions_and_packed_layers_follow_the_order_and_differ_from_the_house()
    {
        // A window as wide as the map makes a convolution of one pixel a linear layer of the same weights.
        Tensor<float> x = Values.Draw<float>(new Random(1), 1, 31, 5, 5);
        Tensor<float> w = Values.Draw<float>(new Random(2), 40, 31, 5, 5);
        Tensor<float> bias = Values.Draw<float>(new Random(3), 40);
        Tensor<float> rows = Values.Draw<float>(new Random(4), 50, 775);
        Tensor<float> flat = Tensor<float>.FromArray([1, 775], x.AsReadOnlySpan().ToArray());
        Tensor<float> matrix = Tensor<float>.FromArray([40, 775], w.AsReadOnlySpan().ToArray());
        OperatorContext house = new(Kernels.Simd, 2);
        foreach (SummationOrder order in Orders)
        {
            OperatorContext context = house.Ordered(order);
            Comparison.SameBits<float>(
                Linear.Forward(context, flat, matrix, bias).AsReadOnlySpan(), Conv2d.Forward(context, x, w, bias, new Conv2dWindow()).AsReadOnlySpan(),
                $"{order}");
            Tensor<float> expected = Linear.Forward(context, rows, matrix, bias);
            using PackedLinear<float> packed = new(context, matrix, bias);
            Tensor<float> actual = new([50, 40]);
            packed.Rows(rows, 0, 20, actual, 0);
            packed.Rows(rows, 20, 30, actual, 20);
            Comparison.SameBits(expected, actual, $"{order}, packed");
            Assert.False(
                expected.AsReadOnlySpan().SequenceEqual(Linear.Forward(house, rows, matrix, bias).AsReadOnlySpan()), $"{order} has the house's bits");
        }
    }

    [Fact]
    public void A_norm_behind_a_convolution_is_fused_or_not_as_the_order_says()
    {
        Random random = new(1);
        Tensor<float> x = Values.Draw<float>(random, 1, 5, 7, 9);
        Tensor<float> w = Values.Draw<float>(random, 6, 5, 3, 3);
        FrozenNorm<float> norm = new(
            Values.Draw<float>(random, 6), Values.Draw<float>(random, 6), Values.Draw<float>(random, 6), Values.Draw<float>(random, 6).Magnitudes());
        (double[] scale, double[] shift) = FrozenBatchNorm.Factors(norm, 6);
        foreach (SummationOrder order in Orders)
        {
            OperatorContext context = new(Kernels.Simd) { SummationOrder = order };
            Tensor<float> sums = Conv2d.Forward(context, x, w, null, new Conv2dWindow(1, 1));
            Tensor<float> expected = sums.Clone();
            for (int i = 0; i < sums.Length; i++)
            {
                (float factor, float offset) = ((float)scale[i / 63], (float)shift[i / 63]);
                float sum = sums.AsReadOnlySpan()[i];
                expected.AsSpan()[i] = order.Unfused ? (sum * factor) + offset : MathF.FusedMultiplyAdd(sum, factor, offset);
            }

            Comparison.SameBits(expected, Conv2d.ForwardNormed(context, x, w, new Conv2dWindow(1, 1), norm, null, relu: false), order.ToString());
        }
    }

    [Fact]
    public void An_ordered_context_rents_from_the_scopes_of_the_one_it_comes_from()
    {
        OperatorContext context = new(Kernels.Simd);
        Tensor<float> kept;
        Tensor<float> dropped;
        using (BufferScope scope = context.Scope())
        {
            OperatorContext ordered = context.Ordered(Orders[0]);
            dropped = ordered.Rent<float>([3]);
            using (BufferScope inner = ordered.Scope())
            {
                kept = scope.Keep(inner.Keep(ordered.Rent<float>([4])));
            }
        }

        Assert.Equal(4, kept.AsReadOnlySpan().Length);
        Assert.ThrowsAny<InvalidOperationException>(() => dropped.AsReadOnlySpan().Length);
    }

    [Fact]
    public void An_empty_block_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => new SummationOrder { Block = 0 });

    // The definition: blocks of terms, each a chain from zero; then their sums.
    private static T Sum<T>(SummationOrder order, IReadOnlyList<(T A, T B)> terms, T? bias)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        List<List<(T A, T B)>> blocks = [];
        IEnumerable<(T A, T B)> sequence = order.Terms == TermOrder.Descending ? terms.Reverse() : terms;
        if (order.Terms == TermOrder.Interleaved)
        {
            blocks = [.. sequence.Select((term, k) => (term, k)).GroupBy(pair => pair.k % 8).Select(group => group.Select(pair => pair.term).ToList())];
        }
        else
        {
            blocks = [.. sequence.Chunk(order.Block).Select(chunk => chunk.ToList())];
        }

        List<T> sums = [];
        for (int block = 0; block < Math.Max(1, blocks.Count); block++)
        {
            T sum = block == 0 && order.BiasFirst && bias is { } first ? T.Zero + first : T.Zero;
            foreach ((T a, T b) in block < blocks.Count ? blocks[block] : [])
            {
                sum = order.Unfused ? (a * b) + sum : T.FusedMultiplyAdd(a, b, sum);
            }

            sums.Add(sum);
        }

        // Pairwise: full trees of the largest powers of two first, then those from the end backwards.
        T total = order.Pairwise ? Tree(sums) : sums.Aggregate((left, right) => left + right);
        return bias is { } last && !order.BiasFirst ? total + last : total;
    }

    private static T Tree<T>(IReadOnlyList<T> sums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (sums.Count == 1)
        {
            return sums[0];
        }

        int left = (int)BitOperations.RoundUpToPowerOf2((uint)sums.Count) / 2;
        return Tree([.. sums.Take(left)]) + Tree([.. sums.Skip(left)]);
    }

    private static Tensor<T> Product<T>(SummationOrder order, Tensor<T> a, Tensor<T> b, Tensor<T> bias)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor<T> output = new([a.Shape[0], b.Shape[0]]);
        for (int row = 0; row < a.Shape[0]; row++)
        {
            for (int column = 0; column < b.Shape[0]; column++)
            {
                List<(T A, T B)> terms = [.. Enumerable.Range(0, a.Shape[1]).Select(k => (a[row, k], b[column, k]))];
                output[row, column] = Sum(order, terms, bias[column]);
            }
        }

        return output;
    }

    private static Tensor<T> At<TLanes, TVector, T>(SummationOrder order, Tensor<T> a, Tensor<T> b, Tensor<T> bias)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        (int rows, int columns, int depth) = (a.Shape[0], b.Shape[0], a.Shape[1]);
        Tensor<T> output = new([rows, columns]);
        Gemm.Multiply<TLanes, TVector, T, LaneMajorPanels<T>, LaneMajorPanels<T>, ColumnBias<T>>(
            new OperatorContext(Kernels.Simd) { SummationOrder = order }, new LaneMajorPanels<T>(a.At(), depth),
            new LaneMajorPanels<T>(b.At(), depth), rows, columns, depth, output.At(), columns,
            new ColumnBias<T>(bias.At()));
        return output;
    }

    // Odd and at most 15, so that every product counts.
    private static Tensor<float> Integers(Random random, params ReadOnlySpan<int> sizes)
    {
        Tensor<float> tensor = new(TensorShape.Create(sizes));
        foreach (ref float value in tensor.AsSpan())
        {
            value = (2 * random.Next(8)) + 1;
        }

        return tensor;
    }

    private static string? FirstDifference(Tensor<float> a, Tensor<float> b, Tensor<float>? bias, Tensor<float> actual)
    {
        for (int row = 0; row < a.Shape[0]; row++)
        {
            for (int column = 0; column < b.Shape[0]; column++)
            {
                long sum = bias is null ? 0 : (long)bias[column];
                for (int k = 0; k < a.Shape[1]; k++)
                {
                    sum += (long)a[row, k] * (long)b[column, k];
                }

                if (actual[row, column] != sum)
                {
                    return FormattableString.Invariant($"[{row}, {column}] holds {actual[row, column]}; expected {sum}.");
                }
            }
        }

        return null;
    }
}
