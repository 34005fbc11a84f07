using System.IO.Compression;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests;

public class NpzFileTests
{
    private const string Header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n";

    [Theory]
    [InlineData("stored.npz")]
    [InlineData("compressed.npz")]
    public void What_numpy_saved_is_read(string name)
    {
        using TensorFile file = TensorFile.Open(Fixture.Path(name));
        Sample.AssertHolds(file, [.. Fixture.Types.SelectMany(type => (IEnumerable<(string, Tensor)>)
            [(type, Fixture.Expected(type)), ($"deep/er/{type}.fortran", Fixture.Expected(type))])]);
        Assert.Equal(StoredType.F16, file.Entries.Single(entry => entry.Name == "f2").StoredType);
    }

    [Fact]
    public void Tensors_may_be_read_in_any_order_and_again()
    {
        using TensorFile file = TensorFile.Open(Fixture.Path("compressed.npz"));
        foreach (string type in (string[])["b1", "f8", "b1", "i8"])
        {
            Sample.AssertSame(Fixture.Expected(type), file.Read(type));
        }
    }

    [Fact]
    public void Several_threads_may_ask_at_once()
    {
        using TemporaryFolder folder = new();
        List<(string Name, Tensor Tensor)> tensors =
            [.. Enumerable.Range(0, 8).Select(i => (FormattableString.Invariant($"t{i}"), Sample.Tensor(new Random(i), ElementType.Float32, 20_000 + i)))];
        using (NpzWriter writer = new(folder["a.npz"], compress: true))
        {
            tensors.ForEach(t => writer.Write(t.Name, t.Tensor));
            writer.Finish();
        }

        using TensorFile file = TensorFile.Open(folder["a.npz"]);
        Parallel.For(0, 100, i => Sample.AssertSame(tensors[i % 8].Tensor, file.Read(tensors[i % 8].Name)));
    }

    [Fact]
    public void Names_that_look_like_paths_are_just_names()
    {
        using TemporaryFolder folder = new();
        string path = Zip(folder, ("../../etc/x.npy", NpyBytes.Of(Header, 5, 6)), ("/y.npy.npy", NpyBytes.Of(Header, 7, 8)));
        using TensorFile file = TensorFile.Open(path);
        Assert.Equal(["../../etc/x", "/y.npy"], file.Entries.Select(entry => entry.Name));
        Assert.Equal(6, file.Read<byte>("../../etc/x")[1]);
        Assert.Equal(["a.npz"], folder.Names);
    }

    [Fact]
    public void A_zip_without_members_is_read()
    {
        using TemporaryFolder folder = new();
        using TensorFile file = TensorFile.Open(Zip(folder));
        Assert.Empty(file.Entries);
    }

    [Fact]
    public void A_file_that_is_no_zip_is_refused() => Refusal.OnOpening("a.npz", NpyBytes.Of(Header, 1, 2), "no end of a zip's directory");

    [Fact]
    public void A_member_that_is_no_npy_by_name_is_refused()
    {
        string path = Fixture.Path("refused_other_member.npz");
        Refusal.Of(path, () => TensorFile.Open(path), "zip member 'notes.txt' is not an npy");
    }

