using System.Globalization;
using System.IO.Compression;
using System.Text;
using DeformDetr.Fuzz;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests;

public class NpzWriterTests
{
    private const string Describe =
        """
        import sys, numpy
        with numpy.load(sys.argv[1]) as archive:
            for name in archive.files:
                array = archive[name]
                print(name, array.dtype.str, array.shape, array.tobytes().hex(), sep="|")
        """;

    private static readonly Tensor<float> Two = Tensor<float>.FromArray([2], [1, 2]);

    [NumpyFact]
    public void Numpy_reads_what_is_written()
    {
        using TemporaryFolder folder = new();
        Random random = new(5);
        List<(string Name, Tensor Tensor)> tensors = [.. Enum.GetValues<ElementType>().SelectMany(type => (IEnumerable<(string, Tensor)>)
            [($"a/{type}.x", Sample.Tensor(random, type, 3, 2)), ($"scalar.{type}", Sample.Tensor(random, type)), ($"é{type}", Sample.Tensor(random, type, 0, 2))])];
        foreach (bool compress in (bool[])[false, true])
        {
            using (NpzWriter writer = new(folder["a.npz"], compress))
            {
                tensors.ForEach(t => writer.Write(t.Name, t.Tensor));
                writer.Finish();
            }

            string[] lines = NumpyFactAttribute.RunPython(Describe, folder["a.npz"]).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(tensors.Select(t => Line(t.Name, t.Tensor)), lines);
        }
    }

    [Fact]
    public void A_crash_in_the_middle_leaves_neither_target_nor_temporary()
    {
        using TemporaryFolder folder = new();
        Assert.Throws<TimeoutException>((Action)(() =>
        {
            using NpzWriter writer = new(folder["a.npz"]);
            writer.Write("x", Two);
            throw new TimeoutException();
        }));
        Assert.Empty(folder.Names);
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
        using NpzWriter writer = new(folder["a.npz"]);
        writer.Write("x", Two);
        Assert.Throws<ObjectDisposedException>(() => writer.Write("y", released));
        Assert.Throws<InvalidOperationException>(writer.Finish);
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void A_name_written_twice_is_refused()
    {
        using TemporaryFolder folder = new();
        using NpzWriter writer = new(folder["a.npz"]);
        writer.Write("x", Two);
        Assert.Throws<ArgumentException>(() => writer.Write("x", Two));
    }

    [Fact]
    public void A_stored_member_is_as_numpy_saves_the_array()
    {
        using TemporaryFolder folder = new();
        using (NpzWriter writer = new(folder["a.npz"]))
        {
            writer.Write("f4", Fixture.Expected("f4"));
            writer.Finish();
        }

        Assert.True(File.ReadAllBytes(folder["a.npz"]).AsSpan().IndexOf(File.ReadAllBytes(Fixture.Path("f4.npy"))) > 0);
    }

    [Fact]
    public void Members_bear_the_date_that_numpy_gives_them()
    {
        using TemporaryFolder folder = new();
        using (NpzWriter writer = new(folder["a.npz"]))
        {
            writer.Write("x", Two);
            writer.Finish();
        }

        using ZipArchive archive = ZipFile.OpenRead(folder["a.npz"]);
        Assert.Equal(new DateTime(1980, 1, 1, 0, 0, 0), Assert.Single(archive.Entries).LastWriteTime.DateTime);
    }

    private static string Line(string name, Tensor tensor)
    {
        string dtype = tensor.ElementType switch
        {
            ElementType.Float64 => "<f8",
            ElementType.Float32 => "<f4",
            ElementType.Int64 => "<i8",
            ElementType.Int32 => "<i4",
            ElementType.UInt8 => "|u1",
            _ => "|b1",
        };
        StringBuilder shape = new("(");
        shape.AppendJoin(", ", tensor.Shape.Select(size => size.ToString(CultureInfo.InvariantCulture))).Append(')');
        return $"{name}|{dtype}|{shape}|{Convert.ToHexStringLower(TensorBytes.Of(tensor))}";
    }
}
