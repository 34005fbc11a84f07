using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Cli;

internal static class VerifyCommand
{
    private sealed record Job(GoldenCase Golden, ElementType ElementType, Kernels Kernels);

    public static Command Create(CliConsole console)
    {
        Argument<string[]> cases = CliOptions.NotEmpty(new Argument<string[]>("CASE")
        {
            Description =
                "Golden cases: folders with a case.json, or folders that are searched for them [default: golden/ of the repository]",
            Arity = ArgumentArity.ZeroOrMore,
        });
        Option<string> dtype = CliOptions.DType(orAll: true);
        Option<string> kernels = CliOptions.KernelBodies(orAll: true);
        Option<int?> threads = CliOptions.Threads("How many threads; small cases run side by side");
        Option<bool> json = CliOptions.Json();
        Command command = new(
            "verify",
            "Run golden cases and judge every tensor against what the original computed: a row per case, "
            + "with the first failing tensor in the order of computation, and the worst.")
        {
            cases, dtype, kernels, threads, json,
        };
        command.SetAction(parsed =>
        {
            string[] folders = parsed.GetValue(cases) ?? [];
            List<Job> jobs =
            [
                .. from golden in GoldenCase.Find(folders.Length > 0 ? folders : [Repository.Golden()])
                   from element in CliOptions.DTypes(parsed.GetRequiredValue(dtype))
                   from body in CliOptions.Bodies(parsed.GetRequiredValue(kernels))
                   select new Job(golden, element, body),
            ];
            return Run(console, jobs, CliOptions.Cores(parsed.GetValue(threads)), parsed.GetValue(json));
        });
        return command;
    }

    private static int Run(CliConsole console, List<Job> jobs, int threads, bool json)
    {
        Stopwatch clock = Stopwatch.StartNew();
        VerifyTable table = new(console, jobs.Max(job => job.Golden.Name.Length));
        if (!json)
        {
            table.WriteHeading();
        }

        IReadOnlyList<CaseResult> results = console.Track(
            "verify", jobs.Count, step => Results(jobs, threads, step, json || console.IsWatched ? null : table.Write));
        if (json)
        {
            console.Json(writer => VerifyReport.WriteTo(writer, results));
        }
        else
        {
            if (console.IsWatched)
            {
                foreach (CaseResult result in results)
                {
                    table.Write(result);
                }
            }

            table.WriteTotals(jobs.Select(job => job.Golden).Distinct().Count(), results, clock.Elapsed);
        }

        return results.All(result => result.Passed) ? CommandLine.Done : CommandLine.Failed;
    }

    // Shown in the order of the jobs, each as soon as those before it are there.
    private static CaseResult[] Results(List<Job> jobs, int threads, Action<string> step, Action<CaseResult>? show)
    {
        CaseResult?[] results = new CaseResult?[jobs.Count];
        ExceptionDispatchInfo?[] faults = new ExceptionDispatchInfo?[jobs.Count];
        Lock gate = new();
        int shown = 0;

        // Small cases side by side on one thread each. Weights by recipe mean a big model, gigabytes in float64: those take all threads in
        // turn, but for the textbook bodies, which have no use for more than one.
        bool TakesAll(int index) => jobs[index].Kernels == Kernels.Simd && jobs[index].Golden.Weights is { IsRecipe: true };

        // One by one: the big cases stand next to each other, and a chunk of them would keep one thread busy alone.
        OrderablePartitioner<int> oneByOne = Partitioner.Create(
            Enumerable.Range(0, jobs.Count).Where(index => !TakesAll(index)), EnumerablePartitionerOptions.NoBuffering);
        Parallel.ForEach(oneByOne, new ParallelOptions { MaxDegreeOfParallelism = threads }, (index, state) => Run(index, 1, state.Stop));
        if (!faults.Any(fault => fault is not null))
        {
            bool go = true;
            foreach (int index in Enumerable.Range(0, jobs.Count).Where(TakesAll).TakeWhile(_ => go))
            {
                Run(index, threads, () => go = false);
            }
        }

        Array.Find(faults, fault => fault is not null)?.Throw();
        return results!;

        void Run(int index, int share, Action stop)
        {
            Job job = jobs[index];
            try
            {
                CaseResult result = CaseVerifier.Verify(job.Golden, job.ElementType, job.Kernels, share);
                lock (gate)
                {
                    results[index] = result;
                    step(job.Golden.Name);
                    for (; show is not null && shown < jobs.Count && results[shown] is { } next; shown++)
                    {
                        show(next);
                    }
                }
            }
            catch (Exception exception)
            {
                // Shapes that disagree are said by operators, which don't know the case.
                faults[index] = ExceptionDispatchInfo.Capture(
                    exception is ArgumentException && OneLine.Of(exception) is { } line
                        ? new InvalidDataException($"{job.Golden.Folder}: {line}", exception)
                        : exception);
                stop();
            }
        }
    }
}
