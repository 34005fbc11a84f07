using System.Numerics;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Simd;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class GemmTests
{
    private delegate Tensor<T> Width<T>(Tensor<T> a, Tensor<T> b, Tensor<T> bias)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    [Fact]
    public void Every_small_size_has_the_bits_of_the_written_order_at_every_width()
    {
        // 0 to 2 tiles and one more of rows, 0 to 3 vectors and one more of columns, and the other way round.
        Small<float>(At<Lanes128<float>, Vector128<float>, float>, 13, 25);
        Small<float>(At<Lanes256<float>, Vector256<float>, float>, 13, 49);
        Small<float>(At<Lanes512<float>, Vector512<float>, float>, 25, 97);
        Small<double>(At<Lanes128<double>, Vector128<double>, double>, 13, 13);
        Small<double>(At<Lanes256<double>, Vector256<double>, double>, 13, 25);
        Small<double>(At<Lanes512<double>, Vector512<double>, double>, 25, 49);

        static void Small<T>(Width<T> multiply, int mostRows, int mostColumns)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Tensor<T> wholeA = Values.Draw<T>(new Random(1), mostRows, 3);
            Tensor<T> wholeB = Values.Draw<T>(new Random(2), mostColumns, 3);
            Tensor<T> wholeBias = Values.Draw<T>(new Random(3), mostColumns);
            Tensor<T> whole = Contract.Product(wholeA, wholeB, wholeBias);
            for (int rows = 0; rows <= mostRows; rows++)
            {
                for (int columns = 0; columns <= mostColumns; columns++)
                {
                    Tensor<T> product = multiply(Head(wholeA, rows), Head(wholeB, columns), Head(wholeBias, columns));
                    for (int row = 0; row < rows; row++)
                    {
                        Comparison.SameBits(
                            whole.AsReadOnlySpan().Slice(row * mostColumns, columns), product.AsReadOnlySpan().Slice(row * columns, columns), $"{rows} x {columns}, row {row}");
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(31)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(511)]
    [InlineData(512)]
    [InlineData(513)]
    [InlineData(1025)]
    public void Every_depth_has_the_bits_of_the_written_order_at_every_width(int depth)
    {
        foreach ((int rows, int columns) in new[] { (1, 1), (1, 33), (7, 12), (13, 65), (33, 11), (31, 32) })
        {
            Widths<float>(rows, columns, depth);
            Widths<double>(rows, columns, depth);
        }

        static void Widths<T>(int rows, int columns, int depth)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Tensor<T> a = Values.Draw<T>(new Random(depth), rows, depth);
            Tensor<T> b = Values.Draw<T>(new Random(depth + 1), columns, depth);
            Tensor<T> bias = Values.Draw<T>(new Random(depth + 2), columns);
            Tensor<T> expected = Contract.Product(a, b, bias);
            Comparison.SameBits(expected, At<Lanes128<T>, Vector128<T>, T>(a, b, bias), "128");
            Comparison.SameBits(expected, At<Lanes256<T>, Vector256<T>, T>(a, b, bias), "256");
            Comparison.SameBits(expected, At<Lanes512<T>, Vector512<T>, T>(a, b, bias), "512");
        }
    }

    [Fact]
    public void More_blocks_than_one_part_takes_have_the_bits_of_the_written_order()
    {
        // More than 8 panels of the larger operand, several depth blocks, both ways round, on threads.
        foreach ((int rows, int columns) in new[] { (20, 700), (400, 40) })
        {
            Tensor<float> a = Values.Draw<float>(new Random(1), rows, 520);
            Tensor<float> b = Values.Draw<float>(new Random(2), columns, 520);
            Tensor<float> bias = Values.Draw<float>(new Random(3), columns);
            Tensor<float> expected = Contract.Product(a, b, bias);
            foreach (int threads in new[] { 1, 3 })
            {
                Tensor<float> actual = new([rows, columns]);
                Gemm.Multiply(
                    new OperatorContext(Kernels.Simd, threads), new LaneMajorPanels<float>(a.At(), 520), new LaneMajorPanels<float>(b.At(), 520),
                    rows, columns, 520, actual.At(), columns, new ColumnBias<float>(bias.At()));
                Comparison.SameBits(expected, actual, $"{rows} x {columns}");
            }
        }
    }

    [Fact]
    public void Nothing_beside_the_output_is_touched()
    {
        // A product into the middle of a wider array: offset 3, rows 10 apart, of which 7 are used.
        Tensor<float> a = Values.Draw<float>(new Random(1), 5, 4);
        Tensor<float> b = Values.Draw<float>(new Random(2), 7, 4);
        float[] output = new float[60];
        Array.Fill(output, -1);
        Gemm.Multiply(
            new OperatorContext(Kernels.Simd), new LaneMajorPanels<float>(a.At(), 4), new LaneMajorPanels<float>(b.At(), 4), 5, 7, 4, new Place<float>(output, 3), 10, new NoEpilogue<float>());
        Tensor<float> expected = Contract.Product(a, b, null);
        for (int i = 0; i < output.Length; i++)
        {
            int row = (i - 3) / 10;
            int column = (i - 3) % 10;
            Assert.Equal(i >= 3 && row < 5 && column < 7 ? expected[row, column] : -1, output[i]);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(257)]
    [InlineData(513)]
    public void Every_height_has_the_bits_of_the_written_order_through_an_epilogue_that_reads_where_it_writes(int depth)
    {
        // Factor and shift per row, residual and positive part, into the middle of a wider array, the residual two elements apart; rows over and under the columns.
        int[] heights = [.. Enumerable.Range(1, 24), .. Enumerable.Range(33, 13)];
        Heights<float>();
        Heights<double>();

        void Heights<T>()
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            const int Most = 66;
            Random random = new(depth);
            Tensor<T> a = Values.Draw<T>(random, 45, depth).WithSpecials(random, 50, finite: true);
            Tensor<T> b = Values.Draw<T>(random, Most, depth).WithSpecials(random, 50, finite: true);
            T[] scale = Values.Draw<T>(random, 48).WithSpecials(random, 5, finite: true).Storage.Array;
            T[] shift = Values.Draw<T>(random, 48).WithSpecials(random, 5, finite: true).Storage.Array;
            T[] residual = Values.Draw<T>(random, 5 + (45 * (Most + 3)) + 2).WithSpecials(random, 7).Storage.Array;
            Tensor<T> sums = Contract.Product(a, b, null);
            foreach (int rows in heights)
            {
                foreach (int columns in new[] { 1, 4, 7, 8, 15, 16, 31, 32, 33, 64, 65, 66 })
                {
                    foreach ((bool adds, bool relu) in new[] { (true, true), (false, true), (true, false) })
                    {
                        if (!adds && rows % 3 != 0)
                        {
                            continue;
                        }

                        RowNorm<T> epilogue = new(scale, shift, 3, adds ? residual : null, 2, relu);
                        int stride = columns + 3;
                        T[] expected = new T[5 + (rows * stride)];
                        Array.Fill(expected, T.CreateTruncating(-77));
                        for (int at = 0; at < rows * columns; at++)
                        {
                            (int row, int column) = (at / columns, at % columns);
                            int to = 5 + (row * stride) + column;
                            T value = T.FusedMultiplyAdd(sums[row, column], scale[3 + row], shift[3 + row]);
                            value = adds ? value + residual[to + 2] : value;
                            expected[to] = relu && !(value > T.Zero) && !T.IsNaN(value) ? T.Zero : value;
                        }

                        string what = $"{rows} x {columns}, residual {adds}, relu {relu}";
                        Widths<T>(
                            expected, what,
                            (at, output) => at.Multiply(Lanes(a), Lanes(b), rows, columns, depth, output, 5, stride, epilogue));
                    }
                }
            }

            LaneMajorPanels<T> Lanes(Tensor<T> x) => new(x.At(), depth);
        }
    }

    [Fact]
    public void Operands_of_either_order_have_the_bits_of_the_written_order_at_every_width()
    {
        // More panels than a block takes, and the last of them in part; both ways round.
        foreach ((int rows, int columns, int depth) in new[]
        {
            (3, 5, 2), (14, 300, 260), (120, 40, 300), (13, 33, 1), (40, 7, 513), (33, 64, 256),
        })
        {
            Orders<float>(rows, columns, depth);
            Orders<double>(rows, columns, depth);
        }

        static void Orders<T>(int rows, int columns, int depth)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Tensor<T> a = Values.Draw<T>(new Random(1), rows, depth);
            Tensor<T> b = Values.Draw<T>(new Random(2), columns, depth);
            OperatorContext context = new();
            LaneMajorPanels<T> rowsOfA = new(a.At(), depth);
            LaneMajorPanels<T> rowsOfB = new(b.At(), depth);
            DepthMajorPanels<T> turnedA = new(Permute.Forward(context, a, 1, 0).At(), rows);
            DepthMajorPanels<T> turnedB = new(Permute.Forward(context, b, 1, 0).At(), columns);
            NoEpilogue<T> none = default;
            T[] expected = Contract.Product(a, b, null).AsReadOnlySpan().ToArray();
            string what = $"{rows} x {columns} x {depth}";
            Widths(expected, what, (at, output) => at.Multiply(rowsOfA, rowsOfB, rows, columns, depth, output, 0, columns, none));
            Widths(expected, what, (at, output) => at.Multiply(turnedA, rowsOfB, rows, columns, depth, output, 0, columns, none));
            Widths(expected, what, (at, output) => at.Multiply(rowsOfA, turnedB, rows, columns, depth, output, 0, columns, none));
            Widths(expected, what, (at, output) => at.Multiply(turnedA, turnedB, rows, columns, depth, output, 0, columns, none));
        }
    }

    [Fact]
    public void Patches_have_the_bits_of_the_written_order_at_every_width()
    {
        // C, H, W, O, kernel, stride, padding, dilation.
        foreach (int[] s in new int[][]
        {
            [3, 12, 17, 5, 7, 2, 3, 1], [60, 5, 6, 14, 3, 1, 1, 1], [60, 3, 3, 40, 3, 1, 1, 1], [3, 8, 34, 6, 3, 1, 2, 2],
            [29, 9, 33, 13, 3, 1, 1, 1], [2, 7, 300, 3, 3, 1, 1, 1], [4, 6, 65, 7, 1, 3, 0, 1], [30, 40, 41, 18, 3, 1, 1, 1], [3, 70, 150, 7, 7, 2, 3, 1],
            [2, 9, 9, 3, 2, 3, 1, 1], [3, 40, 32, 6, 3, 1, 1, 1],
        })
        {
            Patches<float>(s);
            Patches<double>(s);
        }

        static void Patches<T>(int[] s)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Conv2dWindow window = new(s[5], s[6], s[7]);
            (int height, int width) = (window.OutputSize(s[1], s[4]), window.OutputSize(s[2], s[4]));
            int depth = s[0] * s[4] * s[4];
            Tensor<T> x = Values.Draw<T>(new Random(1), s[0], s[1], s[2]);
            Tensor<T> weight = Values.Draw<T>(new Random(2), s[3], depth);

            // The patches as a matrix, one row per output pixel.
            Tensor<T> patches = new([height * width, depth]);
            for (int at = 0; at < patches.Length; at++)
            {
                (int pixel, int k) = (at / depth, at % depth);
                int iy = (pixel / width * s[5]) - s[6] + (k / s[4] % s[4] * s[7]);
                int ix = (pixel % width * s[5]) - s[6] + (k % s[4] * s[7]);
                patches.AsSpan()[at] = iy >= 0 && iy < s[1] && ix >= 0 && ix < s[2] ? x[k / s[4] / s[4], iy, ix] : T.Zero;
            }

            T[] expected = Contract.Product(weight, patches, null).AsReadOnlySpan().ToArray();
            LaneMajorPanels<T> kernels = new(weight.At(), depth);
            Conv2d.PatchPanels<T> panels = new(x.At(), s[1], s[2], s[4], s[4], window, width);
            NoEpilogue<T> none = default;
            Widths(
                expected, $"[{string.Join(", ", s)}]",
                (at, output) => at.Multiply(kernels, panels, s[3], height * width, depth, output, 0, height * width, none));

            // The same without a matrix of patches.
            Conv2d.Windows<T> windows = new(x.At(), s[0], s[1], s[2], s[4], s[4], window, height, width);
            Widths(expected, $"windows [{string.Join(", ", s)}]", (at, output) => at.MultiplyWindows(kernels, windows, s[3], output, none));
        }
    }

    [Fact]
    public void The_depth_block_is_the_one_that_the_contract_names() => Assert.Equal(256, Gemm.DepthBlock);

    // One product at each width, into an array of -77: the bits of what is expected, those beside the product included.
    private static void Widths<T>(T[] expected, string what, Action<IWidth<T>, T[]> run)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        foreach (IWidth<T> width in new IWidth<T>[]
        {
            new WidthOf<Lanes128<T>, Vector128<T>, T>(), new WidthOf<Lanes256<T>, Vector256<T>, T>(),
            new WidthOf<Lanes512<T>, Vector512<T>, T>(),
        })
        {
            T[] output = new T[expected.Length];
            Array.Fill(output, T.CreateTruncating(-77));
            run(width, output);
            Comparison.SameNumbers<T>(expected, output, $"{width}: {what}");
        }
    }

    private interface IWidth<T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        void Multiply<TA, TB, TEpilogue>(
            TA a, TB b, int rows, int columns, int depth, T[] output, int offset, int stride, TEpilogue epilogue)
            where TA : struct, IPanels<T>
            where TB : struct, IPanels<T>
            where TEpilogue : struct, IEpilogue<T>;

        void MultiplyWindows<TEpilogue>(
            LaneMajorPanels<T> kernels, Conv2d.Windows<T> windows, int rows, T[] output, TEpilogue epilogue)
            where TEpilogue : struct, IEpilogue<T>;
    }

    private sealed class WidthOf<TLanes, TVector, T> : IWidth<T>
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        private readonly OperatorContext _context = new(Kernels.Simd);

        private readonly OperatorContext _threads = new(Kernels.Simd, 3);

        public void MultiplyWindows<TEpilogue>(
            LaneMajorPanels<T> kernels, Conv2d.Windows<T> windows, int rows, T[] output, TEpilogue epilogue)
            where TEpilogue : struct, IEpilogue<T>
        {
            T[] onThreads = [.. output];
            Gemm.MultiplyWindows<TLanes, TVector, T, TEpilogue>(_context, kernels, windows, rows, new Place<T>(output, 0), epilogue);
            Gemm.MultiplyWindows<TLanes, TVector, T, TEpilogue>(_threads, kernels, windows, rows, new Place<T>(onThreads, 0), epilogue);
            Comparison.SameNumbers<T>(output, onThreads, "one thread and three");
        }

        public void Multiply<TA, TB, TEpilogue>(
            TA a, TB b, int rows, int columns, int depth, T[] output, int offset, int stride, TEpilogue epilogue)
            where TA : struct, IPanels<T>
            where TB : struct, IPanels<T>
            where TEpilogue : struct, IEpilogue<T> =>
            Gemm.Multiply<TLanes, TVector, T, TA, TB, TEpilogue>(_context, a, b, rows, columns, depth, new Place<T>(output, offset), stride, epilogue);

        public override string ToString() => typeof(TVector).Name;
    }

    private static Tensor<T> Head<T>(Tensor<T> tensor, int count)
        where T : unmanaged => Tensor<T>.Create(tensor.Shape.With(0, count), tensor.AsReadOnlySpan()[..(count * tensor.Shape.LengthFrom(1))]);

    private static Tensor<T> At<TLanes, TVector, T>(Tensor<T> a, Tensor<T> b, Tensor<T> bias)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int rows = a.Shape[0];
        int columns = b.Shape[0];
        int depth = a.Shape[1];
        Tensor<T> output = new([rows, columns]);
        Gemm.Multiply<TLanes, TVector, T, LaneMajorPanels<T>, LaneMajorPanels<T>, ColumnBias<T>>(
            new OperatorContext(Kernels.Simd), new LaneMajorPanels<T>(a.At(), depth), new LaneMajorPanels<T>(b.At(), depth),
            rows, columns, depth, output.At(), columns, new ColumnBias<T>(bias.At()));
        return output;
    }
}
