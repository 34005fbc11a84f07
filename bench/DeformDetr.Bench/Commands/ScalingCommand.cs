using System.CommandLine;
using System.Numerics;

namespace DeformDetr.Bench;

/// <summary>What the whole model gains from threads beside what the peak gains from them, and what float64 costs; all in one run.</summary>
internal static class ScalingCommand
{
    private const double LongProbe = 0.25;

    public static Command Create()
    {
        ModelOptions options = new();
        Option<int> rounds = BenchOptions.Rounds(5);
        Option<bool> json = BenchOptions.Json();
        Command command = new("scaling", "The whole model on one thread and on all, in float32 and float64, beside the peak")
        {
            rounds, json,
        };
        options.AddTo(command);
        command.SetAction(parsed =>
        {
            ModelBench.Settings settings = options.Settings(parsed);
            int[] threads = BenchOptions.Threads;
            Timing[] single = Measure<float>("float32");
            Timing[] wide = Measure<double>("float64");

            ReportTable table = new(
                $"{options.Name(parsed)}: threads and precision",
                ("dtype", ""), ("threads", "0"), ("s", "0.000"), ("best", "0.000"), ("speed-up", "0.000"), ("peak's", "0.000"),
                ("speed-up / peak's", "0.000"), ("time / float32's", "0.00"));
            foreach ((string dtype, Timing[] timings) in new[] { ("float32", single), ("float64", wide) })
            {
                foreach ((Timing timing, Timing narrow) in timings.Zip(single))
                {
                    table.Add(
                        dtype, timing.Threads, timing.Median, timing.Least,
                        Ratio(timings[0].Seconds, timing.Seconds), Ratio(timing.Peaks, timings[0].Peaks),
                        Interleaved.Scaling(timings[0], timing), Ratio(timing.Seconds, narrow.Seconds));
                }
            }

            ReportTable.Print(parsed.GetValue(json), table);

            Timing[] Measure<T>(string dtype)
                where T : unmanaged, IBinaryFloatingPointIeee754<T>
            {
                // Operations don't matter: shares are only compared with each other.
                return Interleaved.Measure<T>(
                    threads, parsed.GetValue(rounds), 1,
                    count =>
                    {
                        ModelBench model = options.Load(parsed, settings with { DType = dtype, Threads = count });
                        return () => model.Run();
                    },
                    LongProbe);
            }
        });
        return command;
    }

    // Round by round: what disturbs a round disturbs both.
    private static double Ratio(double[] over, double[] under) => Statistics.Median(over.Zip(under, (a, b) => a / b));
}
