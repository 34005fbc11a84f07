using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Dumps;

/// <summary>Trap 7: one buffer dumped under the names of all layers.</summary>
public class DuplicateFinderTests
{
    [Fact]
    public void One_buffer_under_two_names_is_found()
    {
        DuplicateFinder finder = new();
        Tensor<double> buffer = DumpFolder.Numbers(1, 3, 4);
        Assert.Null(finder.Offer("layers.0", buffer, DumpFolder.Numbers(2, 3, 4)));
        Assert.Null(finder.Offer("layers.1", DumpFolder.Numbers(5, 3, 4), DumpFolder.Numbers(3, 3, 4)));
        Assert.Equal("layers.0", finder.Offer("layers.2", buffer.Clone(), DumpFolder.Numbers(4, 3, 4)));
        Assert.Equal("holds the bits of 'layers.0'; expected a tensor of its own", DuplicateFinder.Fault("layers.0").Text);

        // Of the three, the first may not be equal either, once the third has come.
        Assert.Equal("layers.2", finder.Twin("layers.0"));
        Assert.Equal("layers.0", finder.Twin("layers.2"));
        Assert.Null(finder.Twin("layers.1"));
        Assert.Null(finder.Twin("nobody"));
    }

    [Fact]
    public void What_is_equal_in_the_model_may_be_equal_in_the_dump()
    {
        DuplicateFinder finder = new();
        Tensor<double> port = DumpFolder.Numbers(1, 3, 4);
        Tensor<double> expected = DumpFolder.Numbers(2, 3, 4);
        Assert.Null(finder.Offer("norm2", port, expected));
        Assert.Null(finder.Offer("layers.0", port, expected.Clone()));
    }

    [Fact]
    public void One_bit_shape_and_element_type_make_a_difference()
    {
        Tensor<double> tensor = DumpFolder.Numbers(1, 8, 4);
        HashSet<UInt128> hashes = [TensorHash.Of(tensor), TensorHash.Of(tensor.Reshape([4, 8])), TensorHash.Of(tensor.Reshape([32]))];
        Assert.Equal(3, hashes.Count);
        for (int index = 0; index < tensor.Length; index++)
        {
            Tensor<double> other = tensor.Clone();
            other.AsSpan()[index] = Math.BitIncrement(other.AsSpan()[index]);
            Assert.True(hashes.Add(TensorHash.Of(other)));
        }

        Assert.True(hashes.Add(TensorHash.Of(Tensor<bool>.FromArray([3], [true, false, true]))));
        Assert.True(hashes.Add(TensorHash.Of(Tensor<byte>.FromArray([3], [1, 0, 1]))));
        Assert.True(hashes.Add(TensorHash.Of(Tensor<long>.FromArray([3], [1, 0, 1]))));
        Assert.True(hashes.Add(TensorHash.Of(Tensor<int>.FromArray([3], [1, 0, 1]))));
        Assert.True(hashes.Add(TensorHash.Of(Tensor<bool>.FromArray([3], [true, true, false]))));
        Assert.Equal(TensorHash.Of(tensor), TensorHash.Of(tensor.Clone()));
    }

    [Fact]
    public void A_hash_of_some_elements_looks_at_all_of_few_and_all_over_many()
    {
        Tensor<double> few = DumpFolder.Numbers(1, 8, 4);
        Assert.Equal(TensorHash.Of(few), TensorHash.OfSome(few));

        Tensor<double> many = new([(1 << 19) + 5]);
        UInt128 zeros = TensorHash.OfSome(many);
        HashSet<int> seen = [];
        foreach (int index in (int[])[0, 4095, 4096, 1 << 18, (1 << 18) + 4096, 1 << 19, (1 << 19) + 4])
        {
            many.AsSpan()[index] = 1;
            _ = TensorHash.OfSome(many) != zeros && seen.Add(index);
            many.AsSpan()[index] = 0;
        }

        Assert.Equal([0, 4095, 1 << 18, 1 << 19, (1 << 19) + 4], seen);
    }

    [Fact]
    public void Swapped_rows_and_shared_values_are_other_tensors()
    {
        Tensor<double> tensor = DumpFolder.Numbers(1, 2, 300);
        Tensor<double> swapped = tensor.Clone();
        tensor.AsReadOnlySpan()[..300].CopyTo(swapped.AsSpan()[300..]);
        tensor.AsReadOnlySpan()[300..].CopyTo(swapped.AsSpan()[..300]);
        Assert.NotEqual(TensorHash.Of(tensor), TensorHash.Of(swapped));
    }

    [Fact]
    public void The_hash_of_a_tensor_of_many_parts_depends_on_each_and_not_on_threads()
    {
        Tensor<double> tensor = DumpFolder.Numbers(1, 3, 300_001);
        UInt128 hash = TensorHash.Of(tensor);
        foreach (int threads in (int[])[1, 2, 5])
        {
            Assert.Equal(hash, TensorHash.Of(tensor, new OperatorContext(Kernels.Simd, threads)));
        }

        for (int index = 0; index < tensor.Length; index += 99_999)
        {
            Tensor<double> other = tensor.Clone();
            other.AsSpan()[index] = -other.AsSpan()[index];
            Assert.NotEqual(hash, TensorHash.Of(other));
        }
    }
}
