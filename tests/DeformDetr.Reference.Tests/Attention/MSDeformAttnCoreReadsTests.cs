using System.Numerics;
using DeformDetr.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeformDetr.Reference.Tests.Attention;

public class MSDeformAttnCoreReadsTests
{
    // Samples of a head that come to a multiple of sixteen, and that don't, are found by different code.
    private static readonly Gen<CoreCase> Cases = Gen.OneOf(
        CoreCase.Any,
        from c in CoreCase.Any
        from p in Gen.Elements(4, 16)
        select c with { P = p, Sizes = [.. c.Sizes, .. Enumerable.Repeat((2, 3), (4 - (c.Sizes.Length % 4)) % 4)] });

    [Fact]
    public void A_token_is_listed_just_when_the_textbook_reads_it()
    {
        Properties.Holds(Cases, Law<float>, 60, CoreCase.Shrink);
        Properties.Holds(Cases, Law<double>, 30, CoreCase.Shrink);
    }

    // What is read shows as NaN even where its weight is zero.
    private static void Law<T>(CoreCase c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CoreInputs<T> inputs = c.Inputs<T>();
        (int batch, int tokens, int heads) = (inputs.Value.Shape[0], inputs.Value.Shape[1], inputs.Value.Shape[2]);
        inputs = inputs with { Value = new Tensor<T>([batch, tokens, heads, 1]) };
        inputs.AttentionWeights.AsSpan()[0] = T.Zero;
        List<int> expected = [];
        for (int token = 0; token < batch * tokens; token++)
        {
            inputs.Value.AsSpan().Slice(token * heads, heads).Fill(T.NaN);
            if (inputs.Run().AsSpan().ToArray().Any(T.IsNaN))
            {
                expected.Add(token);
            }

            inputs.Value.AsSpan().Slice(token * heads, heads).Clear();
        }

        foreach (int threads in new[] { 1, 3 })
        {
            int[] listed = new int[batch * tokens];
            int count = MSDeformAttnCore.TokensRead(
                new OperatorContext(Kernels.Simd, threads), inputs.Value.Shape, inputs.SpatialShapes, inputs.LevelStartIndex,
                inputs.SamplingLocations, inputs.AttentionWeights, listed);
            Assert.Equal(expected, listed[..count]);
        }
    }
}
