using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests;

public class NpyFolderTests
{
    [Fact]
    public void Files_are_tensors_in_ordinal_order_of_their_paths()
    {
        using TemporaryFolder folder = new();
        Tensor<float> one = Tensor<float>.FromArray([2], [1, 2]);
        Tensor<long> other = Tensor<long>.FromArray([1, 1], [7]);
        Directory.CreateDirectory(folder["b/deep"]);
        Directory.CreateDirectory(folder[".cache"]);
        NpyFile.Save(folder["b.0.weight.npy"], one);
        NpyFile.Save(folder["b/deep/x.npy"], other);
        NpyFile.Save(folder["a.npy"], other);
        File.WriteAllText(folder[".cache/x"], "passed over");
        using NpyFolder file = NpyFolder.Open(folder.Path);
        Sample.AssertHolds(file, [("a", other), ("b.0.weight", one), ("b/deep/x", other)]);
    }

    [Fact]
    public void What_numpy_saved_in_fortran_order_is_read_row_by_row()
    {
        using TemporaryFolder folder = new();
        File.Copy(Fixture.Path("f4_fortran.npy"), folder["x.npy"]);
        using NpyFolder file = NpyFolder.Open(folder.Path);
        Sample.AssertSame(Fixture.Expected("f4"), file.Read("x"));
    }

    [Fact]
    public void A_file_that_is_no_npy_is_refused()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("x.txt", "hello"u8);
        Refusal.Of(path, () => NpyFolder.Open(folder.Path).Dispose(), "is not an npy");
    }

    [Fact]
    public void A_file_that_has_changed_since_is_refused()
    {
        using TemporaryFolder folder = new();
        NpyFile.Save(folder["x.npy"], new Tensor<float>([2]));
        using NpyFolder file = NpyFolder.Open(folder.Path);
        NpyFile.Save(folder["x.npy"], new Tensor<float>([3]));
        Refusal.Of(folder["x.npy"], () => file.Read("x"), "has become F32 [3]", "expected F32 [2] still");
    }

    [Fact]
    public void Folders_that_lead_back_up_end()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["a"]);
        Directory.CreateSymbolicLink(folder["a/up"], folder.Path);
        InvalidDataException exception = Assert.Throws<InvalidDataException>(() => NpyFolder.Open(folder.Path));
        Assert.Contains("lies 33 folders below", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_folder_is_no_file() => Assert.Throws<DirectoryNotFoundException>(() => NpyFolder.Open("/nowhere/at-all"));
}
