using System.Diagnostics;
using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Cli;

// verify --bits: the same bits as on the machine that wrote golden/fingerprints.json?
internal static class VerifyBits
{
    private const string FileName = "fingerprints.json";

    // whole: all cases of the repository were asked for, so that one that is gone is noticed.
    public static int Run(CliConsole console, IReadOnlyList<CaseJob> jobs, bool whole, int threads, bool json)
    {
        Stopwatch clock = Stopwatch.StartNew();
        FingerprintFile file = FingerprintFile.Load(Path.Combine(Repository.Golden(), FileName));
        BitsTable table = new(console, jobs.Select(job => job.Golden.Name).Concat(whole ? file.Cases : []).Max(name => name.Length));
        if (!json)
        {
            console.WriteLine($"{Machine.Description}, {Numbers.Count(threads, "thread", "threads")}");
            table.WriteHeading();
        }

        bool live = !json && !console.IsWatched;
        List<BitsResult> results =
        [
            .. console.Track(
                "verify", jobs.Count, step => CaseSchedule.Run(
                    jobs, threads, TakesAll,
                    (job, share) => BitsVerifier.Verify(file, job.Golden, job.ElementType, job.Kernels, share),
                    step, live ? table.Write : null)),
        ];
        IReadOnlyList<BitsResult> missing = whole
            ? BitsVerifier.Missing(file, jobs.Select(job => job.Golden), [.. jobs.Select(job => (job.ElementType, job.Kernels)).Distinct()])
            : [];
        IEnumerable<BitsResult> unseen = live ? missing : results.Concat(missing);
        if (!json)
        {
            unseen.ToList().ForEach(table.Write);
        }

        results.AddRange(missing);
        if (json)
        {
            console.Json(writer => BitsReport.WriteTo(writer, results));
        }
        else
        {
            table.WriteTotals(results, clock.Elapsed);
        }

        return results.All(result => result.Passed) ? CommandLine.Done : CommandLine.Failed;
    }

    // Runs everything and writes the file; says which cases have other bits than in the file that stood there.
    public static int Write(CliConsole console, int threads)
    {
        string path = Path.Combine(Repository.Golden(), FileName);
        List<CaseJob> jobs = VerifyCommand.Jobs(
            [Repository.Golden()], [ElementType.Float32, ElementType.Float64], [Kernels.Simd, Kernels.Textbook]);
        IReadOnlyList<TensorFingerprint>[] runs = console.Track(
            "fingerprints", jobs.Count, step => CaseSchedule.Run(jobs, threads, TakesAll, Fingerprints, step, null));
        FingerprintFile file = new();
        int each = FingerprintFile.Runs.Count;
        for (int from = 0; from < jobs.Count; from += each)
        {
            file.Add(jobs[from].Golden.Name, CaseFingerprints.InputsHash(jobs[from].Golden), runs[from..(from + each)]);
        }

        FingerprintFile? before = File.Exists(path) ? FingerprintFile.Load(path) : null;
        file.Save(path);
        console.WriteLine(
            $"wrote {Numbers.Count(file.Cases.Count, "case", "cases")}, {Numbers.Count(file.TensorCount, "tensor", "tensors")} in "
            + $"{Numbers.Count(each)} runs each, {Numbers.Bytes(new FileInfo(path).Length)}, to {OneLine.Printable(path)}");
        if (before is not null)
        {
            string[] changed = [.. file.Changed(before)];
            console.WriteLine(
                $"{Numbers.Count(changed.Length, "case differs", "cases differ")} from the file before"
                + (changed.Length > 0 ? $": {OneLine.Printable(string.Join(", ", changed))}" : ""));
        }

        console.WriteLine("golden/manifest.json lists its hash: 'python3 golden/dump_golden.py --manifest' writes that anew");

        return CommandLine.Done;
    }

    // A case runs on as many threads as it is to be checked with; the textbook bodies have no use for more than one.
    private static bool TakesAll(CaseJob job) => job.Kernels == Kernels.Simd;

    // What is written must not depend on who listens.
    private static IReadOnlyList<TensorFingerprint> Fingerprints(CaseJob job, int threads)
    {
        IReadOnlyList<TensorFingerprint> traced = CaseFingerprints.Run(job.Golden, job.ElementType, job.Kernels, threads, traced: true);
        IReadOnlyList<TensorFingerprint> untraced = CaseFingerprints.Run(job.Golden, job.ElementType, job.Kernels, threads, traced: false);
        TensorBits? first = BitsVerifier.Compare(traced, untraced, traced: false).FirstOrDefault(tensor => !tensor.Equal);
        return first is null
            ? traced
            : throw new InvalidDataException(
                $"{job.Golden.Folder}: {first.Tensor} of the {job.ElementType.Word()} {CliOptions.WordOf(job.Kernels)} run has other bits "
                + "when only outputs are listened to; expected the same, and wrote nothing.");
    }
}
