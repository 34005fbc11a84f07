using System.Diagnostics;

namespace DeformDetr.Cli.Tests;

/// <summary>One run of the command: exit status and both streams.</summary>
internal sealed record CliRun(int Exit, string Out, string Error)
{
    /// <summary>Runs in this process.</summary>
    public static CliRun Of(params IReadOnlyList<string> args)
    {
        using StringWriter output = new() { NewLine = "\n" };
        using StringWriter error = new() { NewLine = "\n" };
        int exit = CommandLine.Run(args, output, error);
        return new CliRun(exit, output.ToString(), error.ToString());
    }

    /// <summary>Runs as a program of its own, in a folder.</summary>
    public static CliRun OfProcess(string folder, params IReadOnlyList<string> args)
    {
        ProcessStartInfo start = new("dotnet") { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(typeof(CommandLine).Assembly.Location);
        foreach (string argument in args)
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new CliRun(process.ExitCode, output, error.Result);
    }

    /// <summary>Lines of standard output without the empty one at the end.</summary>
    public IReadOnlyList<string> Lines => Out.TrimEnd('\n').Split('\n');

    /// <summary>Requires exit status 2, nothing on standard output, and exactly this line on standard error.</summary>
    public void RequireBadInput(string line)
    {
        Assert.Equal($"deform-detr: {line}\n", Error);
        Assert.Equal("", Out);
        Assert.Equal(2, Exit);
    }

    /// <summary>Requires exit status 2, nothing on standard output, and one line on standard error that begins with what is at fault.</summary>
    public void RequireRefused(string what)
    {
        Assert.StartsWith($"deform-detr: {what}", Error, StringComparison.Ordinal);
        Assert.Equal(Error.Length - 1, Error.IndexOf('\n', StringComparison.Ordinal));
        Assert.Equal("", Out);
        Assert.Equal(2, Exit);
    }

    /// <summary>Requires that the run is done and that nothing stands on standard error.</summary>
    public CliRun RequireDone()
    {
        Assert.Equal("", Error);
        Assert.Equal(0, Exit);
        return this;
    }
}
