using System.Diagnostics;
using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Laws.Tests;

/// <summary>The laws on other people's implementations: delegates, programs in other languages, and programs that misbehave.</summary>
public class OtherImplementationsTests
{
    private const string Core = "ms_deform_attn_core";

    public static TheoryData<string> Faults => [.. Enum.GetNames<CoreFault>().Where(name => name != nameof(CoreFault.None))];

    [Fact]
    public void A_right_core_in_csharp_obeys()
    {
        LawReport report = LawSuite.Check(Core, input => FaultyCore.Run(input, CoreFault.None));
        Assert.True(report.Passed, report.Failure?.Sentence);
        Assert.Equal(LawSuite.Of(Core).Count * 40, report.Cases);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_wrong_core_in_csharp_is_caught_on_a_case_that_a_person_can_hold(string fault)
    {
        using Folder folder = new();
        LawReport report = LawSuite.Check(
            Core, input => FaultyCore.Run(input, Enum.Parse<CoreFault>(fault)), new LawOptions { ExportCase = folder.Path });
        RequireSmall(report);

        // What was written is a golden case that the reference passes.
        GoldenCase golden = GoldenCase.Load(folder.Path);
        Assert.Equal(Core, golden.Target);
        Assert.True(CaseVerifier.Verify(golden, ElementType.Float32, Kernels.Textbook, 1).Passed);
        Assert.True(File.Exists(System.IO.Path.Combine(folder.Path, "port.safetensors")));
    }

    [Theory]
    [InlineData("ms_deform_attn")]
    [InlineData("transformer")]
    [InlineData("model")]
    [InlineData("layer_norm")]
    public void The_reference_obeys_as_a_delegate(string target)
    {
        LawReport report = LawSuite.Check(target, new ReferenceSubject(ElementType.Float32, Kernels.Simd).Run, new LawOptions { Cases = 10 });
        Assert.True(report.Passed, report.Failure?.Sentence);
    }

    [Fact]
    public void What_an_implementation_does_not_give_is_said()
    {
        LawReport report = LawSuite.Check(
            "ms_deform_attn",
            input => new Dictionary<string, Tensor>(StringComparer.Ordinal)
            {
                ["output"] = new ReferenceSubject(ElementType.Float32, Kernels.Simd).Run(input)["output"],
            },
            new LawOptions { Cases = 4 });
        Assert.True(report.Passed);
        Assert.Equal("it gives no attention_weights", report.Outcomes.Single(outcome => outcome.Law.Name == "weights_sum_to_one").Missing);
    }

    [Fact]
    public void Outputs_that_are_absent_misshapen_or_throw_are_said()
    {
        Broken("tensor 'output' is absent", _ => new Dictionary<string, Tensor>(StringComparer.Ordinal));
        Broken("tensor 'output' holds [1]; expected [", _ => new Dictionary<string, Tensor>(StringComparer.Ordinal) { ["output"] = new Tensor<float>([1]) });
        Broken("throws InvalidOperationException: no", _ => throw new InvalidOperationException("no"));
        Broken("is NaN", input => new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            ["output"] = LawDraw.Constant(FaultyCore.Run(input, CoreFault.None)["output"].Shape, double.NaN),
        });

        static void Broken(string words, LawImplementation implementation)
        {
            LawReport report = LawSuite.Check(Core, implementation);
            Assert.False(report.Passed);
            Assert.Contains(words, report.Failure!.Breach, StringComparison.Ordinal);
        }
    }

    [ShellFact]
    public void A_program_obeys_through_files()
    {
        string program = $"dotnet '{typeof(Program).Assembly.Location}' port {{in}} {{out}}";
        LawReport report = LawSuite.Check(Core, program, 60, new LawOptions { Cases = 3 });
        Assert.True(report.Passed, report.Failure?.Sentence);
    }

    [ShellFact]
    public void A_program_that_misbehaves_is_said()
    {
        Broken("the program ended with status 3: boom", "echo boom >&2; exit 3 # {in} {out}");
        Broken("the program ended well and wrote no {out}", "true {in} {out}");
        Broken("what it wrote can't be read: {out}", "echo garbage, not tensors > {out} # {in}");
        Broken("tensor '0/output' is absent", "cp {in} {out}", "tensor 'output' is absent");
        Broken("the program was still running after", "sleep 60 # {in} {out}", timeout: 0.2);

        static void Broken(string words, string command, string? instead = null, double timeout = 30)
        {
            LawReport report = LawSuite.Check(Core, command, timeout, new LawOptions { Cases = 1, Only = "ramps" });
            Assert.False(report.Passed);
            Assert.Contains(instead ?? words, report.Failure!.Breach, StringComparison.Ordinal);
        }
    }

    [NumpyFact]
    public void A_right_core_in_numpy_obeys()
    {
        LawReport report = LawSuite.Check(Core, $"{NumpyFactAttribute.Python} '{Port}' {{in}} {{out}}", 60);
        Assert.True(report.Passed, report.Failure?.Sentence);
    }

    [NumpyTheory]
    [InlineData("align-corners")]
    [InlineData("clamped-border")]
    [InlineData("swapped-axes")]
    [InlineData("floor-only")]
    [InlineData("level-order")]
    public void A_wrong_core_in_numpy_is_caught_on_a_case_that_a_person_can_hold(string fault) =>
        RequireSmall(LawSuite.Check(Core, $"{NumpyFactAttribute.Python} '{Port}' {{in}} {{out}} {fault}", 60));

    private static string Port
    {
        get
        {
            DirectoryInfo? folder = new(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "DeformDetr.Reference.sln")))
            {
                folder = folder.Parent;
            }

            return System.IO.Path.Combine(folder!.FullName, "tests", "laws-port", "core.py");
        }
    }

    // At most 1 image, 1 query, 1 head, 2 levels, 2 points.
    private static void RequireSmall(LawReport report)
    {
        Assert.False(report.Passed);
        LawCase smallest = report.Failure!.Case;
        Assert.True(
            smallest["N"] == 1 && smallest["Lq"] == 1 && smallest["M"] == 1 && smallest.Levels.Count <= 2 && smallest["P"] <= 2, smallest.ToString());
        Assert.StartsWith($"breaks '{report.Failure.Law.Name}' (", report.Failure.Sentence, StringComparison.Ordinal);
    }

    private sealed class Folder : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("deform-detr-test-");

        public string Path => _folder.FullName;

        public void Dispose() => _folder.Delete(recursive: true);
    }
}

internal sealed class ShellFactAttribute : FactAttribute
{
    public ShellFactAttribute()
    {
        if (OperatingSystem.IsWindows())
        {
            Skip = "needs a shell as POSIX has it";
        }
    }
}

internal sealed class NumpyFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> Found = new(() => new[] { "/usr/bin/python3", "python3" }.FirstOrDefault(HasNumpy));

    public NumpyFactAttribute() => Skip = Reason;

    public static string? Python => Found.Value;

    public static string? Reason => Found.Value is null || OperatingSystem.IsWindows() ? "needs a Python with numpy" : null;

    private static bool HasNumpy(string python)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(python) { ArgumentList = { "-c", "import numpy" }, RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}

internal sealed class NumpyTheoryAttribute : TheoryAttribute
{
    public NumpyTheoryAttribute() => Skip = NumpyFactAttribute.Reason;
}
