using System.Diagnostics;
using System.Globalization;
using System.Text;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// A program in any language: it reads a safetensors file of inputs and writes one of outputs, names prefixed with the number of the case.
internal sealed class CommandSubject(string command, double timeoutSeconds, string folder) : ILawSubject
{
    // A batch may take as long as so many single cases.
    private const int MostTimes = 10;

    private const int MostWords = 300;

    private int _calls;

    public NoiseUnit Unit => NoiseUnit.Float32;

    // Starts of the program.
    public int Calls => _calls;

    // What fails as a batch is run in halves, until the case is found that it is due to.
    public IReadOnlyList<LawAnswer> Run(IReadOnlyList<LawInput> inputs)
    {
        (IReadOnlyList<LawAnswer>? answers, string? fault) = Call(inputs);
        if (answers is not null)
        {
            return answers;
        }

        if (inputs.Count == 1)
        {
            return [LawAnswer.Broken(fault!)];
        }

        int half = inputs.Count / 2;
        IReadOnlyList<LawAnswer> first = Run([.. inputs.Take(half)]);

        // One fault is enough: a program that hangs would hang again and again.
        return first.FirstOrDefault(answer => answer.Outputs is null) is { } broken
            ? [.. first, .. inputs.Skip(half).Select(_ => broken)]
            : [.. first, .. Run([.. inputs.Skip(half)])];
    }

    private (IReadOnlyList<LawAnswer>? Answers, string? Fault) Call(IReadOnlyList<LawInput> inputs)
    {
        string number = (_calls++).ToString(CultureInfo.InvariantCulture);
        string given = Path.Combine(folder, $"in-{number}.safetensors");
        string made = Path.Combine(folder, $"out-{number}.safetensors");
        try
        {
            SafetensorsWriter.Save(
                given, inputs.SelectMany((input, k) => input.Tensors.Select(pair => (Name(k, pair.Key), pair.Value))),
                new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["format"] = "laws/1",
                    ["target"] = inputs[0].Target,
                    ["config"] = inputs[0].Config,
                    ["cases"] = inputs.Count.ToString(CultureInfo.InvariantCulture),
                });
            string? fault = Start(given, made, timeoutSeconds * Math.Min(inputs.Count, MostTimes));
            return fault is not null ? (null, fault) : Read(made, inputs.Count);
        }
        finally
        {
            File.Delete(given);
            File.Delete(made);
        }
    }

    private static string Name(int k, string name) => string.Create(CultureInfo.InvariantCulture, $"{k}/{name}");

    private static (IReadOnlyList<LawAnswer>? Answers, string? Fault) Read(string path, int count)
    {
        if (!File.Exists(path))
        {
            return (null, "the program ended well and wrote no {out}");
        }

        try
        {
            using TensorFile file = TensorFile.Open(path);
            Dictionary<string, Tensor>[] outputs = [.. Enumerable.Range(0, count).Select(_ => new Dictionary<string, Tensor>(StringComparer.Ordinal))];
            foreach (TensorEntry entry in file.Entries)
            {
                int slash = entry.Name.IndexOf('/', StringComparison.Ordinal);
                if (slash > 0 && int.TryParse(entry.Name.AsSpan(0, slash), NumberStyles.None, CultureInfo.InvariantCulture, out int k) && k < count)
                {
                    outputs[k][entry.Name[(slash + 1)..]] = file.Read(entry.Name);
                }
                else
                {
                    return (null, $"tensor '{entry.Name}' is unexpected in what it wrote; expected a case's number, / and a name of the contract");
                }
            }

            return ([.. outputs.Select(all => new LawAnswer(all, null))], null);
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or NotSupportedException or ArgumentException)
        {
            string message = exception.Message.Replace(path, "{out}", StringComparison.Ordinal).Replace(Path.GetFileName(path), "{out}", StringComparison.Ordinal);
            return (null, $"what it wrote can't be read: {message.TrimEnd('.')}");
        }
    }

    private string? Start(string given, string made, double seconds)
    {
        string line = command.Replace("{in}", Quoted(given), StringComparison.Ordinal).Replace("{out}", Quoted(made), StringComparison.Ordinal);
        ProcessStartInfo start = OperatingSystem.IsWindows()
            ? new ProcessStartInfo("cmd.exe") { Arguments = $"/c {line}" }
            : new ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", line } };
        start.RedirectStandardError = start.RedirectStandardOutput = start.RedirectStandardInput = true;
        using Process process = Process.Start(start) ?? throw new InvalidDataException($"laws: '{command}' can't be started; expected a command.");
        StringBuilder error = new();
        process.ErrorDataReceived += (_, data) => Keep(error, data.Data);
        process.OutputDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        process.StandardInput.Close();
        if (!process.WaitForExit(TimeSpan.FromSeconds(seconds)))
        {
            process.Kill(entireProcessTree: true);
            return FormattableString.Invariant($"the program was still running after {seconds:0.#} s (--timeout {timeoutSeconds:0.#})");
        }

        process.WaitForExit();
        lock (error)
        {
            string said = error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "";
            return process.ExitCode == 0 ? null : FormattableString.Invariant($"the program ended with status {process.ExitCode}")
                + (said.Length == 0 ? "" : $": {(said.Length > MostWords ? said[..MostWords] : said)}");
        }
    }

    private static void Keep(StringBuilder text, string? line)
    {
        lock (text)
        {
            if (line is not null && text.Length < 1 << 16)
            {
                text.Append(line).Append('\n');
            }
        }
    }

    private static string Quoted(string path) => OperatingSystem.IsWindows() ? $"\"{path}\"" : $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
