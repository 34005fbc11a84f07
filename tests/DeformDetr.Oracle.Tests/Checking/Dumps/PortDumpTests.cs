using System.Buffers.Binary;
using System.Text;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Dumps;

/// <summary>Traps 2, 3 and 4: absent, extra, misshapen and mistyped tensors are said, and the dump stays as it is.</summary>
public class PortDumpTests
{
    public static TheoryData<string> Kinds => DumpFolder.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Tensors_come_back_as_they_were_dumped_from_every_kind_of_file(string kind)
    {
        using DumpFolder folder = new();
        Tensor<float> real = DumpFolder.Narrow(DumpFolder.Numbers(1, 2, 3, 4));
        Tensor<long> integers = Tensor<long>.FromArray([3], [5, -1, 7]);
        Tensor<bool> mask = Tensor<bool>.FromArray([2, 2], [true, false, false, true]);
        Tensor<byte> picture = Tensor<byte>.FromArray([1, 1, 3], [0, 128, 255]);
        using PortDump dump = folder.Open(
            kind, ("a.real", real), ("deep/er.integers", integers), ("mask", mask), ("picture", picture),
            ("narrow", Tensor<int>.FromArray([2], [1, 2])), ("bytes", Tensor<byte>.FromArray([2], [0, 1])));

        Tensor<double> read = dump.ReadReal("a.real", [2, 3, 4], out string? fault)!;
        Assert.Null(fault);
        Assert.Equal(real.AsReadOnlySpan().ToArray().Select(number => (double)number), read.AsReadOnlySpan().ToArray());
        Assert.Equal("a.real", read.Name);
        Assert.Equal([5, -1, 7], dump.ReadIntegers("deep/er.integers", [3], out _)!.AsReadOnlySpan().ToArray());
        Assert.Equal([1, 2], dump.ReadIntegers("narrow", [2], out _)!.AsReadOnlySpan().ToArray());
        Assert.Equal([true, false, false, true], dump.ReadMask("mask", [2, 2], out _)!.AsReadOnlySpan().ToArray());
        Assert.Equal([false, true], dump.ReadMask("bytes", [2], out _)!.AsReadOnlySpan().ToArray());
        Assert.Equal([0, 128, 255], dump.ReadBytes("picture", [1, 1, 3], out _)!.AsReadOnlySpan().ToArray());
        Assert.Equal(6, dump.Entries.Count);
        Assert.Equal(["mask", "picture"], dump.Extra(["a.real", "deep/er.integers", "narrow", "bytes", "pred_boxes"]).Order());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Reading_never_changes_the_dump(string kind)
    {
        using DumpFolder folder = new();
        folder.Write(kind, ("x", DumpFolder.Numbers(1, 4, 5)), ("y", Tensor<long>.FromArray([1], [3])));
        string before = folder.Hashes();
        using (PortDump dump = PortDump.Open(folder[kind == "folder" ? "dump" : $"dump.{kind}"], null, DumpDType.Float32))
        {
            dump.ReadReal("x", [4, 5], out _)!.AsSpan().Clear();
            Assert.Null(dump.ReadReal("x", [5, 4], out _));
            dump.ReadIntegers("y", [1], out _);
            Assert.NotEqual(0, dump.ReadReal("x", [4, 5], out _)![0, 0]);
        }

        Assert.Equal(before, folder.Hashes());
    }

    [Theory]
    [InlineData(new[] { 300, 2, 256 }, new[] { 2, 300, 256 }, "holds [300, 2, 256]; expected [2, 300, 256]: axes 1 0 2")]
    [InlineData(new[] { 2, 8, 8, 3 }, new[] { 2, 3, 8, 8 }, "holds [2, 8, 8, 3]; expected [2, 3, 8, 8]: axes 0 3 1 2, or another of 2 orders")]
    [InlineData(new[] { 300, 256 }, new[] { 1, 300, 256 }, "holds [300, 256]; expected [1, 300, 256]: axes of size 1 squeezed")]
    [InlineData(new[] { 1, 1, 5 }, new[] { 5 }, "holds [1, 1, 5]; expected [5]: more axes of size 1")]
    [InlineData(new[] { 1, 5 }, new[] { 3, 5 }, "holds [1, 5]; expected [3, 5]: would have to be broadcast")]
    [InlineData(new[] { 3, 5 }, new[] { 1, 5 }, "holds [3, 5]; expected [1, 5]: expanded over an axis of size 1")]
    [InlineData(new[] { 2, 7, 256 }, new[] { 2, 7, 8, 4, 4, 2 }, "holds [2, 7, 256]; expected [2, 7, 8, 4, 4, 2]: neighbouring axes split or merged: shape expected")]
    [InlineData(new[] { 16, 7, 32 }, new[] { 2, 7, 256 }, "holds [16, 7, 32]; expected [2, 7, 256]: as many elements")]
    [InlineData(new[] { 1, 7, 4, 3 }, new[] { 7, 3, 4 }, "holds [1, 7, 4, 3]; expected [7, 3, 4]: axes of size 1 squeezed, and the others in another order")]
    [InlineData(new[] { 0, 5 }, new[] { 3, 5 }, "is empty: holds [0, 5]; expected [3, 5]")]
    [InlineData(new[] { 4 }, new[] { 3, 5 }, "holds [4]; expected [3, 5]")]
    public void A_wrong_shape_is_named_and_never_repaired(int[] held, int[] expected, string wording)
    {
        using DumpFolder folder = new();
        using PortDump dump = folder.Open("safetensors", ("x", DumpFolder.Narrow(DumpFolder.Numbers(1, held))));
        Assert.Null(dump.ReadReal("x", [.. expected], out string? fault));
        Assert.Equal(wording, fault);
    }

    [Fact]
    public void Absent_tensors_and_wrong_types_are_faults()
    {
        using DumpFolder folder = new();
        using PortDump dump = folder.Open(
            "safetensors", ("long", Tensor<long>.FromArray([2], [0, 1])), ("float", new Tensor<float>([2])), ("double", new Tensor<double>([2])),
            ("bool", new Tensor<bool>([2])), ("byte", Tensor<byte>.FromArray([2], [1, 3])));
        Assert.Equal("is absent from the dump", Fault(dump.ReadReal("other", [2], out string? fault), fault));
        Assert.Equal("holds I64; expected F32 or F64 under --port-dtype float32", Fault(dump.ReadReal("long", [2], out fault), fault));
        Assert.Equal("holds BOOL; expected F32 or F64 under --port-dtype float32", Fault(dump.ReadReal("bool", [2], out fault), fault));
        Assert.Equal("holds F32; expected I64 or I32", Fault(dump.ReadIntegers("float", [2], out fault), fault));
        Assert.Equal("holds F32; expected BOOL, or U8 of 0 and 1", Fault(dump.ReadMask("float", [2], out fault), fault));
        Assert.Equal("holds 3 in element 1; expected 0 or 1 in a mask", Fault(dump.ReadMask("byte", [2], out fault), fault));
        Assert.Equal("holds BOOL; expected U8", Fault(dump.ReadBytes("bool", [2], out fault), fault));
        Assert.NotNull(dump.ReadReal("double", [2], out fault));
        Assert.Null(fault);
    }

    [Theory]
    [InlineData("F16", DumpDType.Float32, "holds F16; expected F32 or F64 under --port-dtype float32")]
    [InlineData("BF16", DumpDType.Float32, "holds BF16; expected F32 or F64 under --port-dtype float32")]
    [InlineData("BF16", DumpDType.Float16, "holds BF16; expected F16, F32 or F64 under --port-dtype float16")]
    [InlineData("F16", DumpDType.BFloat16, "holds F16; expected BF16, F32 or F64 under --port-dtype bfloat16")]
    [InlineData("F16", DumpDType.Float16, null)]
    [InlineData("BF16", DumpDType.BFloat16, null)]
    [InlineData("F32", DumpDType.Float16, null)]
    public void Half_precision_is_taken_only_where_the_port_is_said_to_have_it(string stored, DumpDType dtype, string? wording)
    {
        using DumpFolder folder = new();
        int bytes = stored == "F32" ? 8 : 4;
        byte[] header = Encoding.ASCII.GetBytes($"{{\"x\":{{\"dtype\":\"{stored}\",\"shape\":[2],\"data_offsets\":[0,{bytes}]}}}}");
        byte[] file = new byte[8 + header.Length + bytes];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, 8);
        File.WriteAllBytes(folder["x.safetensors"], file);
        using PortDump dump = PortDump.Open(folder["x.safetensors"], null, dtype);
        Tensor<double>? tensor = dump.ReadReal("x", [2], out string? fault);
        Assert.Equal(wording, fault);
        Assert.Equal(wording is null, tensor is not null);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Threads_read_the_same_numbers_into_a_tensor_of_the_scope(string kind)
    {
        using DumpFolder folder = new();
        Tensor<float> narrow = DumpFolder.Narrow(DumpFolder.Numbers(1, 3, 70_001));
        Tensor<double> wide = DumpFolder.Numbers(2, 5);
        using PortDump dump = folder.Open(kind, ("x", narrow), ("y", wide));
        OperatorContext context = new(Kernels.Simd, 3);
        Tensor<double> read;
        using (context.Scope())
        {
            read = dump.ReadReal("x", narrow.Shape, out _, context)!;
            Assert.Equal("x", read.Name);
            Assert.Equal(dump.ReadReal("x", narrow.Shape, out _)!.AsReadOnlySpan().ToArray(), read.AsReadOnlySpan().ToArray());
            Assert.Equal(wide.AsReadOnlySpan().ToArray(), dump.ReadReal("y", [5], out _, context)!.AsReadOnlySpan().ToArray());
        }

        Assert.Throws<ObjectDisposedException>(() => read[0, 0]);
    }

    [Fact]
    public void A_file_that_shrinks_while_threads_read_it_is_refused_in_one_line()
    {
        using DumpFolder folder = new();
        string path = folder.Write("safetensors", ("x", DumpFolder.Narrow(DumpFolder.Numbers(1, 4, 100_000))));
        using PortDump dump = PortDump.Open(path, null, DumpDType.Float32);
        using (FileStream file = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength(file.Length / 2);
        }

        InvalidDataException exception = Assert.Throws<InvalidDataException>(
            () => dump.ReadReal("x", [4, 100_000], out _, new OperatorContext(Kernels.Simd, 2)));
        Assert.StartsWith($"{path}: tensor 'x': ", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_file_cut_anywhere_is_refused_in_one_line(string kind)
    {
        using DumpFolder folder = new();
        string path = folder.Write(kind, ("x", DumpFolder.Numbers(1, 6, 50)), ("y", DumpFolder.Numbers(2, 7)));
        string file = kind == "folder" ? Path.Combine(path, "x.npy") : path;
        byte[] whole = File.ReadAllBytes(file);
        for (int length = 0; length < whole.Length; length += 1 + (whole.Length / 40))
        {
            File.WriteAllBytes(file, whole[..length]);
            InvalidDataException exception = Assert.Throws<InvalidDataException>(() =>
            {
                using PortDump dump = PortDump.Open(path, null, DumpDType.Float32);
                dump.ReadReal("x", [6, 50], out _);
                dump.ReadReal("y", [7], out _);
            });
            Assert.StartsWith(file, exception.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(exception.Message, char.IsControl);
        }
    }

    [Fact]
    public void What_is_no_dump_is_refused()
    {
        using DumpFolder folder = new();
        folder.Write("folder", ("x", new Tensor<float>([1])));
        File.WriteAllText(Path.Combine(folder["dump"], ".hidden"), "passed over");
        PortDump.Open(folder["dump"], null, DumpDType.Float32).Dispose();
        File.WriteAllText(Path.Combine(folder["dump"], "notes.txt"), "hello");
        string refusal = Assert.Throws<InvalidDataException>(() => PortDump.Open(folder["dump"], null, DumpDType.Float32)).Message;
        Assert.EndsWith("notes.txt: is not an npy; expected a folder of files whose names end in .npy.", refusal, StringComparison.Ordinal);

        Directory.CreateDirectory(folder["nothing"]);
        refusal = Assert.Throws<InvalidDataException>(() => PortDump.Open(folder["nothing"], null, DumpDType.Float32)).Message;
        Assert.EndsWith("nothing: holds no tensor; expected a port's dump.", refusal, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => PortDump.Open(folder["absent.npz"], null, DumpDType.Float32));
        Assert.Throws<InvalidDataException>(() => PortDump.Open(folder["absent"], null, DumpDType.Float32));
    }

    [Fact]
    public void A_map_renames_reorders_and_slices()
    {
        using DumpFolder folder = new();
        Tensor<double> rows = DumpFolder.Numbers(1, 5, 2, 3);
        Tensor<double> stacked = DumpFolder.Numbers(2, 2, 4, 3);
        Tensor<double> heads = DumpFolder.Numbers(3, 6, 4, 5);
        using PortDump dump = folder.Mapped(
            """
            enc.{i}.out -> transformer.encoder.layers.{i} [axes 1 0 2]
            stack -> hs.{i} [slice 1 {i}]
            pair -> query_embed [slice 1 0:2]
            pair -> tgt [slice 1 2:4]
            heads -> value [shape 2,3,4,-1] [axes 0 3 1 2]
            flat -> logits [shape expected]
            refs -> -
            """,
            ("enc.10.out", rows), ("stack", stacked), ("pair", stacked), ("heads", heads), ("flat", stacked), ("refs", rows), ("pred_boxes", rows));

        Assert.Equal("enc.10.out", dump.PortNameOf("transformer.encoder.layers.10"));
        Assert.False(dump.Contains("transformer.encoder.layers.1"));
        Tensor<double> turned = dump.ReadReal("transformer.encoder.layers.10", [2, 5, 3], out _)!;
        Assert.Equal(rows[4, 1, 2], turned[1, 4, 2]);
        Assert.Equal(rows[3, 0, 1], turned[0, 3, 1]);
        Tensor<double> layer = dump.ReadReal("hs.3", [2, 3], out _)!;
        Assert.Equal(stacked[1, 3, 2], layer[1, 2]);
        Tensor<double> half = dump.ReadReal("tgt", [2, 2, 3], out _)!;
        Assert.Equal(stacked[1, 3, 0], half[1, 1, 0]);
        Tensor<double> value = dump.ReadReal("value", [2, 5, 3, 4], out string? fault)!;
        Assert.Null(fault);
        Assert.Equal(heads[4, 3, 2], value[1, 2, 1, 3]);
        Assert.Equal(stacked[1, 2, 1], dump.ReadReal("logits", [2, 12], out _)![1, 7]);
        Assert.Equal(["refs"], dump.LeftOut);
        Assert.False(dump.Contains("refs"));

        Assert.Null(dump.ReadReal("hs.4", [2, 3], out fault));
        Assert.Equal("holds [2, 4, 3], and the map's [slice 1 4] doesn't fit: the axis has 4", fault);
        Assert.Null(dump.ReadReal("logits", [12, 2], out fault));
        Assert.Equal("holds [2, 4, 3], and the map's [shape expected] doesn't fit: [12, 2] is not that with neighbouring axes split or merged", fault);
        Assert.Null(dump.ReadReal("transformer.encoder.layers.10", [5, 2, 3], out fault));
        Assert.Equal("holds [5, 2, 3], by the map [2, 5, 3]; expected [5, 2, 3]: axes 1 0 2", fault);
        Assert.Equal(["pred_boxes"], dump.Extra(["transformer.encoder.layers.10", "hs.0", "hs.1", "query_embed", "tgt", "value", "logits"]));
        Assert.True(dump.Contains("pred_boxes"));
    }

    [Fact]
    public void A_module_that_has_another_tensors_name_is_not_taken_for_it()
    {
        using DumpFolder folder = new();
        using PortDump dump = folder.Mapped("reference_points -> linear", ("reference_points", DumpFolder.Numbers(1, 2, 2)));
        Assert.False(dump.Contains("reference_points"));
        Assert.True(dump.Contains("linear"));
    }

    private static string? Fault(Tensor? tensor, string? fault)
    {
        Assert.Null(tensor);
        return fault;
    }
}
