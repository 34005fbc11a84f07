using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests;

public class ShardedFileTests
{
    private const string Index = "model.safetensors.index.json";

    [Fact]
    public void Tensors_of_several_files_are_read_by_the_index_and_by_the_folder()
    {
        using TemporaryFolder folder = new();
        Shards(folder);
        Write(folder, """{"metadata": {"total_size": 8}, "weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}""");
        foreach (string path in new[] { folder[Index], folder.Path })
        {
            using TensorFile file = TensorFile.Open(path);
            Assert.Equal(["a", "b"], file.Entries.Select(entry => entry.Name));
            Assert.Equal([2f], file.Read<float>("b").AsReadOnlySpan().ToArray());
            Assert.Equal([folder[Index], folder["1.safetensors"], folder["2.safetensors"]], ShardedFile.FilesOf(path));
        }
    }

    [Theory]
    [InlineData("""{"weight_map": {"a": "1.safetensors"}}""", Index, "")]
    [InlineData("""{"weight_map": {"a": "1.safetensors", "b": "2.safetensors", "c": "2.safetensors"}}""", "2.safetensors", "tensor 'c': is absent")]
    [InlineData("""{"weight_map": {"a": "1.safetensors", "b": "1.safetensors"}}""", "1.safetensors", "tensor 'b': is absent")]
    [InlineData("""{"weight_map": {"a": "2.safetensors", "b": "2.safetensors"}}""", "2.safetensors", "tensor 'a': is absent")]
    [InlineData("""{"weight_map": {"b": "1.safetensors"}}""", "1.safetensors", "tensor 'a': is not said to stand here")]
    [InlineData("""{"weight_map": {"a": "../1.safetensors"}}""", Index, "tensor 'a': is said to stand in '../1.safetensors'")]
    [InlineData("""{"weight_map": {"a": ""}}""", Index, "is said to stand in ''")]
    [InlineData("""{"weight_map": {"a": 1}}""", Index, "is said to stand in ''")]
    [InlineData("""{"weight_map": {"a": "1.onnx"}}""", Index, "tensor 'a': is said to stand in '1.onnx', which is not there")]
    [InlineData("""{"weight_map": {"a": "1.safetensors", "a": "2.safetensors"}}""", Index, "is not JSON")]
    [InlineData("""{"weight_map": {}}""", Index, "empty weight_map")]
    [InlineData("""{"weights": {}}""", Index, "has no weight_map")]
    [InlineData("[]", Index, "has no weight_map")]
    [InlineData("", Index, "is not JSON at line 1, byte 1 ('")]
    [InlineData("{\"weight_map\": t\u0013\u009b}", Index, @"is not JSON at line 1, byte 17 (''t\u0013\u009b}' is")]
    public void An_index_that_its_files_do_not_bear_out_is_refused(string index, string file, string what)
    {
        using TemporaryFolder folder = new();
        Shards(folder);
        Write(folder, index);
        if (what.Length == 0)
        {
            // One of the files alone is whole.
            using TensorFile one = TensorFile.Open(folder[Index]);
            Assert.Equal(["a"], one.Entries.Select(entry => entry.Name));
            return;
        }

        Refusal.Of(folder[file], () => TensorFile.Open(folder[Index]), what);
    }

    [Fact]
    public void A_file_of_an_index_that_is_no_tensor_file_is_refused_by_its_name()
    {
        using TemporaryFolder folder = new();
        folder.File("1.onnx", [1]);
        Write(folder, """{"weight_map": {"a": "1.onnx"}}""");
        Refusal.Of(folder["1.onnx"], () => TensorFile.Open(folder[Index]), "extension '.onnx'");
    }

    [Fact]
    public void A_file_of_an_index_that_is_not_there_is_named()
    {
        using TemporaryFolder folder = new();
        Write(folder, """{"weight_map": {"a": "1.safetensors"}}""");
        Refusal.Of(folder[Index], () => TensorFile.Open(folder[Index]), "tensor 'a': is said to stand in '1.safetensors', which is not there");
    }

    private static void Shards(TemporaryFolder folder)
    {
        SafetensorsWriter.Save(folder["1.safetensors"], [("a", Tensor<float>.Create([1], [1]))]);
        SafetensorsWriter.Save(folder["2.safetensors"], [("b", Tensor<float>.Create([1], [2]))]);
    }

    private static void Write(TemporaryFolder folder, string index) => File.WriteAllText(folder[Index], index);
}
