using System.Buffers.Binary;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests;

public class SafetensorsWriterTests
{
    private static readonly Tensor<float> Six = Tensor<float>.FromArray([1, 2, 3], [0, 1, 2, 3, 4, 5]);

    [Fact]
    public void A_saved_file_is_byte_for_byte_what_the_reference_writes()
    {
        byte[] data = [.. Six.AsReadOnlySpan().ToArray().SelectMany(BitConverter.GetBytes)];
        Assert.Equal(
            SafetensorsBytes.Of("""{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}""", data),
            Saved([("attn.0", Six)]));
        Assert.Equal(
            SafetensorsBytes.Of("""{"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       """, data),
            Saved([("attn0", Six.Reshape([1, 1, 2, 3]))]));
        Assert.Equal([8, 0, 0, 0, 0, 0, 0, 0, 123, 125, 32, 32, 32, 32, 32, 32], Saved([]));
        Assert.Equal(
            SafetensorsBytes.Of("""{"__metadata__":{"framework":"pt"}}     """),
            Saved([], new Dictionary<string, string> { ["framework"] = "pt" }));
    }

    [Fact]
    public void A_streamed_header_is_padded_by_spaces_to_what_was_reserved()
    {
        using TemporaryFolder folder = new();
        using (SafetensorsWriter writer = new(folder["a.safetensors"], 1001))
        {
            writer.Write("x", Six);
            writer.Finish();
        }

        byte[] content = File.ReadAllBytes(folder["a.safetensors"]);
        Assert.Equal(8 + 1008 + 24, content.Length);
        Assert.Equal(1008, BinaryPrimitives.ReadInt64LittleEndian(content));
        Assert.True(content.AsSpan(8, 1008).TrimEnd((byte)' ').EndsWith("}}"u8));
    }

    [Fact]
    public void A_header_larger_than_what_was_reserved_moves_the_data()
    {
        // Data of several moved parts, the last of them not whole.
        List<(string Name, Tensor Tensor)> tensors = [.. Enumerable.Range(0, 50).Select(i =>
            (FormattableString.Invariant($"tensor.number.{i}"), Sample.Tensor(new Random(i), ElementType.Float64, 25_000 + i)))];
        using TemporaryFolder folder = new();
        using (SafetensorsWriter writer = new(folder["a.safetensors"], 16))
        {
            tensors.ForEach(t => writer.Write(t.Name, t.Tensor));
            writer.Finish();
        }

        using TensorFile file = TensorFile.Open(folder["a.safetensors"]);
        Sample.AssertHolds(file, tensors);
    }

    [Fact]
    public void A_header_larger_than_the_data_moves_it_too()
    {
        using TemporaryFolder folder = new();
        using (SafetensorsWriter writer = new(folder["a.safetensors"], 0))
        {
            writer.Write("x", Six);
            writer.SetMetadata("k", new string('m', 100_000));
            writer.Finish();
        }

        using TensorFile file = TensorFile.Open(folder["a.safetensors"]);
        Sample.AssertHolds(file, [("x", Six)]);
        Assert.Equal(100_000, file.Metadata["k"].Length);
    }

