using System.Text;

namespace DeformDetr.Formats.Tests;

public class NpyMalformedTests
{
    private const string Good = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n";

    [Fact]
    public void The_file_that_the_others_are_made_from_is_read()
    {
        using TemporaryFolder folder = new();
        Assert.True(Refusal.ReadsAll(folder.File("a.npy", NpyBytes.Of(Good, 1, 2))));
    }

    [Fact]
    public void An_empty_file_is_refused() => Refused([], "npy of 0 bytes");

    [Fact]
    public void Another_magic_is_refused() => Refused([.. "\u0093NUMPZ"u8, .. NpyBytes.Of(Good, 1, 2)], "does not begin as an npy does");

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4, 0)]
    [InlineData(1, 1)]
    public void Another_version_is_refused(byte major, byte minor)
    {
        byte[] content = NpyBytes.Of(Good, 1, 2);
        (content[6], content[7]) = (major, minor);
        Refused(content, FormattableString.Invariant($"npy format {major}.{minor}"));
    }

    [Fact]
    public void A_header_that_the_file_is_too_short_for_is_refused()
    {
        byte[] content = NpyBytes.Of(Good, 1, 2);
        content[9] = 1;
        Refused(content, "npy header of 314 bytes with 60 left");
    }

    [Fact]
    public void A_header_of_gigabytes_is_refused_without_making_room_for_it()
    {
        byte[] content = NpyBytes.Of(2, 0, Encoding.ASCII.GetBytes(Good), 1, 2);
        content[11] = 0xFF;
        Refused(content, "npy header of 4278190138 bytes");
    }

    [Fact]
    public void Big_endian_elements_are_refused_by_name() => RefusedFixture("refused_big_endian", "'>f4' is big-endian");

    [Fact]
    public void Python_objects_are_refused_by_name() => RefusedFixture("refused_objects", "'|O' is Python objects");

    [Fact]
    public void Structured_elements_are_refused_by_name() => RefusedFixture("refused_structured", "structured");

    [Fact]
    public void Types_that_are_not_read_are_refused_by_name() => RefusedFixture("refused_int16", "'<i2' is not read here");

    [Theory]
    [InlineData("")]
    [InlineData("f4")]
    [InlineData("u1")]
    [InlineData("|V2")]
    [InlineData("<c8")]
    [InlineData("<U3")]
    [InlineData("?")]
    [InlineData("|u1 ")]
    public void A_type_that_numpy_does_not_write_so_is_refused(string descr) =>
        RefusedHeader(Good.Replace("|u1", descr, StringComparison.Ordinal), $"descr '{descr}' is not read here");

    [Fact]
    public void A_missing_key_is_refused() => RefusedHeader("{'descr': '|u1', 'shape': (2,), }\n", "no key 'fortran_order'");

    [Fact]
    public void An_empty_dictionary_is_refused() => RefusedHeader("{}\n", "no key 'descr'");

    [Fact]
    public void A_key_twice_is_refused() => RefusedHeader("{'descr': '|u1', 'fortran_order': False, 'descr': '|u1', 'shape': (2,), }\n", "key 'descr' twice");

    [Fact]
    public void Another_key_is_refused() => RefusedHeader("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), 'x': 1}\n", "unknown key 'x'");

    [Theory]
    [InlineData("0")]
    [InlineData("true")]
    [InlineData("'False'")]
    [InlineData("None")]
    public void An_order_that_is_not_a_truth_value_is_refused(string order) =>
        RefusedHeader(Good.Replace("False", order, StringComparison.Ordinal), "expected True or False");

    [Theory]
    [InlineData("(2)")]
    [InlineData("[2]")]
    [InlineData("2")]
    [InlineData("(2 2)")]
    [InlineData("(,)")]
    [InlineData("(2,,)")]
    [InlineData("(-2,)")]
    [InlineData("(+2,)")]
    [InlineData("(2.0,)")]
    [InlineData("(2L,)")]
    [InlineData("(02,)")]
    [InlineData("('2',)")]
    [InlineData("(2,")]
    [InlineData("None")]
    [InlineData("(9223372036854775808,)")]
    public void A_shape_that_is_not_a_tuple_of_sizes_is_refused(string shape) =>
        RefusedHeader(Good.Replace("(2,)", shape, StringComparison.Ordinal), "npy header has ");

    [Theory]
    [InlineData("(4294967296, 4294967296)")]
    [InlineData("(9223372036854775807, 2)")]
    [InlineData("(65536, 65536)")]
    public void A_shape_whose_product_is_too_large_is_refused(string shape) =>
        RefusedHeader(Good.Replace("(2,)", shape, StringComparison.Ordinal), "more elements than one array can hold");

    [Theory]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }   ")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), } x\n")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n\n")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n ")]
    public void A_header_that_does_not_end_in_spaces_and_a_line_feed_is_refused(string header) => RefusedHeader(header, "no line feed after spaces");

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("{")]
    [InlineData("{'descr\n")]
    [InlineData("{'descr': '|u1' 'fortran_order': False, 'shape': (2,)}\n")]
    [InlineData("{'descr' '|u1', 'fortran_order': False, 'shape': (2,)}\n")]
    [InlineData("{descr: '|u1', 'fortran_order': False, 'shape': (2,)}\n")]
    [InlineData("{,'descr': '|u1', 'fortran_order': False, 'shape': (2,)}\n")]
    [InlineData("{'descr': '|u1', 'fortran_order': False, 'shape': (2,),,}\n")]
    [InlineData("{'descr\\x00': '|u1', 'fortran_order': False, 'shape': (2,)}\n")]
    [InlineData("{'descr': '|\u00fc1', 'fortran_order': False, 'shape': (2,)}\n")]
    [InlineData("__import__('os').system('true')\n")]
    public void A_header_that_is_no_dictionary_of_plain_text_is_refused(string header) => RefusedHeader(header, "npy header has ");

    [Fact]
    public void Data_that_is_cut_is_refused() => Refused(NpyBytes.Of(Good, 1), "data of 1 bytes", "expected 2 for U8 [2]");

    [Fact]
    public void Bytes_behind_the_data_are_refused() => Refused(NpyBytes.Of(Good, 1, 2, 3), "data of 3 bytes");

    [Fact]
    public void A_truth_value_other_than_0_and_1_is_refused_when_it_is_read()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("a.npy", NpyBytes.Of(Good.Replace("u1", "b1", StringComparison.Ordinal), 1, 255));
        using TensorFile file = TensorFile.Open(path);
        Refusal.Of(path, () => file.Read("a"), "tensor 'a'", "BOOL element 1 is the byte 255");
    }

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        using TemporaryFolder folder = new();
        byte[] content = File.ReadAllBytes(Fixture.Path("i4_fortran.npy"));
        for (int length = 0; length < content.Length; length++)
        {
            Assert.False(Refusal.ReadsAll(folder.File("cut.npy", content.AsSpan(0, length))), $"cut at {length}");
        }
    }

    [Fact]
    public void A_file_with_a_changed_byte_is_read_or_refused_and_nothing_else()
    {
        using TemporaryFolder folder = new();
        byte[] content = File.ReadAllBytes(Fixture.Path("b1_fortran.npy"));
        Damage.Mutate(content, seed: 2, times: 4000, mutated => Refusal.ReadsAll(folder.File("mutated.npy", mutated)));
    }

    private static void Refused(byte[] content, params string[] parts) => Refusal.OnOpening("a.npy", content, ["tensor 'a': ", .. parts]);

    private static void RefusedHeader(string header, params string[] parts) => Refused(NpyBytes.Of(header, 1, 2), parts);

    private static void RefusedFixture(string name, params string[] parts) =>
        Refusal.Of(Fixture.Path($"{name}.npy"), () => TensorFile.Open(Fixture.Path($"{name}.npy")), [$"tensor '{name}': ", .. parts]);
}
