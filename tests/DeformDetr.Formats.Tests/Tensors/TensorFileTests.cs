using System.Diagnostics;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests;

public class TensorFileTests
{
    private static readonly Tensor<float> Some = Tensor<float>.FromArray([2], [1f, 2f]);

    [Theory]
    [InlineData("a.safetensors", typeof(SafetensorsFile))]
    [InlineData("a.npz", typeof(NpzFile))]
    [InlineData("A.NPZ", typeof(NpzFile))]
    public void The_extension_chooses_reader_and_writer(string name, Type type)
    {
        using TemporaryFolder folder = new();
        using (TensorWriter writer = TensorWriter.Create(folder[name]))
        {
            writer.Write("x", Some);
            writer.Finish();
        }

        using TensorFile file = TensorFile.Open(folder[name]);
        Assert.IsType(type, file);
        Assert.Equal(folder[name], file.Path);
        Sample.AssertSame(Some, file.Read("x"));
    }

    [Theory]
    [InlineData("a.onnx", "'.onnx'")]
    [InlineData("safetensors", "''")]
    public void Another_extension_is_refused_before_the_file_is_looked_at(string path, string named) =>
        Refusal.Of(path, () => TensorFile.Open(path), named, "expected .safetensors, .npz, .npy, .pth, .pt, .bin or .ckpt");

    [Fact]
    public void Another_extension_is_refused_for_writing() => Refusal.Of("a.npy", () => TensorWriter.Create("a.npy"), "'.npy'", "expected .safetensors, .npz, .pth, .pt or .bin");

    [Theory]
    [InlineData("none.safetensors")]
    [InlineData("none.npz")]
    [InlineData("none.npy")]
    [InlineData("no/folder.npy")]
    public void A_missing_file_is_said_in_one_line(string name)
    {
        using TemporaryFolder folder = new();
        string path = folder[name];
        FileNotFoundException exception = Assert.Throws<FileNotFoundException>(() => TensorFile.Open(path));
        Assert.Equal($"{path}: no such file.", exception.Message);
    }

    [Fact]
    public void A_folder_is_said_in_one_line()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["d.npz"]);
        IOException exception = Assert.Throws<IOException>(() => TensorFile.Open(folder["d.npz"]));
        Assert.Equal($"{folder["d.npz"]}: is a folder; expected a file.", exception.Message);
    }

    [Fact]
    public void A_file_without_permission_is_said_in_one_line()
    {
        if (OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess)
        {
            return;
        }

        using TemporaryFolder folder = new();
        string path = folder.File("a.npy", []);
        File.SetUnixFileMode(path, UnixFileMode.None);
        Assert.Equal($"{path}: no permission to read it.", Assert.Throws<UnauthorizedAccessException>(() => TensorFile.Open(path)).Message);
    }

    [Fact]
    public void A_tensor_of_another_element_type_is_not_cast()
    {
        using TemporaryFolder folder = new();
        string path = folder["a.safetensors"];
        SafetensorsWriter.Save(path, [("x", Some)]);
        using TensorFile file = TensorFile.Open(path);
        Refusal.Of(path, () => file.Read<double>("x"), "tensor 'x'", "float32", "expected float64");
        Sample.AssertSame(Some, file.Read<float>("x"));
    }

    [Fact]
    public void An_absent_tensor_is_refused_by_name()
    {
        using TemporaryFolder folder = new();
        string path = folder["a.safetensors"];
        SafetensorsWriter.Save(path, [("x", Some)]);
        using TensorFile file = TensorFile.Open(path);
        Assert.True(file.Contains("x"));
        Assert.False(file.Contains("X"));
        Refusal.Of(path, () => file.Read("X"), "tensor 'X': is absent");
        Refusal.Of(path, () => file.Read<float>("X"), "tensor 'X': is absent");
    }

    [Fact]
    public void Each_reading_gives_a_tensor_of_its_own()
    {
        using TemporaryFolder folder = new();
        SafetensorsWriter.Save(folder["a.safetensors"], [("x", Some)]);
        using TensorFile file = TensorFile.Open(folder["a.safetensors"]);
        Tensor<float> first = file.Read<float>("x");
        first[0] = 7f;
        Assert.Equal(1f, file.Read<float>("x")[0]);
        Assert.Equal("x", first.Name);
    }

    [Fact]
    public void A_file_that_was_refused_is_closed()
    {
        using TemporaryFolder folder = new();
        foreach (string name in (string[])["a.safetensors", "a.npz", "a.npy"])
        {
            string path = folder.File(name, [1, 2, 3]);
            Assert.Throws<InvalidDataException>(() => TensorFile.Open(path));
            using FileStream alone = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        }
    }

    [Fact]
    public void A_file_cut_while_it_is_open_is_refused()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using TemporaryFolder folder = new();
        string path = folder["a.safetensors"];
        SafetensorsWriter.Save(path, [("x", Some)]);
        using TensorFile file = TensorFile.Open(path);

        // By another process: within this one, .NET holds a lock on the open file.
        using Process process = Process.Start("truncate", ["-s", "-3", path]);
        process.WaitForExit();
        Refusal.Of(path, () => file.Read("x"), "tensor 'x'", "ends 3 bytes before");
    }

    [Fact]
    public void Names_of_the_file_do_not_reach_the_terminal_as_they_are()
    {
        string header = "{\"a\\u001b[31m\\n\\u202e" + new string('x', 500) + "\":{}}";
        using TemporaryFolder folder = new();
        string path = folder.File("a.safetensors", SafetensorsBytes.Of(header));
        Refusal.Of(path, () => TensorFile.Open(path), "'a\\u001b[31m\\u000a\\u202e", "…'");
        Assert.True(Assert.Throws<InvalidDataException>(() => TensorFile.Open(path)).Message.Length < 500 + path.Length);
    }
}
