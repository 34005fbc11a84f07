using DeformDetr.Independent;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class ConcatTests
{
    private static readonly OperatorContext Context = new();

    [Fact]
    public void By_hand()
    {
        Tensor<float> a = Values.Of<float>([2, 2], 1, 2, 3, 4);
        Tensor<float> b = Values.Of<float>([2, 1], 10, 20);
        Assert.Equal([1, 2, 10, 3, 4, 20], Concat.Forward(Context, [a, b], 1).AsSpan().ToArray());
        Assert.Equal([1, 2, 3, 4, 1, 2, 3, 4], Concat.Forward(Context, [a, a], 0).AsSpan().ToArray());
        Assert.Equal([4, 2], Concat.Forward(Context, [a, a], 0).Shape);
    }

    [Fact]
    public void It_agrees_with_where_each_element_lies_and_Split_undoes_it()
    {
        Cases.Check(120, [new Axis(1, 4), new Axis(0, 5), new Axis(0, 9), new Axis(0, 7), new Axis(0, 2)], c =>
        {
            int axis = c[4];
            List<Tensor<long>> parts = [];
            for (int part = 0; part < c[0]; part++)
            {
                int[] sizes = [c[1], c[2], c[3]];
                sizes[axis] = (sizes[axis] + (part * c.Seed)) % 6;
                Tensor<long> tensor = Values.Counting<long>(sizes);
                foreach (ref long value in tensor.AsSpan())
                {
                    value += 1000 * part;
                }

                parts.Add(tensor);
            }

            Tensor<long> whole = Concat.Forward(new OperatorContext(Kernels.Simd), parts, axis);
            Assert.Equal(Layout.Joined([.. parts.Select(p => p.AsSpan().ToArray())], [.. parts.Select(p => p.Shape.ToArray())], axis), whole.AsSpan().ToArray());
            Tensor<long>[] back = Split.Forward(Context, whole, [.. parts.Select(p => p.Shape[axis])], axis);
            for (int part = 0; part < c[0]; part++)
            {
                Comparison.SameBits(parts[part], back[part], $"part {part}");
            }
        });
    }

    [Fact]
    public void Refusals()
    {
        Tensor<float> a = new([2, 3]);
        Refusal.Of("Concat: tensors holds none; expected at least 1.", c => Concat.Forward<float>(c, [], 0));
        Refusal.Of("Concat: axis holds 2; expected an axis of [2, 3].", c => Concat.Forward(c, [a], 2));
        Refusal.Of("Concat: axis holds -1; expected an axis of [2, 3].", c => Concat.Forward(c, [a], -1));
        Refusal.Of("Concat: tensors holds [2, 4]; expected [2, 3] but for axis 0.", c => Concat.Forward(c, [a, new Tensor<float>([2, 4])], 0));
        Refusal.Of("Concat: tensors holds [2, 3, 1]; expected [2, 3] but for axis 1.", c => Concat.Forward(c, [a, new Tensor<float>([2, 3, 1])], 1));
    }
}
