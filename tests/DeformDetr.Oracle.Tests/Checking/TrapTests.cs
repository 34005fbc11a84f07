using System.Security.Cryptography;
using DeformDetr.Oracle.Tests.Checking.Ports;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking;

/// <summary>Seven ways in which comparers were fooled; each on the original's own dump, where nothing else is wrong.</summary>
public class TrapTests
{
    private const string Real = "transformer.decoder.layers.0.norm1";
    private const int Named = 240;

    [Theory]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    public void Trap_1_NaN_compares_as_nothing_else(int most)
    {
        using ShippedPort port = new("r50");
        Span<float> values = port.Real(Real).AsSpan();
        values[..Math.Min(most, values.Length)].Fill(float.NaN);
        TensorCheck only = OnlyFault(port.Check(), Real, CheckStatus.Broken);
        Assert.Contains("NaN", only.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Trap_1_NaN_on_both_sides_is_a_fault_too()
    {
        // The port's NaN is what its own inputs make of NaN: each of its tensors must still be refused.
        using ShippedPort port = new("r50");
        string[] after = [.. port.Tensors.Keys.SkipWhile(name => name != Real).Where(name => name.StartsWith("transformer.decoder.layers.0", StringComparison.Ordinal))];
        Assert.True(after.Length >= 4);
        foreach (string name in after)
        {
            port.Real(name).AsSpan().Fill(float.NaN);
        }

        CheckReport report = port.Check();
        Assert.All(after, name => Assert.Equal(CheckStatus.Broken, report.Tensors.Single(tensor => tensor.Name == name).Status));
        Assert.Equal($"compared {Named - after.Length} of {Named}, {after.Length} broken", CheckText.Coverage(report));
    }

    [Fact]
    public void Trap_2_a_deleted_tensor_is_counted()
    {
        using ShippedPort port = new("r50");
        port.Tensors.Remove(Real);
        CheckReport report = port.Check();
        OnlyFault(report, Real, CheckStatus.Absent);
        Assert.Equal("compared 239 of 240, 1 absent", CheckText.Coverage(report));
    }

    [Fact]
    public void Trap_2_a_renamed_tensor_is_absent_and_extra()
    {
        using ShippedPort port = new("r50");
        port.Tensors.Remove(Real, out Tensor? tensor);
        port.Tensors.Add("transformer.decoder.layers.0.norm_1", tensor!);
        CheckReport report = port.Check();
        Assert.Equal(["transformer.decoder.layers.0.norm_1"], report.Extra);
        Assert.Equal(CheckStatus.Absent, report.Tensors.Single(check => check.Status != CheckStatus.Right).Status);
        Assert.Equal("compared 239 of 240, 1 absent, 1 extra", CheckText.Coverage(report));
        Assert.False(report.Passed);
    }

    [Theory]
    [InlineData("transformer.decoder.layers.0.norm1", "0 2 1", "axes 0 2 1")]
    [InlineData("backbone.0.body.layer2.0.bn1", "0 2 3 1", "axes 0 3 1 2")]
    [InlineData("transformer.spatial_shapes", "1 0", "axes 1 0")]
    public void Trap_3_a_transposed_shape_fails_with_its_axes_named(string name, string order, string words)
    {
        using ShippedPort port = new("r50");
        TensorShape shape = port.Tensors[name].Shape;
        TensorShape turned = TensorShape.Create([.. order.Split(' ').Select(axis => shape[axis[0] - '0'])]);
        Reshape(port, name, turned);
        TensorCheck only = OnlyFault(port.Check(), name, CheckStatus.Broken);
        Assert.StartsWith($"holds {turned}; expected {shape}: {words}", only.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Trap_3_squeezed_and_flat_shapes_fail()
    {
        using ShippedPort port = new("r50-two-stage");
        Reshape(port, Real, [10, 256]);
        TensorCheck squeezed = OnlyFault(port.Check(), Real, CheckStatus.Broken);
        Assert.Equal("holds [10, 256]; expected [1, 10, 256]: axes of size 1 squeezed", squeezed.Fault);

        Reshape(port, Real, [2560]);
        TensorCheck whole = OnlyFault(port.Check(), Real, CheckStatus.Broken);
        Assert.StartsWith("holds [2560]; expected [1, 10, 256]: ", whole.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Trap_3_a_broadcastable_shape_fails()
    {
        // The query embedding is the same in both images; one of them broadcasts, and the numbers would be right.
        using ShippedPort port = new("r50");
        port.Tensors["transformer.tgt"] = Tensor<float>.FromArray([1, 10, 256], port.Real("transformer.tgt").AsReadOnlySpan()[..2560].ToArray());
        TensorCheck only = OnlyFault(port.Check(), "transformer.tgt", CheckStatus.Broken);
        Assert.Equal("holds [1, 10, 256]; expected [2, 10, 256]: would have to be broadcast", only.Fault);
    }

    [Fact]
    public void Trap_4_what_is_compared_is_not_changed()
    {
        using ShippedPort port = new("r50");
        port.Mutate("decoder-without-valid-ratios");
        string dump = port.Save();
        string[] files = [dump, port.At("inputs.safetensors"), port.At("config.json")];
        string[] before = [.. files.Select(Hash)];
        DateTime[] written = [.. files.Select(File.GetLastWriteTimeUtc)];
        string[] beside = Directory.GetFileSystemEntries(Path.GetDirectoryName(dump)!);
        Assert.False(PortCheck.Run(port.Request(dump)).Passed);
        Assert.Equal(before, files.Select(Hash));
        Assert.Equal(written, files.Select(File.GetLastWriteTimeUtc));
        Assert.Equal(beside, Directory.GetFileSystemEntries(Path.GetDirectoryName(dump)!));
    }

    [Fact]
    public void Trap_5_permuted_elements_have_the_same_statistics_and_fail()
    {
        using ShippedPort port = new("r50");
        Tensor<float> tensor = port.Real(Real);
        float[] right = tensor.AsReadOnlySpan().ToArray();
        int[] order = [3, 7, 0, 9, 1, 4, 8, 2, 6, 5];
        for (int row = 0; row < 20; row++)
        {
            right.AsSpan(((row / 10 * 10) + order[row % 10]) * 256, 256).CopyTo(tensor.AsSpan().Slice(row * 256, 256));
        }

        RequireOrder(port.Check());
    }

    [Fact]
    public void Trap_5_two_swapped_queries_fail()
    {
        using ShippedPort port = new("r50");
        Span<float> values = port.Real(Real).AsSpan();
        float[] second = values.Slice(2 * 256, 256).ToArray();
        values.Slice(5 * 256, 256).CopyTo(values.Slice(2 * 256, 256));
        second.CopyTo(values.Slice(5 * 256, 256));
        RequireOrder(port.Check());
    }

    [Fact]
    public void Trap_6_identical_files_pass_and_one_bit_beyond_the_floor_fails()
    {
        using ShippedPort port = new("r50");
        CheckReport right = port.Check();
        Assert.True(right.Passed, ShippedPort.Faults(right));

        int at = port.Real(Real).Length / 2;
        float before = port.Real(Real).AsReadOnlySpan()[at];
        List<bool> passed = [];
        for (int bit = 0; bit < 23; bit += 2)
        {
            port.Real(Real).AsSpan()[at] = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(before) ^ (1u << bit));
            TensorCheck check = Alone(port, Real);
            passed.Add(check.Status == CheckStatus.Right);
            Assert.True(check.Status == CheckStatus.Right || check.Worst!.Index.SequenceEqual([1, 0, 0]), $"bit {bit}");
        }

        // The last bit is rounding, the first is not, and in between the verdict changes once, low in the mantissa.
        int floor = passed.IndexOf(item: false);
        Assert.InRange(floor, 1, 6);
        Assert.All(passed.Skip(floor), Assert.False);
    }

    [Fact]
    public void Trap_7_a_difference_with_itself_is_exactly_nothing()
    {
        using ShippedPort port = new("r50");
        CheckModel model = Model(port);
        Dictionary<string, Tensor> truth = SelfTestDump.Run(model, new ReferenceAlgebra<double>(new OperatorContext(Kernels.Simd)));
        CheckReport report = PortCheck.Run(model, new MemoryPort(truth), port.Request("itself"), System.Diagnostics.Stopwatch.StartNew());
        Assert.True(report.Passed, ShippedPort.Faults(report));
        Assert.Equal(Named, report.Compared);
        Assert.Equal(Named, report.Tensors.Count);
        Assert.All(report.Tensors, tensor => Assert.True(tensor.Injected == 0 && tensor.Arrived is 0 or double.NaN, $"{tensor.Name}: {tensor.Injected}, {tensor.Arrived}"));
    }

    [Fact]
    public void Trap_7_one_buffer_for_all_layers_fails()
    {
        using ShippedPort port = new("r50");
        string[] layers = [.. port.Tensors.Keys.Where(name => name.EndsWith(".linear1", StringComparison.Ordinal))];
        Assert.Equal(4, layers.Length);
        Assert.Equal(
            port.Tensors["transformer.decoder.layers.0.linear1"].Shape, port.Tensors["transformer.decoder.layers.1.linear1"].Shape);
        port.Tensors["transformer.decoder.layers.0.linear1"] = port.Tensors["transformer.decoder.layers.1.linear1"];
        port.Tensors["transformer.encoder.layers.0.linear1"] = port.Tensors["transformer.encoder.layers.1.linear1"];
        CheckReport report = port.Check();
        foreach (string stack in (string[])["encoder", "decoder"])
        {
            // The buffer holds the last layer's tensor, which is right there and nowhere else.
            TensorCheck first = report.Tensors.Single(tensor => tensor.Name == $"transformer.{stack}.layers.0.linear1");
            Assert.Equal((CheckStatus.Broken, $"holds the bits of 'transformer.{stack}.layers.1.linear1'; expected a tensor of its own"), (first.Status, first.Fault));
            Assert.Equal(CheckStatus.Right, report.Tensors.Single(tensor => tensor.Name == $"transformer.{stack}.layers.1.linear1").Status);
        }

        Assert.False(report.Passed);
    }

    [Fact]
    public void Trap_7_a_dump_of_nothing_fails()
    {
        using ShippedPort port = new("r50");
        foreach (Tensor tensor in port.Tensors.Values)
        {
            if (tensor is Tensor<float> real)
            {
                real.AsSpan().Clear();
            }
        }

        CheckReport report = port.Check();
        Assert.False(report.Passed);
        Assert.True(report.Tensors.Count(tensor => tensor.Status != CheckStatus.Right) > 200, CheckText.Coverage(report));
    }

    private static void RequireOrder(CheckReport report)
    {
        // The one that is out of order, and what is made of it: the residual is not permuted, so two steps are wrong.
        TensorCheck first = report.Tensors.First(tensor => tensor.Status != CheckStatus.Right);
        Assert.Equal((Real, CheckStatus.Wrong), (first.Name, first.Status));
        Assert.Equal("queries in another order", first.Diagnosis!.Findings[0].Mistake);
        Assert.InRange(first.Diagnosis.Findings[0].After, 0, 1);
    }

    // The tensor is at fault; others are right, or are wrong because the port computed them from what the dump doesn't show.
    private static TensorCheck OnlyFault(CheckReport report, string name, CheckStatus status)
    {
        TensorCheck[] faults = [.. report.Tensors.Where(tensor => tensor.Status != CheckStatus.Right)];
        Assert.True(faults.Length == 1 && faults[0].Name == name && faults[0].Status == status && !report.Passed, ShippedPort.Faults(report));
        return faults[0];
    }

    private static void Reshape(ShippedPort port, string name, TensorShape shape) => port.Tensors[name] = port.Tensors[name] switch
    {
        Tensor<float> real => real.Reshape(shape),
        Tensor<long> whole => whole.Reshape(shape),
        _ => throw new NotSupportedException(),
    };

    private static CheckModel Model(ShippedPort port)
    {
        CheckRequest request = port.Request("");
        return CheckModel.Load(request.Inputs, request.Weights, request.Config, request.Preprocess);
    }

    // The verdict on one tensor, from the port's tensors before it.
    private static TensorCheck Alone(ShippedPort port, string name)
    {
        CheckModel model = Model(port);
        CheckTools tools = CheckTools.Create(model.Graph, DumpDType.Float32, threads: 1, ensemble: false);
        return CheckRun.Run(model, new MemoryPort(port.Tensors), tools).Tensors.Single(tensor => tensor.Name == name);
    }

    private static string Hash(string path) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));
}
