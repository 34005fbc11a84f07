using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Cli;

// One run of a golden case.
internal sealed record CaseJob(GoldenCase Golden, ElementType ElementType, Kernels Kernels);

// Runs golden cases on some threads and shows what became of them in the order of the jobs, each as soon as those before it are there.
internal static class CaseSchedule
{
    // takesAll: jobs that run alone, on all threads; the others run side by side on one thread each. run gets a job and its threads.
    public static TResult[] Run<TResult>(
        IReadOnlyList<CaseJob> jobs, int threads, Func<CaseJob, bool> takesAll, Func<CaseJob, int, TResult> run, Action<string> step,
        Action<TResult>? show)
        where TResult : class
    {
        TResult?[] results = new TResult?[jobs.Count];
        ExceptionDispatchInfo?[] faults = new ExceptionDispatchInfo?[jobs.Count];
        Lock gate = new();
        int shown = 0;

        // One by one: the big cases stand next to each other, and a chunk of them would keep one thread busy alone.
        OrderablePartitioner<int> oneByOne = Partitioner.Create(
            Enumerable.Range(0, jobs.Count).Where(index => !takesAll(jobs[index])), EnumerablePartitionerOptions.NoBuffering);
        ParallelOptions sideBySide = new() { MaxDegreeOfParallelism = threads };
        Parallel.ForEach(oneByOne, sideBySide, (index, state) => RunOne(index, 1, state.Stop));
        if (!faults.Any(fault => fault is not null))
        {
            bool go = true;
            foreach (int index in Enumerable.Range(0, jobs.Count).Where(index => takesAll(jobs[index])).TakeWhile(_ => go))
            {
                RunOne(index, threads, () => go = false);
            }
        }

        Array.Find(faults, fault => fault is not null)?.Throw();
        return results!;

        void RunOne(int index, int share, Action stop)
        {
            CaseJob job = jobs[index];
            try
            {
                TResult result = run(job, share);
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
