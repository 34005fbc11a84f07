using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;

namespace DeformDetr.Formats.Tests;

// For tests that ask numpy or PyTorch itself; skipped where there is none.
internal sealed class NumpyFactAttribute : FactAttribute
{
    private static readonly string[] Candidates = ["/usr/bin/python3", "python3", "python"];

    private static readonly ConcurrentDictionary<string, string?> Found = new(StringComparer.Ordinal);

    public NumpyFactAttribute(string module = "numpy")
    {
        if (Python(module) is null)
        {
            Skip = $"needs a Python with {module}";
        }
    }

    private static string? Python(string module) =>
        Found.GetOrAdd(module, name => Candidates.FirstOrDefault(python => Run(python, $"import {name}").ExitCode == 0));

    public static string RunPython(string script, params string[] arguments)
    {
        (int exitCode, string output, string error) = Run((Python("numpy") ?? Python("torch"))!, script, arguments);
        Assert.True(exitCode == 0, error);
        return output;
    }

    private static (int ExitCode, string Output, string Error) Run(string python, string script, params string[] arguments)
    {
        ProcessStartInfo start = new(python) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])["-c", script, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        try
        {
            using Process process = Process.Start(start)!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output, error.Result);
        }
        catch (Win32Exception)
        {
            return (-1, "", "no such program");
        }
    }
}
