using System.Diagnostics;
using System.Globalization;

namespace DeformDetr.Fuzz;

// Starts a worker for each reader, and again behind the file that broke it.
internal static class Run
{
    private const string MostMemory = "0x80000000";
    private const int MostBreakdowns = 20;

    private sealed record Line(string Reader, long Files, long Read, long Refused, long Failed, double Seconds, double MostPerByte, long MostAtLeast);

    public static int All(Options options)
    {
        Stopwatch clock = Stopwatch.StartNew();
        Line[] lines = new Line[options.Readers.Count];
        Parallel.For(0, lines.Length, new ParallelOptions { MaxDegreeOfParallelism = options.Jobs }, index => lines[index] = One(options, options.Readers[index]));
        Console.WriteLine();
        Console.WriteLine("reader                    files        read     refused    failures    cpu s   allocated per byte, at least");
        foreach (Line line in lines)
        {
            Print(line);
        }

        Print(new Line("all", lines.Sum(line => line.Files), lines.Sum(line => line.Read), lines.Sum(line => line.Refused), lines.Sum(line => line.Failed), lines.Sum(line => line.Seconds), lines.Max(line => line.MostPerByte), lines.Max(line => line.MostAtLeast)));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {options.Seed}, {clock.Elapsed.TotalSeconds:F0} s"));
        return lines.All(line => line.Failed == 0) ? 0 : 1;
    }

    private static void Print(Line line) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{line.Reader,-19} {line.Files,11} {line.Read,11} {line.Refused,11} {line.Failed,11} {line.Seconds,8:F1} {line.MostPerByte,20:F1} {line.MostAtLeast,12}"));

    private static Line One(Options options, string reader)
    {
        string path = Path.Combine(Path.GetTempPath(), $"fuzz-{Path.GetRandomFileName()}");
        long files = Math.Max(1, options.Files / options.Readers.Count);
        double? seconds = options.Seconds * Math.Min(options.Jobs, options.Readers.Count) / options.Readers.Count;
        Stopwatch clock = Stopwatch.StartNew();
        try
        {
            using Progress progress = new(path);
            for (int breakdowns = 0; breakdowns < MostBreakdowns && progress.Index < files; breakdowns++)
            {
                int code = Work([.. options.ToArguments(reader, path, files, seconds - clock.Elapsed.TotalSeconds)]);
                if (code == 0)
                {
                    break;
                }

                if (code == Program.BadOptions)
                {
                    throw new InvalidOperationException($"fuzz: {reader} can't be started.");
                }

                Breakdown(options, reader, progress, code);
            }

            return new Line(reader, progress.Index, progress.ReadCount, progress.Refused, progress.Failed, progress.Seconds, progress.MostPerByte, progress.MostAtLeast);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static int Work(string[] arguments)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { Environment = { ["DOTNET_GCHeapHardLimit"] = MostMemory } };
        string[] program = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(Run).Assembly.Location] : [];
        foreach (string argument in (string[])[.. program, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode;
    }

    private static void Breakdown(Options options, string name, Progress progress, int code)
    {
        using Scratch scratch = new();
        Reader reader = AllReaders.Create(name, scratch);
        Mutant mutant = new Plan(reader, options.Seed).Make(progress.Index);
        progress.Failed++;
        Worker.Show(options, reader, progress.Index, mutant, string.Create(CultureInfo.InvariantCulture, $"the process ended with {code}"), progress.Failed);
        progress.Index++;
    }
}
