using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests;

/// <summary>Files that PyTorch wrote (golden/checkpoints/dump_checkpoints.py), and small ones put together here.</summary>
public class PyTorchFileTests
{
    private static readonly float[] Numbers = [1, 2, 3, 4, 5, 6];

    [Theory]
    [InlineData("whole-legacy.pth")]
    [InlineData("strided.pth")]
    [InlineData("strided-legacy.pth")]
    public void The_same_weights_are_read_from_every_file(string name)
    {
        using PyTorchFile whole = PyTorchFile.Open(Golden("whole.pth"));
        using PyTorchFile other = PyTorchFile.Open(Golden(name));
        Assert.Equal(168, whole.Entries.Count);
        Assert.Equal(whole.Entries.Select(entry => entry.Name).Order(StringComparer.Ordinal), other.Entries.Select(entry => entry.Name).Order(StringComparer.Ordinal));
        foreach (TensorEntry entry in whole.Entries)
        {
            Tensor<float> expected = whole.Read<float>(entry.Name);
            Tensor<float> actual = other.Read<float>(entry.Name);
            Assert.Equal(expected.Shape, actual.Shape);
            Assert.True(expected.AsReadOnlySpan().SequenceEqual(actual.AsReadOnlySpan()), entry.Name);
        }
    }