    [Fact]
    public void A_member_that_is_no_npy_by_content_is_refused() => RefusedMember([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "does not begin as an npy does");

    [Fact]
    public void A_member_of_few_bytes_is_refused() => RefusedMember([1], "npy of 1 bytes");

    [Fact]
    public void A_member_of_fewer_bytes_than_its_header_says_is_refused() => RefusedMember(NpyBytes.Of(Header, 1), "data of 1 bytes", "expected 2");

    [Fact]
    public void A_member_of_more_bytes_than_its_header_says_is_refused() => RefusedMember(NpyBytes.Of(Header, 1, 2, 3), "data of 3 bytes", "expected 2");

    [Fact]
    public void A_name_twice_is_refused()
    {
        using TemporaryFolder folder = new();
        string path = Zip(folder, ("x.npy", NpyBytes.Of(Header, 1, 2)), ("x.npy", NpyBytes.Of(Header, 1, 2)));
        Refusal.Of(path, () => TensorFile.Open(path), "zip member 'x.npy' stands there twice");
    }

    // Each is right by itself; together they unpack to much more than the file can hold.
    [Fact]
    public void Members_that_share_their_bytes_are_refused()
    {
        using TemporaryFolder folder = new();
        string path = Zip(folder, ("x.npy", NpyBytes.Of(Header, 1, 2)), ("y.npy", NpyBytes.Of(Header, 3, 4)));
        byte[] content = File.ReadAllBytes(path);

        // The second entry's name and offset, 46 and 42 bytes into it, become the first's.
        int second = content.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        content.AsSpan(second + 42, 4).Clear();
        Refusal.OnOpening("b.npz", content, "zip member has another name here than 'y.npy'");
        content[second + 46] = (byte)'x';
        Refusal.OnOpening("b.npz", content, "zip member 'x.npy' stands there twice");
    }

    // An end that knows of no members, in a file that has some.
    [Fact]
    public void A_directory_that_is_not_all_before_the_end_is_refused()
    {
        using TemporaryFolder folder = new();
        byte[] content = File.ReadAllBytes(Zip(folder, ("x.npy", NpyBytes.Of(Header, 1, 2))));
        content.AsSpan(content.Length - 14, 8).Clear();
        Refusal.OnOpening("b.npz", content, "a zip's directory of 0 members in 0 bytes");
        content.AsSpan(content.Length - 6, 4).Clear();
        Refusal.OnOpening("b.npz", content, "a zip's directory of 0 members in 0 bytes from 0");
    }

    // What stands before a member's bytes is held against the directory.
    [Fact]
    public void A_name_that_differs_in_the_directory_is_refused()
    {
        using TemporaryFolder folder = new();
        byte[] content = File.ReadAllBytes(Zip(folder, ("x.npy", NpyBytes.Of(Header, 1, 2))));
        content[content.AsSpan().LastIndexOf("x.npy"u8)] = (byte)'y';
        Refusal.OnOpening("b.npz", content, "another name here than 'y.npy'");
    }

    [Fact]
    public void A_wrong_checksum_is_refused()
    {
        using TemporaryFolder folder = new();
        string path = Zip(folder, ("x.npy", NpyBytes.Of(Header, 0xAB, 0xCD)));
        byte[] content = File.ReadAllBytes(path);
        content[content.AsSpan().IndexOf<byte>([0xAB, 0xCD])] ^= 1;
        folder.File("a.npz", content);
        using TensorFile file = TensorFile.Open(path);
        Refusal.Of(path, () => file.Read("x"), "tensor 'x'", "checksum", "damaged");
    }

    [Fact]
    public void A_bomb_that_declares_more_than_deflate_can_do_is_refused_without_making_room_for_it()
    {
        using TemporaryFolder folder = new();
        byte[] member = NpyBytes.Of(Header.Replace("(2,)", "(1500000000,)", StringComparison.Ordinal), new byte[200]);
        string path = Zip(folder, CompressionLevel.Optimal, ("x.npy", member));
        byte[] content = File.ReadAllBytes(path);

        // The directory's unpacked size, 24 bytes into the entry that its signature begins.
        int directory = content.AsSpan().IndexOf("PK\u0001\u0002"u8);
        BitConverter.TryWriteBytes(content.AsSpan(directory + 24), 1500000000 + member.Length - 200);
        folder.File("a.npz", content);
        Refusal.Of(path, () => TensorFile.Open(path), "tensor 'x'", "what deflate can do");
    }

    [Fact]
    public void Zeros_packed_as_tightly_as_deflate_can_are_read()
    {
        using TemporaryFolder folder = new();
        Tensor<double> zeros = new([1 << 20]);
        using (NpzWriter writer = new(folder["a.npz"], compress: true))
        {
            writer.Write("zeros", zeros);
            writer.Finish();
        }

        Assert.InRange(new FileInfo(folder["a.npz"]).Length, 0, 9000);
        using TensorFile file = TensorFile.Open(folder["a.npz"]);
        Sample.AssertSame(zeros, file.Read("zeros"));
    }

    [Theory]
    [InlineData("stored.npz")]
    [InlineData("compressed.npz")]
    public void A_file_cut_anywhere_is_refused(string name)
    {
        using TemporaryFolder folder = new();
        byte[] content = File.ReadAllBytes(Fixture.Path(name));
        for (int length = 0; length < content.Length; length++)
        {
            Assert.False(Refusal.ReadsAll(folder.File("cut.npz", content.AsSpan(0, length))), $"cut at {length}");
        }
    }

    [Theory]
    [InlineData("stored.npz")]
    [InlineData("compressed.npz")]
    public void A_file_with_a_changed_byte_is_refused_or_read_as_it_was(string name)
    {
        using TemporaryFolder folder = new();
        byte[] content = File.ReadAllBytes(Fixture.Path(name));
        Dictionary<string, Tensor> expected = Fixture.Types
            .SelectMany(type => (string[])[type, $"deep/er/{type}.fortran"], (type, key) => (key, Fixture.Expected(type)))
            .ToDictionary();
        Damage.Mutate(content, seed: 3, times: 2500, mutated => Refusal.ReadsAll(folder.File("mutated.npz", mutated), tensor =>
        {
            Sample.AssertSame(expected[tensor.Name!], tensor);
        }));
    }

    private static void RefusedMember(byte[] member, params string[] parts)
    {
        using TemporaryFolder folder = new();
        string path = Zip(folder, ("x.npy", member));
        Refusal.Of(path, () => TensorFile.Open(path), ["tensor 'x': ", .. parts]);
    }

    private static string Zip(TemporaryFolder folder, params (string Name, byte[] Content)[] members) =>
        Zip(folder, CompressionLevel.NoCompression, members);

    private static string Zip(TemporaryFolder folder, CompressionLevel level, params (string Name, byte[] Content)[] members)
    {
        using ZipArchive archive = new(new FileStream(folder["a.npz"], FileMode.Create), ZipArchiveMode.Create);
        foreach ((string name, byte[] content) in members)
        {
            using Stream stream = archive.CreateEntry(name, level).Open();
            stream.Write(content);
        }

        return folder["a.npz"];
    }
}
