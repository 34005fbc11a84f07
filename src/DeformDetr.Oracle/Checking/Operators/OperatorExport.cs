using System.Globalization;
using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>A failing input that was written as a golden case.</summary>
/// <param name="Folder">The case.</param>
/// <param name="Tensor">The tensor that is wrong, as the check calls it.</param>
/// <param name="Operator">The operator that makes it.</param>
/// <param name="Shapes">Names and shapes of the inputs and weights.</param>
/// <param name="Port">The port's number at the worst element.</param>
/// <param name="Expected">The right number.</param>
/// <param name="Error">Their distance in noise.</param>
/// <param name="Source">File of the operator's textbook body, from the root of the repository.</param>
/// <param name="Line">The line where that body begins; 0 where the sources aren't here.</param>
public sealed record ExportedCase(
    string Folder, string Tensor, string Operator, IReadOnlyList<(string Name, TensorShape Shape)> Shapes, double Port, double Expected,
    double Error, string Source, int Line)
{
    /// <summary>The command that runs the case through the plain loops.</summary>
    public string Command => $"deform-detr verify {Folder} --kernels textbook --dtype float64";

    /// <summary>Writes what it is and how to step through it.</summary>
    /// <param name="output">Where the text goes.</param>
    public void Write(TextWriter output)
    {
        string line = Line > 0 ? FormattableString.Invariant($":{Line}") : "";
        output.WriteLine($"exported {Tensor} as a case of {Operator} to {Folder}: {string.Join(", ", Shapes.Select(pair => $"{pair.Name} {pair.Shape}"))}");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"  the port has {Port:G9}, right is {Expected:G9}: {Error:G4} times what rounding explains"));
        output.WriteLine($"  run it:      {Command}");
        output.WriteLine($"  breakpoint:  {Source}{line}, the textbook body");
        output.WriteLine("  VS Code, an entry of .vscode/launch.json:");
        output.WriteLine(
            $$"""
                { "name": "{{Operator}}", "type": "coreclr", "request": "launch", "cwd": "${workspaceFolder}",
                  "program": "${workspaceFolder}/src/DeformDetr.Cli/bin/Debug/net10.0/deform-detr.dll",
                  "args": ["verify", {{JsonSerializer.Serialize(Path.GetFullPath(Folder))}}, "--kernels", "textbook", "--dtype", "float64"] }
            """);
    }
}

/// <summary>Writes the smallest failing input of a port's operator as a golden case.</summary>
public static class OperatorExport
{
    // What does the work where nothing is called Textbook.
    private static readonly string[] Bodies =
        [" Forward(", " Forward<", " Bilinear(", " Normalize(", " StepKind Given"];


    /// <summary>
    /// Finds the first output that is wrong, leaves as much of the inputs as shows it (one picture, query, head and channel where the
    /// operator allows), and writes a golden case: its expectations are the right values, <c>port.safetensors</c> beside them what the port had.
    /// </summary>
    /// <param name="request">What was checked.</param>
    /// <param name="folder">The case; absent or empty before.</param>
    /// <returns>The case; null where no output is wrong.</returns>
    /// <exception cref="InvalidDataException">Bad input, or a folder that holds something.</exception>
    public static ExportedCase? Write(OperatorCheckRequest request, string folder)
    {
        using PortDump port = PortDump.Open(
            request.Port, request.Map is null ? null : NameMap.Load(request.Map), request.PortDType);
        OperatorTensors tensors = OperatorLoader.Load(request.Operator);
        NoiseAlgebra noise = OperatorCheck.Noise(request.PortDType, request.Threads);
        OperatorTensors.Evaluation evaluation = new(tensors, noise);
        foreach (Step step in tensors.Steps)
        {
            Quantity right = evaluation.Evaluate(step);
            (TensorCheck check, Tensor? its) = OperatorCheck.Judge(step, evaluation.Inputs(step), right, port);
            if (check.Status == CheckStatus.Wrong && its is not null)
            {
                return Write(step, evaluation.Inputs(step), its, noise, folder, tensors);
            }

            evaluation.Put(step, its is null || check.Status == CheckStatus.Broken ? right : new Quantity(its));
        }

        return null;
    }

