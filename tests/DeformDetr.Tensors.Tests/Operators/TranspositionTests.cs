using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class TranspositionTests
{
    [Fact]
    public void A_strip_is_transposed_at_every_depth_and_its_neighbours_stay()
    {
        Turned<float>(4, Transposition.Strip);
        Turned<double>(2, Transposition.Strip);
        Turned<int>(4, Transposition.Strip);
    }

    [Fact]
    public void Two_strips_are_transposed_at_every_depth_and_their_neighbours_stay()
    {
        Turned<float>(8, Transposition.TwoStrips);
        Turned<double>(4, Transposition.TwoStrips);
        Turned<int>(8, Transposition.TwoStrips);
    }

    private delegate void Turn<T>(ReadOnlySpan<T> rows, int stride, Span<T> packed, int width, int depth);

    private static void Turned<T>(int rows, Turn<T> turn)
        where T : unmanaged, System.Numerics.INumberBase<T>
    {
        Assert.Equal(0, rows % Transposition.Rows<T>());
        for (int depth = 0; depth <= 37; depth++)
        {
            foreach (int stride in new[] { depth, depth + 1, depth + 5 })
            {
                foreach (int width in new[] { rows, rows + 1, 12, 32 })
                {
                    // Both spans end with the last element that is read and written.
                    Tensor<T> source = Values.Counting<T>(((rows - 1) * stride) + depth);
                    T[] packed = new T[Math.Max(0, ((depth - 1) * width) + rows)];
                    Array.Fill(packed, -T.One);
                    turn(source.AsReadOnlySpan(), stride, packed, width, depth);
                    for (int at = 0; at < packed.Length; at++)
                    {
                        (int k, int row) = (at / width, at % width);
                        T expected = row < rows ? source.AsReadOnlySpan()[(row * stride) + k] : -T.One;
                        Assert.True(
                            expected == packed[at], $"{typeof(T)} depth {depth}, k {k}, row {row}: {packed[at]}; expected {expected}.");
                    }
                }
            }
        }
    }
}
