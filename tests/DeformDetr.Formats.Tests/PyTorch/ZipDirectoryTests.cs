using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace DeformDetr.Formats.Tests;

/// <summary>Zips that PyTorch doesn't write.</summary>
public class ZipDirectoryTests
{
    private const string One = "archive/data/0";
    private const string Other = "archive/data/1";

    [Fact]
    public void A_compressed_member_is_refused()
    {
        using TemporaryFolder folder = new();
        using (FileStream stream = new(folder["a.pth"], FileMode.Create))
        using (ZipArchive zip = new(stream, ZipArchiveMode.Create))
        {
            using Stream member = zip.CreateEntry("archive/data.pkl", CompressionLevel.Optimal).Open();
            member.Write(new byte[1000]);
        }

        Refusal.Of(folder["a.pth"], () => TensorFile.Open(folder["a.pth"]), "zip member 'archive/data.pkl' is compressed");
    }

    [Fact]
    public void A_member_that_stands_there_twice_is_refused()
    {
        using TemporaryFolder folder = new();
        string path = Pickle.Zip(folder, Pickle.Of('}'), (One, [1]), (One, [2]));
        Refusal.Of(path, () => TensorFile.Open(path), $"zip member '{One}' stands there twice");
    }

    [Fact]
    public void Members_over_each_other_are_refused()
    {
        // The first member holds what looks like the second one.
        byte[] inner = new byte[30 + Other.Length + 4];
        BinaryPrimitives.WriteUInt32LittleEndian(inner, 0x04034b50);
        BinaryPrimitives.WriteUInt16LittleEndian(inner.AsSpan(26), (ushort)Other.Length);
        Encoding.ASCII.GetBytes(Other, inner.AsSpan(30));
        Refuse((One, inner), "lies over another", zip => PutOffset(zip, Other, zip.AsSpan().IndexOf(inner)));
    }

    [Theory]
    [InlineData(8, 1, "is encrypted")]
    [InlineData(10, 8, "is compressed")]
    [InlineData(20, 5, "is stored in 5")]
    [InlineData(42, 0, "another name here")]
    [InlineData(42, 0x7fffffff, "expected it before the directory")]
    [InlineData(42, 1, "no zip member")]
    [InlineData(42, 0xffffffff, "expected it before the directory")]
    [InlineData(28, 3, "")]
    [InlineData(30, 0xffff, "ends beyond it")]
    public void An_entry_that_says_what_the_file_has_not_is_refused(int at, uint value, string what) =>
        Refuse((One, [1, 2, 3, 4]), what, zip =>
        {
            Span<byte> field = zip.AsSpan(Entry(zip, Other) + at);
            if (at is 8 or 10 or 28 or 30)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(field, (ushort)value);
            }
            else
            {
                BinaryPrimitives.WriteUInt32LittleEndian(field, value);
            }
        });

    [Theory]
    [InlineData(4, 1, "several disks")]
    [InlineData(10, 2, "several disks")]
    [InlineData(12, 9, "members in")]
    [InlineData(16, 0xfffffff, "members in")]
    [InlineData(16, 0xffffffff, "64-bit end")]
    [InlineData(20, 1, "no end of a zip's directory")]
    public void An_end_that_says_what_the_file_has_not_is_refused(int at, uint value, string what) =>
        Refuse((One, [1, 2, 3, 4]), what, zip =>
        {
            Span<byte> field = zip.AsSpan(zip.Length - 22 + at);
            if (at is 12 or 16)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(field, value);
            }
            else
            {
                BinaryPrimitives.WriteUInt16LittleEndian(field, (ushort)value);
            }
        });

    // PyTorch writes both ends.
    [Theory]
    [InlineData(8)]
    [InlineData(12)]
    [InlineData(16)]
    public void Ends_that_disagree_are_refused(int at)
    {
        using TemporaryFolder folder = new();
        byte[] zip = File.ReadAllBytes(Path.Combine(Fixture.Repository, "golden", "checkpoints", "strided.pth"));
        zip[zip.Length - 22 + at]--;
        zip[zip.Length - 22 + (at == 8 ? 10 : at)] -= (byte)(at == 8 ? 1 : 0);
        string path = folder.File("a.pth", zip);
        Refusal.Of(path, () => TensorFile.Open(path), "expected what its 64-bit end says");
    }

    private static void Refuse((string Name, byte[] Content) one, string what, Action<byte[]> change)
    {
        using TemporaryFolder folder = new();
        byte[] zip = File.ReadAllBytes(Pickle.Zip(folder, Pickle.Of('}'), one, (Other, [1, 2, 3, 4])));
        change(zip);
        string path = folder.File("b.pth", zip);
        Refusal.Of(path, () => TensorFile.Open(path), what);
    }

    private static void PutOffset(byte[] zip, string name, int offset) => BinaryPrimitives.WriteInt32LittleEndian(zip.AsSpan(Entry(zip, name) + 42), offset);

    // Where the entry of a member begins in the directory: the last place that has its name.
    private static int Entry(byte[] zip, string name) => zip.AsSpan().LastIndexOf(Encoding.ASCII.GetBytes(name)) - 46;
}
