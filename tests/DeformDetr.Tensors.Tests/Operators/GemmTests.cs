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
                    new OperatorContext(Kernels.Simd, threads), new LaneMajorPanels<float>(a.Storage.Array, 0, 520), new LaneMajorPanels<float>(b.Storage.Array, 0, 520),
                    rows, columns, 520, actual.Storage.Array, 0, columns, new ColumnBias<float>(bias.Storage.Array));
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
            new OperatorContext(Kernels.Simd), new LaneMajorPanels<float>(a.Storage.Array, 0, 4), new LaneMajorPanels<float>(b.Storage.Array, 0, 4), 5, 7, 4, output, 3, 10, new NoEpilogue<float>());
        Tensor<float> expected = Contract.Product(a, b, null);
        for (int i = 0; i < output.Length; i++)
        {
            int row = (i - 3) / 10;
            int column = (i - 3) % 10;
            Assert.Equal(i >= 3 && row < 5 && column < 7 ? expected[row, column] : -1, output[i]);
        }
    }

    [Fact]
    public void The_depth_block_is_the_one_that_the_contract_names() => Assert.Equal(256, Gemm.DepthBlock);

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
            new OperatorContext(Kernels.Simd), new LaneMajorPanels<T>(a.Storage.Array, 0, depth), new LaneMajorPanels<T>(b.Storage.Array, 0, depth),
            rows, columns, depth, output.Storage.Array, 0, columns, new ColumnBias<T>(bias.Storage.Array));
        return output;
    }
}
