using System.Text;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests;

public class NpyFileTests
{
    public static TheoryData<string> Types => [.. Fixture.Types];

    [Theory]
    [MemberData(nameof(Types))]
    public void What_numpy_saved_is_read(string type)
    {
        using TensorFile file = TensorFile.Open(Fixture.Path($"{type}.npy"));
        Sample.AssertHolds(file, [(type, Fixture.Expected(type))]);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void What_numpy_saved_in_fortran_order_is_read_row_by_row(string type)
    {
        using TensorFile file = TensorFile.Open(Fixture.Path($"{type}_fortran.npy"));
        Sample.AssertHolds(file, [($"{type}_fortran", Fixture.Expected(type))]);
    }

    [Theory]
    [InlineData("version2")]
    [InlineData("version3")]
    public void Later_versions_of_the_format_are_read(string name)
    {
        using TensorFile file = TensorFile.Open(Fixture.Path($"{name}.npy"));
        Sample.AssertHolds(file, [(name, Fixture.Expected("f4"))]);
    }

    [Fact]
    public void Scalars_vectors_and_tensors_without_elements_are_read()
    {
        using TensorFile scalar = TensorFile.Open(Fixture.Path("scalar.npy"));
        using TensorFile vector = TensorFile.Open(Fixture.Path("vector.npy"));
        using TensorFile empty = TensorFile.Open(Fixture.Path("empty.npy"));
        Sample.AssertSame(Tensor<float>.FromArray([], [2.5f]), scalar.Read("scalar"));
        Sample.AssertSame(Tensor<int>.FromArray([5], [0, 1, 2, 3, 4]), vector.Read("vector"));
        Sample.AssertSame(new Tensor<float>([0, 3]), empty.Read("empty"));
    }

    [Theory]
    [InlineData("f8")]
    [InlineData("f4")]
    [InlineData("i8")]
    [InlineData("i4")]
    [InlineData("u1")]
    [InlineData("b1")]
    [InlineData("scalar")]
    [InlineData("vector")]
    [InlineData("empty")]
    [InlineData("many_axes")]
    public void What_is_saved_is_byte_for_byte_what_numpy_saves(string name)
    {
        using TemporaryFolder folder = new();
        using TensorFile file = TensorFile.Open(Fixture.Path($"{name}.npy"));
        NpyFile.Save(folder["a.npy"], file.Read(name));
        Assert.Equal(File.ReadAllBytes(Fixture.Path($"{name}.npy")), File.ReadAllBytes(folder["a.npy"]));
    }

    [Theory]
    [InlineData("{'descr': '=u1', 'fortran_order': False, 'shape': (2,), }\n")]
    [InlineData("{'descr': '<u1', 'fortran_order': False, 'shape': (2,), }\n")]
    [InlineData("{'shape':(2,),\"fortran_order\":True,'descr':'|u1'}      \n")]
    [InlineData("{  'descr'  :  '|u1'  ,  'fortran_order'  :  False  ,  'shape'  :  (  2  ,  )  }\n")]
    public void Other_ways_of_writing_the_same_header_are_read(string header) =>
        With(NpyBytes.Of(header, 5, 6), file => Sample.AssertSame(Tensor<byte>.FromArray([2], [5, 6]), file.Read("a")));

    [Fact]
    public void A_shape_may_end_in_a_comma() => With(
        NpyBytes.Of("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2,), }\n", 5, 6),
        file => Sample.AssertSame(Tensor<byte>.FromArray([1, 2], [5, 6]), file.Read("a")));

    [Fact]
    public void The_second_version_counts_its_header_in_four_bytes() => With(
        NpyBytes.Of(2, 0, Encoding.ASCII.GetBytes("{'descr': '=i4', 'fortran_order': False, 'shape': (), }\n"), 1, 2, 0, 0),
        file => Sample.AssertSame(Tensor<int>.FromArray([], [0x201]), file.Read("a")));

    [Fact]
    public void A_failed_save_leaves_nothing()
    {
        using TemporaryFolder folder = new();
        OperatorContext context = new();
        Tensor<float> released;
        using (context.Scope())
        {
            released = context.Rent<float>([5000]);
        }

        Assert.Throws<ObjectDisposedException>(() => NpyFile.Save(folder["a.npy"], released));
        Assert.Empty(folder.Names);
    }

    private static void With(byte[] content, Action<TensorFile> check)
    {
        using TemporaryFolder folder = new();
        using TensorFile file = TensorFile.Open(folder.File("a.npy", content));
        check(file);
    }
}
