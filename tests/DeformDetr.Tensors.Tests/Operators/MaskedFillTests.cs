using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class MaskedFillTests
{
    [Fact]
    public void By_hand()
    {
        Tensor<float> x = Values.Of<float>([2, 2, 2], 1, 2, 3, 4, 5, 6, 7, 8);
        Tensor<bool> mask = Tensor<bool>.FromArray([2, 2], [false, true, true, false]);
        Tensor<float> y = MaskedFill.Forward(new OperatorContext(), x, mask, float.PositiveInfinity);
        float inf = float.PositiveInfinity;
        Assert.Equal([1, 2, inf, inf, inf, inf, 7, 8], y.AsSpan().ToArray());
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], x.AsSpan().ToArray());
        MaskedFill.InPlace(x, Tensor<bool>.FromArray([2], [true, false]), 0);
        Assert.Equal([0, 0, 0, 0, 5, 6, 7, 8], x.AsSpan().ToArray());
        MaskedFill.InPlace(x, Tensor<bool>.FromArray([], [true]), 9);
        Assert.Equal(Enumerable.Repeat(9f, 8), x.AsSpan().ToArray());
    }

    [Fact]
    public void Every_element_is_the_value_or_its_own()
    {
        Cases.Check(60, [new Axis(0, 5), new Axis(1, 9), new Axis(0, 70)], c =>
        {
            Random random = c.Random();
            Tensor<long> x = Values.Counting<long>(c.Sizes);
            Tensor<bool> mask = new([c[0], c[1]]);
            foreach (ref bool bit in mask.AsSpan())
            {
                bit = random.Next(2) == 0;
            }

            Tensor<long> y = MaskedFill.Forward(new OperatorContext(Kernels.Simd), x, mask, -1);
            for (int i = 0; i < x.Length; i++)
            {
                Assert.Equal(mask.AsSpan()[i / c[2]] ? -1 : i, y.AsSpan()[i]);
            }
        });
    }

    [Fact]
    public void Refusals()
    {
        string grammar = "; expected the leading axes of tensor = [2, 3, 4].";
        Refusal.Of("MaskedFill: mask holds [3, 2]" + grammar, c => MaskedFill.Forward(c, new Tensor<float>([2, 3, 4]), new Tensor<bool>([3, 2]), 0));
        Refusal.Of("MaskedFill: mask holds [2, 3, 4, 1]" + grammar, c => MaskedFill.Forward(c, new Tensor<float>([2, 3, 4]), new Tensor<bool>([2, 3, 4, 1]), 0));
        Refusal.Of("MaskedFill: mask holds [2, 1]" + grammar, _ => MaskedFill.InPlace(new Tensor<float>([2, 3, 4]), new Tensor<bool>([2, 1]), 0));
    }
}
