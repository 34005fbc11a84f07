using System.Buffers.Binary;
using System.Text;

namespace DeformDetr.Formats.Tests;

public class SafetensorsMalformedTests
{
    private const string Good = """{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}""";

    [Fact]
    public void The_file_that_the_others_are_made_from_is_read()
    {
        using TemporaryFolder folder = new();
        Assert.True(Refusal.ReadsAll(folder.File("a.safetensors", SafetensorsBytes.One(Good, 16))));
    }

    [Fact]
    public void An_empty_file_is_refused() => Refused([], "holds 0 bytes", "expected at least 8");

    [Fact]
    public void A_length_that_is_cut_is_refused() => Refused([1, 0, 0, 0, 0, 0, 0], "holds 7 bytes", "expected at least 8");

    [Fact]
    public void A_header_of_no_bytes_is_refused() => Refused(SafetensorsBytes.Of(""), "does not begin with '{'");

    [Fact]
    public void A_header_longer_than_the_limit_is_refused() =>
        Refused(WithHeaderLength(SafetensorsBytes.One(Good, 16), 100_000_001), "header of 100000001 bytes", "expected at most 100000000");

    [Fact]
    public void A_header_length_that_would_overflow_is_refused() =>
        Refused(WithHeaderLength(SafetensorsBytes.One(Good, 16), ulong.MaxValue), "header of 18446744073709551615 bytes");

    [Fact]
    public void A_header_that_the_file_is_too_short_for_is_refused() =>
        Refused(WithHeaderLength(SafetensorsBytes.Of("{}"), 3), "header of 3 bytes in a file of 10");

    [Fact]
    public void A_header_that_is_not_utf8_is_refused() => Refused(SafetensorsBytes.Of([(byte)'{', 0xFF]), "not valid UTF-8");

    [Fact]
    public void A_header_with_overlong_utf8_is_refused() =>
        Refused(SafetensorsBytes.Of([.. "{\"a"u8, 0xC0, 0x80, .. "\":1}"u8]), "not valid UTF-8");

    [Fact]
    public void A_header_that_is_not_json_is_refused() => Refused(SafetensorsBytes.Of("{test}"), "not JSON at byte 9");

    [Fact]
    public void A_header_that_ends_early_is_refused() => Refused(SafetensorsBytes.Of("{"), "not JSON");

    [Fact]
    public void A_header_that_is_an_array_is_refused() => Refused(SafetensorsBytes.Of("[]"), "does not begin with '{'");

    [Fact]
    public void White_space_before_the_header_is_refused() => Refused(SafetensorsBytes.Of(" {}"), "does not begin with '{'");

    [Fact]
    public void A_byte_order_mark_is_refused() => Refused(SafetensorsBytes.Of("\ufeff{}"), "does not begin with '{'");

    [Fact]
    public void White_space_other_than_spaces_behind_the_header_is_refused() => Refused(SafetensorsBytes.Of("{} \t "), "expected only spaces");

    [Fact]
    public void A_zero_byte_behind_the_header_is_refused() => Refused(SafetensorsBytes.Of("{}\0"), "at byte 10; expected only spaces");

    [Fact]
    public void A_second_object_behind_the_header_is_refused() => Refused(SafetensorsBytes.Of("{}{}"), "at byte 10; expected only spaces");

    [Fact]
    public void Comments_are_refused() => Refused(SafetensorsBytes.Of("{/* */}"), "not JSON");

    [Fact]
    public void A_trailing_comma_is_refused() => Refused(SafetensorsBytes.Of($$"""{"test":{{Good}},}""", new byte[16]), "not JSON");

    [Fact]
    public void A_bomb_of_depth_is_refused() =>
        Refused(SafetensorsBytes.Of("{\"test\":" + new string('[', 1_000_000)), "tensor 'test'", "expected an object");

    [Fact]
    public void A_bomb_of_depth_in_a_shape_is_refused() => RefusedEntry("{\"shape\":" + new string('[', 1_000_000), 0, "not JSON");

    [Fact]
    public void A_name_with_half_a_surrogate_pair_is_refused() =>
        Refused(SafetensorsBytes.Of("""{"\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"""), "half a surrogate pair");