    [Fact]
    public void Metadata_can_be_set_and_changed_until_the_end()
    {
        using TemporaryFolder folder = new();
        using (SafetensorsWriter writer = new(folder["a.safetensors"], 64, new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" }))
        {
            writer.Write("x", Six);
            writer.SetMetadata("b", "3");
            writer.SetMetadata("c", "\"\\\n\u0000é😀");
            writer.Finish();
            Assert.Throws<InvalidOperationException>(() => writer.SetMetadata("d", "4"));
        }

        using TensorFile file = TensorFile.Open(folder["a.safetensors"]);
        Assert.Equal(new Dictionary<string, string> { ["a"] = "1", ["b"] = "3", ["c"] = "\"\\\n\u0000é😀" }, file.Metadata);
    }

    [Fact]
    public void Data_is_written_at_once_and_the_target_appears_at_the_end()
    {
        using TemporaryFolder folder = new();
        using SafetensorsWriter writer = new(folder["a.safetensors"], 64);
        writer.Write("x", Sample.Tensor(new Random(1), ElementType.Float64, 1_000_000));
        string temporary = Assert.Single(folder.Names);
        Assert.NotEqual("a.safetensors", temporary);
        Assert.True(new FileInfo(folder[temporary]).Length > 7_900_000);
        writer.Finish();
        Assert.Equal(["a.safetensors"], folder.Names);
    }

    [Fact]
    public void Writing_allocates_no_copy_of_the_data()
    {
        using TemporaryFolder folder = new();
        Tensor large = new Tensor<double>([2_000_000]);
        using SafetensorsWriter writer = new(folder["a.safetensors"], 0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        writer.Write("x", large);
        writer.Finish();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 5 << 20);
    }

    [Fact]
    public void A_crash_in_the_middle_leaves_neither_target_nor_temporary()
    {
        using TemporaryFolder folder = new();
        Assert.Throws<TimeoutException>((Action)(() =>
        {
            using SafetensorsWriter writer = new(folder["a.safetensors"]);
            writer.Write("x", Six);
            throw new TimeoutException();
        }));
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void A_crash_leaves_the_old_target_as_it_was()
    {
        using TemporaryFolder folder = new();
        folder.File("a.safetensors", [1, 2, 3]);
        using (SafetensorsWriter writer = new(folder["a.safetensors"]))
        {
            writer.Write("x", Six);
        }

        Assert.Equal(["a.safetensors"], folder.Names);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(folder["a.safetensors"]));
    }

    [Fact]
    public void A_tensor_that_could_not_be_written_ends_the_writer()
    {
        OperatorContext context = new();
        Tensor<float> released;
        using (context.Scope())
        {
            released = context.Rent<float>([5000]);
        }

        using TemporaryFolder folder = new();
        using SafetensorsWriter writer = new(folder["a.safetensors"]);
        writer.Write("x", Six);
        Assert.Throws<ObjectDisposedException>(() => writer.Write("y", released));
        Assert.Throws<InvalidOperationException>(writer.Finish);
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void A_name_written_twice_is_refused_and_the_rest_is_right()
    {
        using TemporaryFolder folder = new();
        using (SafetensorsWriter writer = new(folder["a.safetensors"]))
        {
            writer.Write("x", Six);
            Assert.Contains("'x' was written before", Assert.Throws<ArgumentException>(() => writer.Write("x", Six)).Message, StringComparison.Ordinal);
            writer.Write("X", Six);
            writer.Finish();
        }

        using TensorFile file = TensorFile.Open(folder["a.safetensors"]);
        Sample.AssertHolds(file, [("x", Six), ("X", Six)]);
    }

    [Fact]
    public void The_name_of_the_metadata_is_refused() => AssertNameRefused("__metadata__");

    [Fact]
    public void A_name_that_utf8_cannot_hold_is_refused() => AssertNameRefused("a\ud800");

    [Fact]
    public void A_finished_writer_writes_no_more()
    {
        using TemporaryFolder folder = new();
        using SafetensorsWriter writer = new(folder["a.safetensors"]);
        writer.Finish();
        Assert.Throws<InvalidOperationException>(() => writer.Write("x", Six));
        Assert.Throws<InvalidOperationException>(writer.Finish);
        writer.Dispose();
        Assert.Equal(["a.safetensors"], folder.Names);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(100_000_001)]
    public void A_reserve_that_no_header_can_have_is_refused(long reserve) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new SafetensorsWriter("a.safetensors", reserve));

    private static void AssertNameRefused(string name)
    {
        using TemporaryFolder folder = new();
        using SafetensorsWriter writer = new(folder["a.safetensors"]);
        Assert.Throws<ArgumentException>(() => writer.Write(name, Six));
    }

    private static byte[] Saved(IEnumerable<(string, Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using TemporaryFolder folder = new();
        SafetensorsWriter.Save(folder["a.safetensors"], tensors, metadata);
        return File.ReadAllBytes(folder["a.safetensors"]);
    }
}
