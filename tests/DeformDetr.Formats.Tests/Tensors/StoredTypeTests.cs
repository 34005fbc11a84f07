using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests;

public class StoredTypeTests
{
    [Theory]
    [InlineData(StoredType.F64, 8, "F64", ElementType.Float64)]
    [InlineData(StoredType.F32, 4, "F32", ElementType.Float32)]
    [InlineData(StoredType.F16, 2, "F16", ElementType.Float32)]
    [InlineData(StoredType.BF16, 2, "BF16", ElementType.Float32)]
    [InlineData(StoredType.I64, 8, "I64", ElementType.Int64)]
    [InlineData(StoredType.I32, 4, "I32", ElementType.Int32)]
    [InlineData(StoredType.U8, 1, "U8", ElementType.UInt8)]
    [InlineData(StoredType.BOOL, 1, "BOOL", ElementType.Bool)]
    public void Each_type_has_its_size_word_and_element_type(StoredType type, int size, string word, ElementType elementType)
    {
        Assert.Equal(size, type.Size());
        Assert.Equal(word, type.Word());
        Assert.Equal(elementType, type.ElementType());
    }

    [Fact]
    public void Every_element_type_is_stored_as_a_type_that_is_read_as_it()
    {
        foreach (ElementType type in Enum.GetValues<ElementType>())
        {
            Assert.Equal(type, StoredTypes.Of(type).ElementType());
            Assert.Equal(type.Size(), StoredTypes.Of(type).Size());
        }
    }
}
