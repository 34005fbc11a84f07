using System.CommandLine;
using System.Diagnostics;
using DeformDetr.Formats;
using DeformDetr.Oracle;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Bench;

/// <summary>How long a checkpoint takes to become a model.</summary>
internal static class LoadCommand
{
    public static Command Create()
    {
        Option<string> variant = BenchOptions.Variant();
        Option<string?> config = BenchOptions.Config();
        Option<string> weights = BenchOptions.Weights();
        Option<string?> keep = new("--keep") { Description = "Where a checkpoint made by recipe is written; a temporary file otherwise" };
        Option<int> rounds = BenchOptions.Rounds(7);
        Option<bool> json = BenchOptions.Json();
        Command command = new("load", "Loading a checkpoint: one of a file, or one made by recipe and written first")
        {
            variant, config, weights, keep, rounds, json,
        };
        command.SetAction(parsed =>
        {
            DeformableDetrConfig sizes = BenchOptions.Configuration(parsed.GetValue(config), parsed.GetValue(variant)!);
            WeightSource source = WeightSource.Parse(parsed.GetValue(weights)!);
            string path = source.Path
                ?? parsed.GetValue(keep)
                ?? Path.Combine(Path.GetTempPath(), $"load-{Environment.ProcessId}.safetensors");
            try
            {
                if (source.IsRecipe)
                {
                    Write(path, source, sizes);
                }

                ReportTable.Print(parsed.GetValue(json), Measure(path, sizes, parsed.GetValue(rounds)));
            }
            finally
            {
                if (source.IsRecipe && parsed.GetValue(keep) is null)
                {
                    File.Delete(path);
                }
            }
        });
        return command;
    }

    private static ReportTable Measure(string path, DeformableDetrConfig sizes, int rounds)
    {
        ReportTable table = new(
            "Loading a checkpoint, file in the page cache",
            ("MB", "0.0"), ("first, s", "0.000"), ("median, s", "0.000"), ("best, s", "0.000"), ("peak MB", "0"));
        double first = Time();
        double[] seconds = [.. Enumerable.Range(0, rounds).Select(_ => Time())];
        table.Add(new FileInfo(path).Length / 1e6, first, Statistics.Median(seconds), seconds.Min(), Machine.PeakMegabytes());
        return table;

        double Time()
        {
            GC.Collect();
            long start = Stopwatch.GetTimestamp();
            GC.KeepAlive(new WeightSource(path, 0).Load<float>(sizes));
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    private static void Write(string path, WeightSource source, DeformableDetrConfig sizes)
    {
        List<(string Name, Tensor Tensor)> taken = [];
        source.Load<float, DeformableDetr<float>>(
            sizes.WithBoxRefine, weights => new DeformableDetr<float>(sizes, new Noting(weights, sizes.WithBoxRefine, taken)));
        SafetensorsWriter.Save(path, taken);
    }

    // Notes every tensor that the model takes, once.
    private sealed class Noting(IWeights<float> weights, bool withBoxRefine, List<(string Name, Tensor Tensor)> taken) : IWeights<float>
    {
        private readonly HashSet<string> _names = new(StringComparer.Ordinal);

        public Tensor<float> Take(string name, TensorShape shape)
        {
            Tensor<float> tensor = weights.Take(name, shape);
            if (_names.Add(WeightNames.Canonical(name, withBoxRefine)))
            {
                taken.Add((WeightNames.Canonical(name, withBoxRefine), tensor));
            }

            return tensor;
        }
    }
}