    [Fact]
    public void A_name_that_stands_twice_is_refused() =>
        Refused(
            SafetensorsBytes.Of("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 0, 0),
            "tensor 'a'",
            "twice");

    [Fact]
    public void Metadata_that_is_not_an_object_is_refused() => Refused(SafetensorsBytes.Of("""{"__metadata__":["a"]}"""), "__metadata__ is an array");

    [Fact]
    public void Metadata_that_is_null_is_refused() => Refused(SafetensorsBytes.Of("""{"__metadata__":null}"""), "__metadata__ is null");

    [Fact]
    public void Metadata_with_a_number_is_refused() =>
        Refused(SafetensorsBytes.Of("""{"__metadata__":{"epoch":3}}"""), "__metadata__ value of 'epoch' is the number '3'", "expected a string");

    [Fact]
    public void Metadata_with_an_object_is_refused() => Refused(SafetensorsBytes.Of("""{"__metadata__":{"a":{}}}"""), "value of 'a' is an object");

    [Fact]
    public void Metadata_with_a_key_twice_is_refused() => Refused(SafetensorsBytes.Of("""{"__metadata__":{"a":"1","a":"1"}}"""), "key 'a'", "twice");

    [Fact]
    public void Metadata_twice_is_refused() => Refused(SafetensorsBytes.Of("""{"__metadata__":{},"__metadata__":{}}"""), "__metadata__", "twice");

    [Fact]
    public void An_entry_that_is_not_an_object_is_refused() => RefusedEntry("[0]", 0, "is an array", "expected an object");

    [Fact]
    public void An_entry_that_is_null_is_refused() => RefusedEntry("null", 0, "is null");

    [Fact]
    public void An_entry_without_dtype_is_refused() => RefusedEntry("""{"shape":[1],"data_offsets":[0,1]}""", 1, "has no dtype");

    [Fact]
    public void An_entry_without_shape_is_refused() => RefusedEntry("""{"dtype":"U8","data_offsets":[0,1]}""", 1, "has no shape");

    [Fact]
    public void An_entry_without_offsets_is_refused() => RefusedEntry("""{"dtype":"U8","shape":[1]}""", 1, "has no data_offsets");

    [Fact]
    public void An_entry_with_an_unknown_key_is_refused() =>
        RefusedEntry("""{"dtype":"U8","shape":[1],"data_offsets":[0,1],"strides":[1]}""", 1, "unknown key 'strides'");

    [Theory]
    [InlineData("dtype", """{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}""")]
    [InlineData("shape", """{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}""")]
    [InlineData("data_offsets", """{"dtype":"U8","shape":[1],"data_offsets":[0,1],"data_offsets":[0,1]}""")]
    public void An_entry_with_a_key_twice_is_refused(string key, string entry) => RefusedEntry(entry, 1, $"key '{key}'", "twice");

    [Theory]
    [InlineData("F128")]
    [InlineData("f32")]
    [InlineData("")]
    [InlineData("F32 ")]
    [InlineData("0")]
    public void A_dtype_that_the_format_does_not_have_is_refused_by_name(string dtype) =>
        RefusedEntry($$"""{"dtype":"{{dtype}}","shape":[0],"data_offsets":[0,0]}""", 0, $"dtype '{dtype}' is not in the format", "expected F64, F32");

    [Theory]
    [InlineData("I8")]
    [InlineData("I16")]
    [InlineData("U16")]
    [InlineData("U32")]
    [InlineData("U64")]
    [InlineData("C64")]
    [InlineData("F4")]
    [InlineData("F6_E2M3")]
    [InlineData("F6_E3M2")]
    [InlineData("F8_E4M3")]
    [InlineData("F8_E5M2")]
    [InlineData("F8_E8M0")]
    [InlineData("F8_E4M3FNUZ")]
    [InlineData("F8_E5M2FNUZ")]
    public void A_dtype_of_the_format_that_is_not_read_is_refused_by_name(string dtype) =>
        RefusedEntry($$"""{"dtype":"{{dtype}}","shape":[0],"data_offsets":[0,0]}""", 0, $"dtype '{dtype}' is in the format but not read here");

    [Fact]
    public void A_dtype_that_is_a_number_is_refused() => RefusedEntry("""{"dtype":1,"shape":[0],"data_offsets":[0,0]}""", 0, "dtype is the number '1'");

    [Fact]
    public void A_shape_that_is_a_number_is_refused() => RefusedEntry("""{"dtype":"U8","shape":1,"data_offsets":[0,1]}""", 1, "shape is the number '1'");

    [Theory]
    [InlineData("-1")]
    [InlineData("-0")]
    [InlineData("1.0")]
    [InlineData("1e0")]
    public void A_size_that_is_not_a_plain_integer_is_refused(string size) =>
        RefusedEntry($$"""{"dtype":"U8","shape":[{{size}}],"data_offsets":[0,1]}""", 1, $"shape holds the number '{size}'", "not negative");

    [Theory]
    [InlineData("\"1\"", "a string")]
    [InlineData("true", "true")]
    [InlineData("null", "null")]
    [InlineData("{}", "an object")]
    public void A_size_that_is_no_number_is_refused(string size, string what) =>
        RefusedEntry($$"""{"dtype":"U8","shape":[{{size}}],"data_offsets":[0,1]}""", 1, size == "{}" ? "not JSON" : $"shape holds {what}");

    [Fact]
    public void A_size_beyond_64_bits_is_refused() =>
        RefusedEntry("""{"dtype":"I32","shape":[2,18446744073709551616],"data_offsets":[0,16]}""", 16, "18446744073709551616", "expected at most 9223372036854775807");

    [Theory]
    [InlineData("2,9223372036854775807")]
    [InlineData("4294967296,4294967296")]
    [InlineData("65536,65536")]
    [InlineData("65536,32768")]
    [InlineData("2147483647")]
    public void A_shape_whose_product_is_too_large_is_refused(string sizes) =>
        RefusedEntry($$"""{"dtype":"I32","shape":[{{sizes}}],"data_offsets":[0,16]}""", 16, "more elements than one array can hold");

    [Fact]
    public void A_size_in_bytes_beyond_31_bits_is_not_cut_to_fit() =>
        RefusedEntry("""{"dtype":"F64","shape":[536870914],"data_offsets":[0,16]}""", 16, "spans 16 bytes", "expected 4294967312");

    [Fact]
    public void Offsets_that_do_not_fit_the_shape_are_refused() =>
        RefusedEntry("""{"dtype":"I32","shape":[2,2],"data_offsets":[0,4]}""", 4, "[0, 4] spans 4 bytes", "expected 16 for I32 [2, 2]");

    [Fact]
    public void Offsets_that_end_before_they_begin_are_refused() =>
        RefusedEntry("""{"dtype":"I32","shape":[2,2],"data_offsets":[16,0]}""", 16, "ends before it begins");

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("0,16,16")]
    public void Offsets_that_are_not_two_are_refused(string offsets) =>
        RefusedEntry($$"""{"dtype":"I32","shape":[2,2],"data_offsets":[{{offsets}}]}""", 16, "expected 2, begin and end");

