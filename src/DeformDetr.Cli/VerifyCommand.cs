using System.CommandLine;
using System.Diagnostics;
using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Cli;

internal static class VerifyCommand
{
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
        kernels.Description += "; with --bits all is the default";
        Option<int?> threads = CliOptions.Threads("How many threads; small cases run side by side");
        Option<bool> bits = new("--bits")
        {
            Description =
                "Compare the bits of every tensor with golden/fingerprints.json instead: they are the same on every machine, "
                + "traced or not, with any number of threads",
        };
        Option<bool> write = new("--write")
        {
            Description = "With --bits: run all cases of the repository in all ways and write golden/fingerprints.json anew",
        };
        Option<bool> json = CliOptions.Json();
        Command command = new(
            "verify",
            "Run golden cases and judge every tensor against what the original computed: a row per case, "
            + "with the first failing tensor in the order of computation, and the worst.")
        {
            cases, dtype, kernels, threads, bits, write, json,
        };
        command.SetAction(parsed =>
        {
            string[] folders = parsed.GetValue(cases) ?? [];
            bool given = parsed.GetResult(kernels) is { Implicit: false };
            IReadOnlyList<ElementType> elements = CliOptions.DTypes(parsed.GetRequiredValue(dtype));
            IReadOnlyList<Kernels> bodies = CliOptions.Bodies(
                parsed.GetValue(bits) && !given ? "all" : parsed.GetRequiredValue(kernels));
            int cores = CliOptions.Cores(parsed.GetValue(threads));
            if (parsed.GetValue(write))
            {
                RequireAll(parsed.GetValue(bits), folders.Length == 0 && elements.Count == 2 && bodies.Count == 2, parsed.GetValue(json));
                return VerifyBits.Write(console, cores);
            }

            List<CaseJob> jobs = Jobs(folders.Length > 0 ? folders : [Repository.Golden()], elements, bodies);
            return parsed.GetValue(bits)
                ? VerifyBits.Run(console, jobs, folders.Length == 0, cores, parsed.GetValue(json))
                : Run(console, jobs, cores, parsed.GetValue(json));
        });
        return command;
    }

    internal static List<CaseJob> Jobs(IReadOnlyList<string> folders, IReadOnlyList<ElementType> elements, IReadOnlyList<Kernels> bodies) =>
    [
        .. from golden in GoldenCase.Find(folders)
           from element in elements
           from body in bodies
           select new CaseJob(golden, element, body),
    ];

    // The file is one thing: part of it written anew would stand beside another part that nobody ran.
    private static void RequireAll(bool bits, bool all, bool json)
    {
        if (!bits || !all || json)
        {
            throw new InvalidDataException(
                "--write stands "
                + (!bits ? "without --bits" : !all ? "with a choice of runs" : "with --json")
                + "; expected 'verify --bits --write', which runs all cases in both precisions with both kernels.");
        }
    }

    private static int Run(CliConsole console, List<CaseJob> jobs, int threads, bool json)
    {
        Stopwatch clock = Stopwatch.StartNew();
        VerifyTable table = new(console, jobs.Max(job => job.Golden.Name.Length));
        if (!json)
        {
            table.WriteHeading();
        }

        // Weights by recipe mean a big model, gigabytes in float64: those take all threads in turn, but for the textbook bodies, which
        // have no use for more than one.
        IReadOnlyList<CaseResult> results = console.Track(
            "verify", jobs.Count, step => CaseSchedule.Run(
                jobs, threads,
                job => job.Kernels == Kernels.Simd && job.Golden.Weights is { IsRecipe: true },
                (job, share) => CaseVerifier.Verify(job.Golden, job.ElementType, job.Kernels, share),
                step, json || console.IsWatched ? null : table.Write));
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
}
