using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests;

public class SafetensorsFileTests
{
    // The bytes that the Rust reference's own tests expect of its serialiser.
    private static readonly byte[] OfReference =
        SafetensorsBytes.Of("""{"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       """, FloatBytes(0, 1, 2, 3, 4, 5));

    [Fact]
    public void The_file_of_the_reference_is_read() => With(OfReference, file =>
    {
        TensorEntry entry = Assert.Single(file.Entries);
        Assert.Equal(new TensorEntry("attn0", StoredType.F32, [1, 1, 2, 3], 80, 24), entry);
        Sample.AssertSame(Tensor<float>.FromArray([1, 1, 2, 3], [0, 1, 2, 3, 4, 5]), file.Read("attn0"));
    });

    [Fact]
    public void Parts_are_read_where_they_lie() => With(OfReference, file =>
    {
        float[] part = new float[3];
        file.ReadPart(file.Entries[0], 2, part.AsSpan());
        Assert.Equal([2, 3, 4], part);
        file.ReadPart(file.Entries[0], 6, Span<float>.Empty);
        uint[] bits = new uint[6];
        file.ReadPart(file.Entries[0], 0, bits.AsSpan());
        Assert.Equal(BitConverter.SingleToUInt32Bits(5), bits[5]);
    });

    [Theory]
    [InlineData(4)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void A_part_beyond_the_tensor_is_refused(int first) => With(OfReference, file =>
    {
        Assert.Throws<ArgumentException>(() => file.ReadPart(file.Entries[0], first, new float[3].AsSpan()));
        Assert.Throws<ArgumentException>(() => file.ReadPart(file.Entries[0], 0, new double[3].AsSpan()));
    });

    [Fact]
    public void A_scalar_is_read() => With(
        SafetensorsBytes.Of("""{"test":{"dtype":"I32","shape":[],"data_offsets":[0,4]}}""", 7, 0, 0, 0),
        file => Sample.AssertSame(Tensor<int>.FromArray([], [7]), file.Read("test")));

    [Fact]
    public void A_tensor_without_elements_is_read() => With(
        SafetensorsBytes.Of("""{"test":{"dtype":"I32","shape":[2,0],"data_offsets":[0, 0]}}"""),
        file => Sample.AssertSame(new Tensor<int>([2, 0]), file.Read("test")));

    [Fact]
    public void Tensors_without_elements_may_stand_anywhere_between_others() => With(
        SafetensorsBytes.Of(
            """
            {"end":{"dtype":"F64","shape":[0],"data_offsets":[2,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},
            "middle":{"dtype":"F64","shape":[0],"data_offsets":[1,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}
            """,
            5,
            6),
        file =>
        {
            Assert.Equal(["a", "middle", "b", "end"], file.Entries.Select(entry => entry.Name));
            Assert.Equal(5, file.Read<byte>("a")[0]);
            Assert.Equal(6, file.Read<byte>("b")[0]);
        });

    [Fact]
    public void A_file_without_tensors_is_read() => With(SafetensorsBytes.Of("{}      "), file => Assert.Empty(file.Entries));

    [Fact]
    public void Metadata_is_read() => With(
        SafetensorsBytes.Of("""{"__metadata__":{"framework":"pt","b\"":"\u00e9\n"}}"""),
        file => Assert.Equal(new Dictionary<string, string> { ["framework"] = "pt", ["b\""] = "é\n" }, file.Metadata));

    [Fact]
    public void White_space_inside_the_header_as_python_writes_it_is_read() => With(
        SafetensorsBytes.Of("""{"test": {"data_offsets": [0, 4], "shape": [1, 1], "dtype": "F32"}, "__metadata__": {}}    """, FloatBytes(2)),
        file => Assert.Equal(2f, file.Read<float>("test")[0, 0]));

    [Fact]
    public void Tensors_that_are_not_aligned_are_read() => With(
        SafetensorsBytes.Of(
            """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}} """,
            [9, .. FloatBytes(1.5f, -2.5f)]),
        file => Sample.AssertSame(Tensor<float>.FromArray([2], [1.5f, -2.5f]), file.Read("b")));

    [Fact]
    public void Any_text_can_be_a_name() => With(
        SafetensorsBytes.Of("""{"":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"a/b\\\u0000\ud83d\ude00":{"dtype":"U8","shape":[],"data_offsets":[1,2]}}""", 1, 2),
        file =>
        {
            Assert.Equal(1, file.Read<byte>("").AsReadOnlySpan()[0]);
            Assert.Equal(2, file.Read<byte>("a/b\\\0\ud83d\ude00").AsReadOnlySpan()[0]);
        });

    [Fact]
    public void A_truth_value_other_than_0_and_1_is_refused_when_it_is_read()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("a.safetensors", SafetensorsBytes.Of("""{"m":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}""", 0, 1, 2));
        using TensorFile file = TensorFile.Open(path);
        Refusal.Of(path, () => file.Read("m"), "tensor 'm'", "BOOL element 2 is the byte 2", "expected 0 or 1");
    }

    [Fact]
    public void Several_threads_may_read_at_once()
    {
        using TemporaryFolder folder = new();
        List<(string Name, Tensor Tensor)> tensors =
            [.. Enumerable.Range(0, 16).Select(i => (FormattableString.Invariant($"t{i}"), Sample.Tensor(new Random(i), ElementType.Float32, 100, i)))];
        SafetensorsWriter.Save(folder["a.safetensors"], tensors);
        using TensorFile file = TensorFile.Open(folder["a.safetensors"]);
        Parallel.For(0, 200, i => Sample.AssertSame(tensors[i % 16].Tensor, file.Read(tensors[i % 16].Name)));
    }

    [Fact]
    public void Only_the_header_is_read_on_opening()
    {
        // The truth value is wrong, and nobody asked for it.
        using TemporaryFolder folder = new();
        string header = """{"m":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""";
        using TensorFile file = TensorFile.Open(folder.File("a.safetensors", SafetensorsBytes.Of(header, 9, 3)));
        Assert.Equal(3, file.Read<byte>("x")[0]);
    }

    private static void With(byte[] content, Action<SafetensorsFile> check)
    {
        using TemporaryFolder folder = new();
        using SafetensorsFile file = SafetensorsFile.Open(folder.File("any.name", content));
        check(file);
    }

    private static byte[] FloatBytes(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];
}
