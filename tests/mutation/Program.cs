using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace DeformDetr.Mutation;

internal static class Program
{
    public static int Main(string[] arguments)
    {
        string root = Root();
        string list = Path.Combine(root, "tests", "mutation", "mutants.txt");
        string results = Path.Combine(root, "tests", "mutation", "results.json");
        switch (arguments)
        {
            case ["probe", "laws"]: return Probe.Laws();
            case ["probe", "goldens", string at]: return Probe.Goldens(at);
            case ["run", .. string[] which]: return Run(root, Mutant.Read(list), results, which);
            case ["check", .. string[] which]: return Check(root, Mutant.Read(list), which);
            case ["tables"]:
                Tables.Write(root, Mutant.Read(list), Results.Read(results));
                return 0;
            default:
                Console.Error.WriteLine("mutation: expected 'check', 'run [--workers N] [number …]' or 'tables' (tests/mutation/README.md).");
                return 2;
        }
    }

    // Every fault can be planted, and compiles.
    private static int Check(string root, IReadOnlyList<Mutant> all, string[] which)
    {
        Mutant[] mutants = [.. all.Where(mutant => which.Length == 0 || which.Contains(mutant.Number.ToString(CultureInfo.InvariantCulture)))];
        ConcurrentDictionary<string, Compiler> compilers = new(StringComparer.Ordinal);
        string output = Path.GetTempFileName();
        int wrong = 0;
        foreach (Mutant mutant in mutants)
        {
            string? fault;
            try
            {
                fault = compilers.GetOrAdd(mutant.Project, project => new Compiler(root, project))
                    .Compile(mutant.File, mutant.Plant(File.ReadAllText(Path.Combine(root, mutant.File))), output);
            }
            catch (InvalidDataException exception)
            {
                fault = exception.Message;
            }

            if (fault is not null)
            {
                Console.WriteLine($"{mutant.Number} {mutant.What}: {fault}");
                wrong++;
            }
        }

        File.Delete(output);
        Console.WriteLine($"{mutants.Length} faults, {mutants.Count(mutant => mutant.Equivalent is not null)} of them equivalent, {wrong} can't be planted");
        return wrong == 0 ? 0 : 1;
    }

    // Goes on where the last run ended: what the results have with the same text is left out, unless it is asked for by its number.
    private static int Run(string root, IReadOnlyList<Mutant> mutants, string path, string[] arguments)
    {
        int workers = arguments is ["--workers", string count, ..] ? int.Parse(count, CultureInfo.InvariantCulture) : 1;
        int[] numbers = [.. arguments.Skip(arguments is ["--workers", ..] ? 2 : 0).Select(word => int.Parse(word, CultureInfo.InvariantCulture))];
        Results results = Results.Read(path);
        Queue<Mutant> open = new(mutants.Where(mutant => numbers.Length == 0 ? !results.Has(mutant) : numbers.Contains(mutant.Number)));
        Console.WriteLine($"{open.Count} of {mutants.Count} faults to try, {workers} at a time");
        ConcurrentDictionary<string, Compiler> compilers = new(StringComparer.Ordinal);
        int all = open.Count;
        int done = 0;
        Stopwatch clock = Stopwatch.StartNew();
        Lock gate = new();
        Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, _ =>
        {
            using Worker worker = new();
            IReadOnlyList<string>[] healthy = [worker.Probe("goldens", root)];
            if (healthy.Any(noticed => noticed.Count > 0))
            {
                throw new InvalidDataException($"mutation: without a fault {healthy[0][0]} fails; expected a healthy repository, built as it stands.");
            }

            while (true)
            {
                Mutant mutant;
                lock (gate)
                {
                    if (open.Count == 0)
                    {
                        return;
                    }

                    mutant = open.Dequeue();
                }

                string source = mutant.Plant(File.ReadAllText(Path.Combine(root, mutant.File)));
                Compiler compiler;
                lock (compilers)
                {
                    compiler = compilers.GetOrAdd(mutant.Project, project => new Compiler(root, project));
                }

                string? fault = compiler.Compile(mutant.File, source, worker.Assembly(mutant.Project));
                IReadOnlyList<string> laws = fault is null ? worker.Probe("laws") : [];
                IReadOnlyList<string> goldens = fault is null ? worker.Probe("goldens", root) : [];
                worker.Restore(mutant.Project);
                lock (gate)
                {
                    done++;
                    if (fault is null)
                    {
                        results.Set(mutant, laws, goldens);
                        results.Save();
                    }

                    double left = clock.Elapsed.TotalMinutes / done * (all - done);
                    Console.WriteLine(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{done}/{all} #{mutant.Number} {mutant.What}: {fault ?? $"{Word(laws)} by {laws.Count} laws, {Word(goldens)} by goldens"} ({left:0} min left)"));
                }
            }
        });
        return 0;
    }

    private static string Word(IReadOnlyList<string> noticed) => noticed.Count == 0 ? "SURVIVES" : "killed";

    private static string Root()
    {
        for (DirectoryInfo? folder = new(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "DeformDetr.Reference.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidDataException("mutation: no folder above holds DeformDetr.Reference.sln; expected to be run inside the repository.");
    }
}