    [Fact]
    public void Offsets_that_are_negative_are_refused() =>
        RefusedEntry("""{"dtype":"I32","shape":[2,2],"data_offsets":[-16,0]}""", 16, "data_offsets holds the number '-16'");

    [Fact]
    public void Offsets_beyond_63_bits_are_refused() =>
        RefusedEntry("""{"dtype":"I32","shape":[2,2],"data_offsets":[9223372036854775808,9223372036854775824]}""", 16, "9223372036854775808");

    [Fact]
    public void Offsets_near_the_largest_do_not_overflow() =>
        RefusedEntry("""{"dtype":"U8","shape":[1],"data_offsets":[9223372036854775806,9223372036854775807]}""", 1, "leaves a hole");

    [Fact]
    public void A_hole_before_the_first_tensor_is_refused() =>
        RefusedEntry("""{"dtype":"I32","shape":[2,2],"data_offsets":[4,20]}""", 20, "begins at 4 and leaves a hole", "begin at 0");

    [Fact]
    public void A_hole_between_tensors_is_refused() => RefusedPair("[0,1]", "[2,3]", 3, "tensor 'b'", "begins at 2 and leaves a hole", "begin at 1");

    [Fact]
    public void Tensors_that_overlap_are_refused() => RefusedPair("[0,1]", "[0,1]", 1, "overlaps");

    [Fact]
    public void Many_tensors_over_the_same_bytes_are_refused() =>
        Refused(SafetensorsBytes.Of($"{{{string.Join(",", Enumerable.Range(0, 10).Select(i => $"\"w{i}\":{Good}"))}}}", new byte[16]), "overlaps");

    [Fact]
    public void Bytes_behind_the_last_tensor_are_refused() => Refused(SafetensorsBytes.One(Good, 49), "33 bytes after the last tensor");

    [Fact]
    public void Bytes_behind_a_header_without_tensors_are_refused() => Refused(SafetensorsBytes.Of("{}", 0), "1 bytes after the last tensor");

    [Theory]
    [InlineData(15)]
    [InlineData(14)]
    [InlineData(0)]
    public void Data_that_is_cut_is_refused(int length) =>
        Refused(SafetensorsBytes.One(Good, length), "tensor 'test'", FormattableString.Invariant($"ends at 16 of {length} bytes"));

    [Fact]
    public void An_allocation_that_only_the_header_asks_for_is_not_made()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        RefusedEntry("""{"dtype":"F64","shape":[2000000000],"data_offsets":[0,16000000000]}""", 16, "of 16 bytes that the file has");
        Refused(WithHeaderLength(SafetensorsBytes.One(Good, 16), 99_999_999), "header of 99999999 bytes");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    private static void Refused(byte[] content, params string[] parts) => Refusal.OnOpening("a.safetensors", content, parts);

    private static void RefusedEntry(string entry, int dataLength, params string[] parts) =>
        Refused(SafetensorsBytes.One(entry, dataLength), ["tensor 'test': ", .. parts]);

    private static void RefusedPair(string first, string second, int dataLength, params string[] parts)
    {
        string header = $$"""{"a":{"dtype":"U8","shape":[1],"data_offsets":{{first}} },"b":{"dtype":"U8","shape":[1],"data_offsets":{{second}} } }""";
        Refused(SafetensorsBytes.Of(Encoding.UTF8.GetBytes(header), new byte[dataLength]), parts);
    }

    private static byte[] WithHeaderLength(byte[] file, ulong length)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);
        return file;
    }
}
