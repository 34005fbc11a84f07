using System.Diagnostics;

namespace DeformDetr.Mutation;

// A folder with all assemblies, one of which is exchanged for each mutant.
internal sealed class Worker : IDisposable
{
    // A healthy run takes a fraction of it; what takes longer hangs, and is noticed by that.
    private const int Seconds = 600;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("deform-detr-mutation-");

    public Worker()
    {
        foreach (string file in Directory.EnumerateFiles(AppContext.BaseDirectory))
        {
            File.Copy(file, Path.Combine(_folder.FullName, Path.GetFileName(file)));
        }
    }

    public string Assembly(string project) => Path.Combine(_folder.FullName, $"{project}.dll");

    public void Restore(string project) => File.Copy(Path.Combine(AppContext.BaseDirectory, $"{project}.dll"), Assembly(project), overwrite: true);

    // What noticed the fault, one by a line; empty where nothing did.
    public IReadOnlyList<string> Probe(params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])[Assembly("DeformDetr.Mutation"), "probe", .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromSeconds(Seconds)))
        {
            process.Kill(entireProcessTree: true);
            return ["it hangs"];
        }

        string[] lines = output.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return process.ExitCode switch
        {
            0 => [],
            1 => lines,
            int status => [.. lines, FormattableString.Invariant($"it ends with status {status}: {error.Result.Split('\n')[0]}")],
        };
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
