using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Core;

public class TensorTests
{
    [Fact]
    public void Elements_are_row_major()
    {
        Tensor<float> tensor = Values.Counting<float>(2, 3, 4);
        Assert.Equal((1 * 12) + (2 * 4) + 3, tensor[1, 2, 3]);
        tensor[0, 1, 0] = -1;
        Assert.Equal(-1, tensor.AsSpan()[4]);
        Assert.Equal(24, tensor.Length);
        Assert.Equal(7, Values.Of<float>([], 7)[[]]);
    }

    [Fact]
    public void A_new_tensor_is_zero_and_FromArray_shares_and_Create_copies()
    {
        Assert.Equal(new float[6], new Tensor<float>([2, 3]).AsSpan().ToArray());
        float[] values = [1, 2];
        Tensor<float> shared = Tensor<float>.FromArray([2], values);
        Tensor<float> copy = Tensor<float>.Create([2], values);
        values[0] = 9;
        Assert.Equal([9, 2], shared.AsSpan().ToArray());
        Assert.Equal([1, 2], copy.AsSpan().ToArray());
    }

    [Fact]
    public void Reshape_looks_at_the_same_elements_and_keeps_the_name_and_Clone_does_not_share()
    {
        Tensor<float> tensor = Values.Counting<float>(2, 3);
        tensor.Name = "memory";
        Tensor<float> view = tensor.Reshape([3, 2]);
        Tensor<float> clone = tensor.Clone();
        view[2, 1] = 50;
        Assert.Equal(50, tensor[1, 2]);
        Assert.Equal(5, clone[1, 2]);
        Assert.Equal("memory", view.Name);
        Assert.Equal("memory", clone.Name);
        Assert.Equal([6], Assert.IsType<Tensor<float>>(((Tensor)tensor).ReshapeUntyped([6])).Shape);
        Assert.Equal(50, Assert.IsType<Tensor<float>>(((Tensor)tensor).CloneUntyped())[1, 2]);
    }

    [Fact]
    public void AsTensorSpan_has_the_shape_and_the_elements()
    {
        Tensor<float> tensor = Values.Counting<float>(2, 3);
        System.Numerics.Tensors.TensorSpan<float> span = tensor.AsTensorSpan();
        Assert.Equal([2, 3], span.Lengths.ToArray());
        span[1, 1] = 9;
        Assert.Equal(9, tensor[1, 1]);
    }

    [Fact]
    public void Element_types()
    {
        (Tensor Tensor, ElementType Type, int Size, string Word, bool IsFloat)[] all =
        [
            (new Tensor<float>([1]), ElementType.Float32, 4, "float32", true), (new Tensor<double>([1]), ElementType.Float64, 8, "float64", true),
            (new Tensor<long>([1]), ElementType.Int64, 8, "int64", false), (new Tensor<int>([1]), ElementType.Int32, 4, "int32", false),
            (new Tensor<byte>([1]), ElementType.UInt8, 1, "uint8", false), (new Tensor<bool>([1]), ElementType.Bool, 1, "bool", false),
        ];
        Assert.Equal(Enum.GetValues<ElementType>(), all.Select(t => t.Type));
        foreach ((Tensor tensor, ElementType type, int size, string word, bool isFloat) in all)
        {
            Assert.Equal(type, tensor.ElementType);
            Assert.Equal(size, type.Size());
            Assert.Equal(word, type.Word());
            Assert.Equal(isFloat, type.IsFloat());
        }

        Assert.Equal(
            "tensor: elements of Int16; expected float, double, long, int, byte or bool.", Assert.Throws<NotSupportedException>(() => new Tensor<short>([1])).Message);
    }

    [Fact]
    public void Refusals()
    {
        Tensor<float> tensor = new([2, 3]);
        Assert.Equal("tensor: values hold 5 elements; expected [2, 3] = 6.", Assert.Throws<ArgumentException>(() => Tensor<float>.FromArray([2, 3], new float[5])).Message);
        Assert.Equal("reshape: tensor holds [2, 3], 6 elements; expected as many as [4] = 4.", Assert.Throws<ArgumentException>(() => tensor.Reshape([4])).Message);
        Assert.Equal("tensor: 1 indices for shape [2, 3]; expected one per axis.", Assert.Throws<ArgumentException>(() => tensor[1]).Message);
        Assert.StartsWith("tensor: index on axis 1 of shape [2, 3].", Assert.Throws<ArgumentOutOfRangeException>(() => tensor[1, 3]).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor[-1, 0]);
    }
}