    [Fact]
    public void Half_precision_widens_to_what_PyTorch_says_it_is()
    {
        Dictionary<string, string> rounded = JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllText(Golden("half-rounded.json")))!;
        using PyTorchFile half = PyTorchFile.Open(Golden("half.pth"));
        Assert.Equal([StoredType.F16, StoredType.BF16], half.Entries.Select(entry => entry.StoredType).Distinct().Order().Order(Comparer<StoredType>.Default));
        Assert.Equal(rounded.Count, half.Entries.Count);
        foreach ((string name, string hash) in rounded)
        {
            Assert.Equal(hash, Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(half.Read<float>(name).AsReadOnlySpan()))));
        }
    }

    [Theory]
    [InlineData("whole.pth", "PyTorch zip")]
    [InlineData("whole-legacy.pth", "PyTorch legacy")]
    public void What_stands_beside_the_model_is_told(string name, string format)
    {
        using PyTorchFile file = PyTorchFile.Open(Golden(name));
        Assert.Equal((format, "49", "model"), (file.Metadata["format"], file.Metadata["epoch"], file.Metadata["tensors"]));
        Assert.Contains("\"exp_avg\":\"tensor [7, 32]\"", file.Metadata["optimizer"], StringComparison.Ordinal);
        using JsonDocument arguments = JsonDocument.Parse(file.Arguments!);
        Assert.Equal(32, arguments.RootElement.GetProperty("hidden_dim").GetInt32());
        Assert.Equal(JsonValueKind.Null, arguments.RootElement.GetProperty("lr_drop_epochs").ValueKind);
        Assert.Equal(2 * Math.PI, arguments.RootElement.GetProperty("position_embedding_scale").GetDouble());
    }

    [Fact]
    public void A_numpy_number_and_a_set_are_read()
    {
        using PyTorchFile file = PyTorchFile.Open(Golden("whole-legacy.pth"));
        Assert.Equal(("43.8", "[1,2]"), (file.Metadata["best"], file.Metadata["seen"]));
    }

    [Fact]
    public void A_view_has_the_elements_that_its_strides_name()
    {
        using TemporaryFolder folder = new();
        byte[] storage = Pickle.Storage("0", 6);
        byte[] pickle = Pickle.StateDict(
            ("t", Pickle.Tensor(storage, 1, [2, 2], [1, 3])), ("scalar", Pickle.Tensor(storage, 5, [], [])), ("none", Pickle.Tensor(storage, 6, [0, 4], [4, 1])));
        using TensorFile file = TensorFile.Open(Pickle.Zip(folder, pickle, ("archive/data/0", Bytes(Numbers))));
        Assert.Equal([2, 5, 3, 6], file.Read<float>("t").AsReadOnlySpan().ToArray());
        Assert.Equal([6], file.Read<float>("scalar").AsReadOnlySpan().ToArray());
        Assert.Equal([0, 4], file.Read<float>("none").Shape);
    }

    [Theory]
    [InlineData(0, new long[] { 2, 3 }, new long[] { 3, 2 }, "reach beyond a storage of 6 elements")]
    [InlineData(7, new long[] { }, new long[] { }, "begins at element 7 of a storage of 6")]
    [InlineData(-1, new long[] { }, new long[] { }, "begins at element -1")]
    [InlineData(0, new long[] { 2 }, new long[] { -1 }, "a size or stride is an integer; expected a whole number that is not negative")]
    [InlineData(0, new long[] { 2, 2 }, new long[] { 1 }, "2 sizes and 1 strides")]
    [InlineData(0, new long[] { 7 }, new long[] { 0 }, "repeats the 6 elements")]
    [InlineData(0, new long[] { long.MaxValue, long.MaxValue }, new long[] { long.MaxValue, long.MaxValue }, "reach beyond")]
    [InlineData(0, new long[] { 1L << 40, 1L << 40 }, new long[] { 0, 0 }, "more elements than one array can hold")]
    public void A_view_that_its_storage_cannot_have_is_refused(long offset, long[] sizes, long[] strides, string what)
    {
        using TemporaryFolder folder = new();
        byte[] pickle = Pickle.StateDict(("w", Pickle.Tensor(Pickle.Storage("0", 6), offset, sizes, strides)));
        string path = Pickle.Zip(folder, pickle, ("archive/data/0", Bytes(Numbers)));
        Refusal.Of(path, () => TensorFile.Open(path), what);
    }

    [Fact]
    public void Views_that_make_much_of_one_storage_are_refused()
    {
        using TemporaryFolder folder = new();
        byte[] content = new byte[400_000];
        byte[] tensor = Pickle.Join(Pickle.Tensor(Pickle.Storage("0", 100_000), 0, [100_000], [1]), 'p', "7\n");
        byte[] pickle = Pickle.StateDict([("w", tensor), .. Enumerable.Range(0, 20).Select(index => ($"w{index}", Pickle.Join("g7\n")))]);
        string path = Pickle.Zip(folder, pickle, ("archive/data/0", content));
        Refusal.Of(path, () => TensorFile.Open(path), "over 16 times as many bytes as the file");
    }

    [Fact]
    public void Damaged_elements_are_refused_when_they_are_read()
    {
        using TemporaryFolder folder = new();
        string path = Pickle.Zip(folder, Pickle.StateDict(("w", Pickle.Tensor(Pickle.Storage("0", 6), 0, [6], [1]))), ("archive/data/0", Bytes(Numbers)));
        byte[] content = File.ReadAllBytes(path);
        int at = content.AsSpan().IndexOf(Bytes(Numbers));
        content[at + 5] ^= 1;
        File.WriteAllBytes(path, content);
        using TensorFile file = TensorFile.Open(path);
        Refusal.Of(path, () => file.Read("w"), "tensor 'w'", "the data is damaged");
    }

    [Theory]
    [InlineData("ShortStorage", "int16")]
    [InlineData("ComplexFloatStorage", "complex64")]
    public void A_type_that_no_tensor_here_has_is_refused(string storage, string word)
    {
        using TemporaryFolder folder = new();
        byte[] pickle = Pickle.StateDict(("w", Pickle.Tensor(Pickle.Storage("0", 1, storage), 0, [1], [1])));
        string path = Pickle.Zip(folder, pickle, ("archive/data/0", new byte[word == "int16" ? 2 : 8]));
        Refusal.Of(path, () => TensorFile.Open(path), "tensor 'w'", word);
    }

    [Fact]
    public void A_big_endian_file_is_refused()
    {
        using TemporaryFolder folder = new();
        byte[] pickle = Pickle.StateDict(("w", Pickle.Tensor(Pickle.Storage("0", 6), 0, [6], [1])));
        string path = Pickle.Zip(folder, pickle, ("archive/data/0", Bytes(Numbers)), ("archive/byteorder", "big"u8.ToArray()));
        Refusal.Of(path, () => TensorFile.Open(path), "byteorder holds 'big'; expected little");
        string legacy = folder.File("b.pth", Pickle.Legacy(pickle, Pickle.Of(']', Pickle.Text("0"), 'a'), [6, 0, 0, 0, 0, 0, 0, 0, .. Bytes(Numbers)], littleEndian: false));
        Refusal.Of(legacy, () => TensorFile.Open(legacy), "little_endian");
    }

    [Fact]
    public void A_legacy_file_is_read_to_its_last_byte()
    {
        using TemporaryFolder folder = new();
        byte[] pickle = Pickle.StateDict(("w", Pickle.Tensor(Pickle.Storage("0", 6), 0, [6], [1])));
        byte[] keys = Pickle.Of(']', Pickle.Text("0"), 'a');
        byte[] data = [6, 0, 0, 0, 0, 0, 0, 0, .. Bytes(Numbers)];
        using (TensorFile file = TensorFile.Open(folder.File("a.pth", Pickle.Legacy(pickle, keys, data))))
        {
            Assert.Equal(Numbers, file.Read<float>("w").AsReadOnlySpan().ToArray());
        }

        Refuse(Pickle.Legacy(pickle, keys, [.. data, 0]), "1 bytes after the last storage");
        Refuse(Pickle.Legacy(pickle, keys, data[..^1]), "23 bytes left");
        Refuse(Pickle.Legacy(pickle, keys, [5, .. data[1..]]), "of 5 elements");
        Refuse(Pickle.Legacy(pickle, Pickle.Of(']', Pickle.Text("1"), 'a'), data), "names one twice, or one that no tensor has");
        Refuse(Pickle.Legacy(pickle, Pickle.Of(']'), data), "no list of 1 storages");
        Refuse([.. Pickle.Of('M', "\u0001\u0002"), .. data], "PyTorch's number");

        void Refuse(byte[] content, string what)
        {
            string path = folder.File("b.pth", content);
            Refusal.Of(path, () => TensorFile.Open(path), what);
        }
    }

    [Theory]
    [InlineData("ustar, perhaps", "begins neither as a zip nor as a pickle")]
    [InlineData("", "begins neither as a zip nor as a pickle")]
    public void What_is_no_checkpoint_is_refused(string content, string what) =>
        Refusal.OnOpening("a.pth", System.Text.Encoding.ASCII.GetBytes(content), what);

    [Fact]
    public void TorchScript_is_refused()
    {
        using TemporaryFolder folder = new();
        string path = Pickle.Zip(folder, Pickle.Of('}'), ("archive/constants.pkl", Pickle.Of(')')));
        Refusal.Of(path, () => TensorFile.Open(path), "is TorchScript");
    }

    [Theory]
    [InlineData("model", "state_dict", "holds model and state_dict")]
    [InlineData("a", "b", "holds no tensors")]
    public void A_file_without_one_state_dict_is_refused(string one, string other, string what)
    {
        using TemporaryFolder folder = new();
        string path = Pickle.Zip(folder, Pickle.Of('}', '(', Pickle.Text(one), '}', Pickle.Text(other), '}', 'u'));
        Refusal.Of(path, () => TensorFile.Open(path), what);
    }

    [Fact]
    public void A_name_that_stands_twice_is_refused()
    {
        using TemporaryFolder folder = new();
        byte[] tensor = Pickle.Tensor(Pickle.Storage("0", 6), 0, [6], [1]);
        string path = Pickle.Zip(folder, Pickle.StateDict(("w", tensor), ("w", tensor)), ("archive/data/0", Bytes(Numbers)));
        Refusal.Of(path, () => TensorFile.Open(path), "tensor 'w'", "twice");
    }

    private static string Golden(string name) => Path.Combine(Fixture.Repository, "golden", "checkpoints", name);

    private static byte[] Bytes(float[] numbers) => MemoryMarshal.AsBytes<float>(numbers).ToArray();
}
