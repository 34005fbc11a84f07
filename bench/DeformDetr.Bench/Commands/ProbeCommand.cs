using System.CommandLine;
using System.Numerics;

namespace DeformDetr.Bench;

/// <summary>
/// What the cores can do: the peak that everything else is measured against, how it grows with threads, and how far apart the cores are.
/// </summary>
internal static class ProbeCommand
{
    public static Command Create()
    {
        Option<int> rounds = BenchOptions.Rounds(5);
        Option<bool> json = BenchOptions.Json();
        Command command = new("probe", "Peak of fused multiply-add, on one thread and on all; what a cache line takes between two cores") { rounds, json };
        command.SetAction(parsed =>
        {
            ReportTable table = new(
                "Peak of fused multiply-add", ("dtype", ""), ("threads", "0"), ("GFLOP/s", "0.0"), ("best", "0.0"), ("scaling", "0.000"));
            Measure<float>(table, "float32", parsed.GetValue(rounds));
            Measure<double>(table, "float64", parsed.GetValue(rounds));
            ReportTable lines = new("A cache line from one core to another", ("ns", "0.0"), ("best", "0.0"));
            if (Environment.ProcessorCount > 1)
            {
                double[] times = [.. Enumerable.Range(0, parsed.GetValue(rounds)).Select(_ => LineProbe.Nanoseconds())];
                lines.Add(Statistics.Median(times), times.Min());
            }

            ReportTable.Print(parsed.GetValue(json), table, lines);
        });
        return command;
    }

    private static void Measure<T>(ReportTable table, string dtype, int rounds)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int[] threads = BenchOptions.Threads;
        PeakProbe.Gflops<T>(threads[^1], 0.1);
        double[][] rates = [.. threads.Select(_ => new double[rounds])];
        for (int round = 0; round < rounds; round++)
        {
            for (int index = 0; index < threads.Length; index++)
            {
                rates[index][round] = PeakProbe.Gflops<T>(threads[index], 0.3);
            }
        }

        for (int index = 0; index < threads.Length; index++)
        {
            double scaling = Statistics.Median(rates[0].Zip(rates[index], (one, more) => more / one));
            table.Add(dtype, threads[index], Statistics.Median(rates[index]), rates[index].Max(), scaling);
        }
    }
}
