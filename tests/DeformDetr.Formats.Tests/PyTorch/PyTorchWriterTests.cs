using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests;

public class PyTorchWriterTests
{
    private static readonly List<(string Name, Tensor Tensor)> Tensors = Sample.Tensors(5, [[2, 3], [], [4], [0, 2], [3, 1, 2]]);

    [Theory]
    [InlineData(null)]
    [InlineData("model")]
    public void What_is_written_is_read(string? key)
    {
        using TemporaryFolder folder = new();
        Write(folder["a.pth"], key);
        using PyTorchFile file = PyTorchFile.Open(folder["a.pth"]);
        Assert.Equal(Tensors.Select(entry => entry.Name).Append("again").Order(StringComparer.Ordinal), file.Entries.Select(entry => entry.Name).Order(StringComparer.Ordinal));
        foreach ((string name, Tensor tensor) in Tensors)
        {
            Sample.AssertSame(tensor, file.Read(name));
        }

        Sample.AssertSame(Tensors[0].Tensor, file.Read("again"));
        Assert.Equal(key is null ? null : """{"a":[1,"x",null,true,{"b":-3000000000}]}""", file.Arguments);

        // Its elements stand there once.
        Assert.Equal(file.Entries.Single(entry => entry.Name == Tensors[0].Name).Offset, file.Entries.Single(entry => entry.Name == "again").Offset);
    }

    [Fact]
    public void The_same_calls_give_the_same_bytes()
    {
        using TemporaryFolder folder = new();
        Write(folder["a.pth"], "model");
        Write(folder["b.pth"], "model");
        Assert.Equal(File.ReadAllBytes(folder["a.pth"]), File.ReadAllBytes(folder["b.pth"]));
        Assert.Equal(["a.pth", "b.pth"], folder.Names);
    }

    [NumpyFact("torch")]
    public void PyTorch_reads_it_with_weights_only()
    {
        using TemporaryFolder folder = new();
        Write(folder["a.pth"], "model");
        const string Script = """
            import sys, torch
            whole = torch.load(sys.argv[1], weights_only=True)
            print(type(whole["model"]).__name__, whole["args"])
            for name, tensor in whole["model"].items():
                print(ascii(name), tensor.dtype, list(tensor.shape), tensor.flatten()[:2].tolist())
            print(whole["model"]["again"].storage().data_ptr() == next(iter(whole["model"].values())).storage().data_ptr())
            """;
        string[] lines = NumpyFactAttribute.RunPython(Script, folder["a.pth"]).TrimEnd().Split('\n');
        Assert.Equal("OrderedDict {'a': [1, 'x', None, True, {'b': -3000000000}]}", lines[0]);
        Assert.Equal(Tensors.Count + 1, lines.Length - 2);
        for (int index = 0; index < Tensors.Count; index++)
        {
            Assert.Contains($" torch.{Tensors[index].Tensor.ElementType.Word()} [{string.Join(", ", Tensors[index].Tensor.Shape)}] ", lines[index + 1], StringComparison.Ordinal);
        }

        Assert.Equal("True", lines[^1]);
    }

    [Fact]
    public void Values_beside_a_bare_state_dict_are_refused()
    {
        using TemporaryFolder folder = new();
        Assert.Throws<ArgumentException>(() => new PyTorchWriter(folder["a.pth"], null, new Dictionary<string, string> { ["args"] = "{}" }));
        Assert.Throws<ArgumentException>(() => new PyTorchWriter(folder["a.pth"], "model", new Dictionary<string, string> { ["args"] = """{"a": [2.5]}""" }));
        Assert.Empty(folder.Names);
    }

    private static void Write(string path, string? key)
    {
        Dictionary<string, string>? beside = key is null ? null : new() { ["args"] = """{"a": [1, "x", null, true, {"b": -3000000000}]}""" };
        using PyTorchWriter writer = new(path, key, beside);
        foreach ((string name, Tensor tensor) in Tensors)
        {
            writer.Write(name, tensor);
        }

        writer.WriteAgain("again", Tensors[0].Name, Tensors[0].Tensor);
        Assert.Throws<ArgumentException>(() => writer.WriteAgain("once more", "never written", Tensors[0].Tensor));
        writer.Finish();
    }
}
