using System.CommandLine;
using System.Diagnostics;
using System.Text.RegularExpressions;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Bench;

/// <summary>Where the time of one forward pass goes, by the names of the tensors that it computes.</summary>
internal static partial class ElementsCommand
{
    public static Command Create()
    {
        ModelOptions options = new();
        Option<int> rounds = BenchOptions.Rounds(3);
        Option<bool> each = new("--each") { Description = "One row per tensor; by default layers of one kind are one row" };
        Option<bool> json = BenchOptions.Json();
        Command command = new("elements", "Time between the named tensors of a pass: what comes before a name is its time")
        {
            rounds, each, json,
        };
        options.AddTo(command);
        command.SetAction(parsed =>
        {
            ModelBench model = options.Load(parsed);
            double[] plain = new double[parsed.GetValue(rounds)];
            model.Run();
            for (int round = 0; round < plain.Length; round++)
            {
                plain[round] = model.Run();
            }

            Watching watching = new();
            List<List<(string Name, double Seconds)>> runs = [];
            model.Run(watching);
            for (int round = 0; round < plain.Length; round++)
            {
                watching.Begin();
                model.Run(watching);
                runs.Add(watching.Steps);
            }

            ReportTable.Print(parsed.GetValue(json), Table(runs, plain, parsed.GetValue(each)));
        });
        return command;
    }

    private static ReportTable Table(List<List<(string Name, double Seconds)>> runs, double[] plain, bool each)
    {
        ReportTable table = new("Time up to each named tensor", ("tensor", ""), ("times", "0"), ("ms", "0.00"), ("of all", "0.0%"));
        double all = Statistics.Median(runs.Select(run => run.Sum(step => step.Seconds)));
        List<(string Name, int Count, double Seconds)> rows = [.. runs[0]
            .Select(step => Kind(step.Name, each))
            .Distinct(StringComparer.Ordinal)
            .Select(kind => (
                kind,
                runs[0].Count(step => Kind(step.Name, each) == kind),
                Statistics.Median(runs.Select(run => run.Where(step => Kind(step.Name, each) == kind).Sum(step => step.Seconds)))))];
        foreach ((string name, int count, double seconds) in rows.OrderByDescending(row => each ? 0 : row.Seconds))
        {
            table.Add(name, count, seconds * 1e3, seconds / all);
        }

        table.Add("all", runs[0].Count, all * 1e3, 1.0);
        table.Add("a run that nobody watches", double.NaN, Statistics.Median(plain) * 1e3, Statistics.Median(plain) / all);
        return table;
    }

    // Layers of one kind: backbone.0.body.layer1.*.conv2, transformer.encoder.layers.*.norm1.
    private static string Kind(string name, bool each) => each ? name : Index().Replace(name, ".*");

    [GeneratedRegex(@"(?<!backbone|conv|norm|linear)\.\d+(?=\.|$)")]
    private static partial Regex Index();

    // Wants nothing, so that fused kernels stay fused, and notes when it was asked.
    private sealed class Watching : ITapSink
    {
        private long _last;

        public List<(string Name, double Seconds)> Steps { get; private set; } = [];

        public void Begin() => (Steps, _last) = ([], Stopwatch.GetTimestamp());

        public bool Wants(string name)
        {
            long now = Stopwatch.GetTimestamp();
            Steps.Add((name, Stopwatch.GetElapsedTime(_last, now).TotalSeconds));
            _last = Stopwatch.GetTimestamp();
            return false;
        }

        public Tensor<T> See<T>(string name, Tensor<T> tensor)
            where T : unmanaged => tensor;
    }
}