    // A wrong step of anything; null for a kind that can't be run by itself, or whose error goes away with inputs in float32.
    internal static ExportedCase? Write(Step step, StepInputs inputs, Tensor port, Algebra noise, string folder, OperatorTensors? from = null)
    {
        RequireEmpty(folder);
        if (FailingStep.Create(step, inputs, port, noise, from) is not { } failing)
        {
            return null;
        }

        failing.Shrink();
        (double error, int at, Quantity right) = failing.Measure();
        if (!(error > 1) || at < 0)
        {
            return null;
        }

        Directory.CreateDirectory(folder);
        Save(failing, folder, right.Tensor);
        int[] index = OperatorCheck.Index(right.Shape, at);
        OperatorDefinition definition = failing.Tensors.Definition;
        return new ExportedCase(
            folder, step.Name, definition.Name,
            [.. failing.Tensors.Inputs.Concat(failing.Tensors.Weights).Select(pair => (pair.Key, pair.Value.Shape))],
            TermKinds.At(failing.Port, index), TermKinds.At(right.Tensor, index), error, definition.Source, LineOf(definition.Source));
    }

    private static void Save(FailingStep failing, string folder, Tensor right)
    {
        OperatorTensors tensors = failing.Tensors;
        string output = failing.Step.Name;
        string At(string name) => Path.Combine(folder, name);
        if (tensors.Inputs.Count > 0)
        {
            SafetensorsWriter.Save(At("inputs.safetensors"), tensors.Inputs.Select(pair => (pair.Key, pair.Value)));
        }

        if (tensors.Weights.Count > 0)
        {
            SafetensorsWriter.Save(At("weights.safetensors"), tensors.Weights.Select(pair => (pair.Key, pair.Value)));
        }

        SafetensorsWriter.Save(At("expected.safetensors"), [(output, Expected(tensors, right))]);
        SafetensorsWriter.Save(At("expected64.safetensors"), [(output, right)]);
        SafetensorsWriter.Save(At("port.safetensors"), [(output, Narrowing.OfUntyped(failing.Port))]);
        bool core = tensors.Definition.Name is "deformable_attention_core" or "ms_deform_attn_core";
        string json = ReportJson.Text(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("format", "golden-case/1");
            writer.WriteString("name", Path.GetFileName(Path.GetFullPath(folder)));
            writer.WriteString("target", core ? "ms_deform_attn_core" : "operator");
            writer.WriteStartObject("config");
            if (!core)
            {
                writer.WriteString("operator", tensors.Definition.Name);
                foreach ((string key, JsonElement value) in tensors.Settings.All)
                {
                    writer.WritePropertyName(key);
                    value.WriteTo(writer);
                }
            }

            writer.WriteEndObject();
            if (tensors.Weights.Count > 0)
            {
                writer.WriteString("weights", "weights.safetensors");
            }

            if (tensors.Inputs.Count > 0)
            {
                writer.WriteString("inputs", "inputs.safetensors");
            }

            writer.WriteString("expected", "expected.safetensors");
            writer.WriteString("expected64", "expected64.safetensors");
            writer.WriteStartObject("source");
            writer.WriteString("tool", "deform-detr");
            writer.WriteString("version", TraceRun.Version);
            writer.WriteEndObject();
            writer.WriteEndObject();
        });
        File.WriteAllText(At("case.json"), json + "\n");
    }

    // The right values rounded to float32; where sums cancel so much that no float32 run comes that near, what the reference's own has, by
    // which the pass rule then measures others.
    private static Tensor Expected(OperatorTensors tensors, Tensor right)
    {
        if (right is not Tensor<double>)
        {
            return right;
        }

        Tensor rounded = Narrowing.OfUntyped(right);
        Tensor own = OperatorRun.Run(tensors, ElementType.Float32, Kernels.Simd, 1)[0].Tensor;
        return PassRule.Judge("output", own, rounded, right).Failed ? own : rounded;
    }

    internal static void RequireEmpty(string folder)
    {
        if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()))
        {
            throw new InvalidDataException($"{folder}: holds something; expected a new or empty folder for the case.");
        }
    }

    // Where the textbook body begins, or what does its work; 0 where the repository isn't around.
    internal static int LineOf(string source)
    {
        string? root = Above(Environment.CurrentDirectory) ?? Above(AppContext.BaseDirectory);
        if (root is null || !File.Exists(Path.Combine(root, source)))
        {
            return 0;
        }

        string[] lines = File.ReadAllLines(Path.Combine(root, source));
        int body = Array.FindIndex(lines, line => line.Contains("static", StringComparison.Ordinal) && line.Contains(" Textbook<", StringComparison.Ordinal));
        body = body >= 0 ? body : Array.FindIndex(
            lines, line => line.Contains("public ", StringComparison.Ordinal) && Bodies.Any(name => line.Contains(name, StringComparison.Ordinal)));
        return body + 1;
    }

    private static string? Above(string start)
    {
        for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "DeformDetr.Reference.sln")))
            {
                return folder.FullName;
            }
        }

        return null;
    }
}
