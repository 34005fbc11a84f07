using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Operators;

/// <summary>A port's single operator: right ones pass, wrong ones fail and leave a case that shows it.</summary>
public sealed class OperatorCheckTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deform-detr-op-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ARightCorePassesAndAWrongOneIsExportedSmall()
    {
        GoldenCase golden = GoldenCase.Load(Path.Combine(RepositoryFiles.Golden, "cases", "core-unequal-m3-l2-p5-d7"));
        string input = Inputs(golden, "grad_output");
        string port = At("port.safetensors");
        OperatorRequest request = new("ms_deform_attn_core", input, null, null, []);
        OperatorRun.Run(request, ElementType.Float32, Kernels.Simd, 1, port);
        OperatorCheckRequest check = new(request, port, null, DumpDType.Float32, 1);
        CheckReport report = OperatorCheck.Run(check);
        Assert.True(report.Passed);
        Assert.True(Assert.Single(report.Tensors).Injected < 1);
        Assert.Null(OperatorExport.Write(check, At("none")));

        // A port that is wrong in one head of one query.
        Change(port, "output", tensor => tensor.AsSpan()[^3] *= 1.001f);
        report = OperatorCheck.Run(check);
        Assert.False(report.Passed);
        Assert.Equal(CheckStatus.Wrong, Assert.Single(report.Tensors).Status);
        ExportedCase exported = Assert.IsType<ExportedCase>(OperatorExport.Write(check, At("case")));
        Assert.True(exported.Error > 1 && exported.Line > 0);
        GoldenCase written = GoldenCase.Load(At("case"));
        Assert.Equal("ms_deform_attn_core", written.Target);
        Assert.Equal([1, 1, 1, 2, 5, 2], exported.Shapes.Single(pair => pair.Name == "sampling_locations").Shape);
        Assert.Equal([1, 1], exported.Shapes.Single(pair => pair.Name == "value").Shape.Sizes[2..].ToArray());
        RequirePasses(written);
        RequirePortFails(written);
        Assert.Equal(
            $"{At("case")}: holds something; expected a new or empty folder for the case.",
            Assert.Throws<InvalidDataException>(() => OperatorExport.Write(check, At("case"))).Message);
    }

    [Theory]
    [InlineData("operator-linear", "linear")]
    [InlineData("operator-layer-norm", "layer_norm")]
    [InlineData("operator-conv2d-3x3-stride", "conv2d")]
    [InlineData("operator-softmax", "softmax")]
    [InlineData("operator-grid-sample", "grid_sample")]
    [InlineData("operator-group-norm", "group_norm")]
    [InlineData("operator-gelu", "gelu")]
    [InlineData("operator-inverse-sigmoid", "inverse_sigmoid")]
    [InlineData("operator-matmul", "matmul")]
    public void GeneralOperators(string name, string op)
    {
        GoldenCase golden = GoldenCase.Find([Path.Combine(RepositoryFiles.Golden, "cases")])
            .Where(golden => golden.Name.StartsWith(name, StringComparison.Ordinal)).MinBy(golden => golden.Name.Length)!;
        string input = Inputs(golden);
        string[] settings = [.. golden.Config.EnumerateObject().Where(entry => entry.Name != "operator").Select(entry => $"{entry.Name}={entry.Value.GetRawText()}")];
        OperatorRequest request = new(op, input, null, null, settings);
        string port = At("port.safetensors");

        // The original's own output is a right port.
        using (TensorFile expected = TensorFile.Open(golden.ExpectedPath))
        {
            SafetensorsWriter.Save(port, [("output", expected.Read("output"))]);
        }

        OperatorCheckRequest check = new(request, port, null, DumpDType.Float32, 1);
        CheckReport report = OperatorCheck.Run(check);
        Assert.True(report.Passed, CheckText.Verdict(report));
        Change(port, "output", tensor =>
        {
            // Where the noise is a small part of the number, so that a per mille is an error.
            int largest = 0;
            for (int at = 0; at < tensor.Length; at++)
            {
                largest = Math.Abs(tensor.AsSpan()[at]) > Math.Abs(tensor.AsSpan()[largest]) ? at : largest;
            }

            tensor.AsSpan()[largest] *= 1.001f;
        });
        Assert.False(OperatorCheck.Run(check).Passed);
        Assert.NotNull(OperatorExport.Write(check, At("case")));
        GoldenCase written = GoldenCase.Load(At("case"));
        RequirePasses(written);
        RequirePortFails(written);
    }

    [Fact]
    public void AStepOfAModelIsExportedAsItsKind()
    {
        (CheckModel model, _) = SmallModels.Load("model-bottleneck-refine-gelu");
        NoiseAlgebra noise = OperatorCheck.Noise(DumpDType.Float32, 1);
        _ = SmallModels.Trace(model, noise, out StepRun run);
        List<string> wrong = [];
        HashSet<StepKind> seen = [];
        using (run)
        {
            foreach (Step step in model.Graph.Steps.Where(step => step.Kind != StepKinds.Given && seen.Add(step.Kind)))
            {
                Quantity right = run.Evaluate(step);
                if (right.Tensor is not Tensor<double> real)
                {
                    continue;
                }

                Tensor<double> port = real.Clone();
                int at = real.Length / 3;
                port.AsSpan()[at] = port.AsSpan()[at] * 1.25f + 0.5f;
                string folder = At(OperatorCatalogue.NameOf(step.Kind));
                if (OperatorExport.Write(step, run.Inputs(step), port, noise, folder) is null)
                {
                    wrong.Add($"{step}: not exported");
                    continue;
                }

                CaseResult result = CaseVerifier.Verify(GoldenCase.Load(folder), ElementType.Float64, Kernels.Textbook, 1);
                if (!result.Passed)
                {
                    wrong.Add($"{step}: {result.FirstFailure}");
                }
            }
        }

        Assert.Empty(wrong);
    }

    private static void RequirePasses(GoldenCase golden)
    {
        foreach (ElementType type in new[] { ElementType.Float32, ElementType.Float64 })
        {
            foreach (Kernels kernels in new[] { Kernels.Simd, Kernels.Textbook })
            {
                CaseResult result = CaseVerifier.Verify(golden, type, kernels, 1);
                Assert.True(result.Passed, $"{type} {kernels}: {result.FirstFailure}");
            }
        }
    }

    // The port's numbers, judged by the exported case.
    private static void RequirePortFails(GoldenCase golden)
    {
        using TensorFile expected = TensorFile.Open(golden.ExpectedPath);
        using TensorFile truth = TensorFile.Open(golden.Expected64Path!);
        using TensorFile port = TensorFile.Open(Path.Combine(golden.Folder, "port.safetensors"));
        Assert.True(PassRule.Judge("output", port.Read("output"), expected.Read("output"), truth.Read("output")).Failed);
    }

    private string At(string name) => Path.Combine(_folder, name);

    private string Inputs(GoldenCase golden, params string[] without)
    {
        using TensorFile file = TensorFile.Open(golden.InputsPath!);
        SafetensorsWriter.Save(
            At("in.safetensors"), file.Entries.Where(entry => !without.Contains(entry.Name)).Select(entry => (entry.Name, file.Read(entry.Name))));
        return At("in.safetensors");
    }

    private static void Change(string path, string name, Action<Tensor<float>> change)
    {
        Tensor<float> tensor;
        using (TensorFile file = TensorFile.Open(path))
        {
            tensor = file.Read<float>(name);
        }

        change(tensor);
        SafetensorsWriter.Save(path, [(name, tensor)]);
    }
}
