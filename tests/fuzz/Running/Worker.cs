using System.Globalization;

namespace DeformDetr.Fuzz;

// The process in which readers run: what breaks it breaks it alone.
internal static class Worker
{
    // What can't be stopped is ended.
    private static readonly TimeSpan Hanging = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private const int MostShown = 25;

    public static int Run(Options options)
    {
        using Scratch scratch = new();
        using Progress progress = new(options.Progress!);
        Watch(progress);
        Plan plan = new(AllReaders.Create(options.Readers[0], scratch), options.Seed);
        Reader reader = plan.Reader;
        double before = progress.Seconds;
        DateTime end = options.Seconds is { } seconds ? DateTime.UtcNow.AddSeconds(seconds) : DateTime.MaxValue;
        for (long index = progress.Index; index < options.Files && DateTime.UtcNow < end; index++)
        {
            progress.Index = index;
            Mutant mutant = plan.Make(index);
            Verdict verdict = Judge.Of(reader, mutant);
            switch (verdict.Outcome)
            {
                case Outcome.Read: progress.ReadCount++; break;
                case Outcome.Refused: progress.Refused++; break;
                default:
                    progress.Failed++;
                    Show(options, reader, index, mutant, verdict.Failure!, progress.Failed);
                    break;
            }

            double perByte = (double)(verdict.Allocated - reader.AllocationAtLeast) / Math.Max(1, mutant.Content.Length);
            progress.MostPerByte = Math.Max(progress.MostPerByte, perByte);
            progress.MostAtLeast = Math.Max(progress.MostAtLeast, verdict.Allocated - ((long)reader.AllocationPerByte * mutant.Content.Length));
            progress.Seconds = before + Environment.CpuUsage.TotalTime.TotalSeconds;
            progress.Index = index + 1;
        }

        return 0;
    }

    public static void Show(Options options, Reader reader, long index, Mutant mutant, string failure, long count)
    {
        if (count <= MostShown)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"FAILED {reader.Name} file {index} ({mutant.Class}, {mutant.Content.Length} bytes): {failure}"));
        }

        if (options.Keep is { } folder && count <= 10 * MostShown)
        {
            Directory.CreateDirectory(folder);
            File.WriteAllBytes(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{reader.Name}-{options.Seed}-{index}")), mutant.Content);
        }
    }

    // Ends the process when one file takes its reader's processor time without end.
    private static void Watch(Progress progress)
    {
        if (ThreadTime.Self() is not { } thread)
        {
            return;
        }

        Thread watch = new(() =>
        {
            long seen = -1;
            TimeSpan since = TimeSpan.Zero;
            while (true)
            {
                Thread.Sleep(Pause);
                if (progress.Index != seen)
                {
                    (seen, since) = (progress.Index, ThreadTime.Of(thread));
                }
                else if (ThreadTime.Of(thread) - since > Hanging)
                {
                    Environment.FailFast("fuzz: a file without end");
                }
            }
        })
        { IsBackground = true };
        watch.Start();
    }
}
