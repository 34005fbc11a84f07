using System.CommandLine;
using System.Diagnostics;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Bench;

/// <summary>The attention core at the encoder's size, and how its time grows.</summary>
internal static class CoreCommand
{
    public static Command Create()
    {
        Option<int> rounds = BenchOptions.Rounds(7);
        Option<string?> input = new("--input") { Description = "A .safetensors with the core's tensors, run on demand: for bench/peers" };
        Option<int> threads = BenchOptions.Number("--threads", "With --input", Environment.ProcessorCount);
        Option<bool> json = BenchOptions.Json();
        Command command = new("core", "The attention core at the encoder's size, and over queries, points and levels")
        {
            rounds, input, threads, json,
        };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(input) is { } path)
            {
                Serve(CoreTensors.Read(path), parsed.GetValue(threads));
            }
            else
            {
                Measure(parsed.GetValue(rounds), parsed.GetValue(json));
            }
        });
        return command;
    }

    private static void Serve(CoreTensors tensors, int threads)
    {
        tensors.Agree();
        OperatorContext context = new(Kernels.Simd, threads);
        Tensor<float>? output = null;
        void Run()
        {
            using BufferScope scope = context.Scope();
            output = tensors.Run(context).Clone();
        }

        Worker.Serve(
            () =>
            {
                using BufferScope scope = context.Scope();
                long start = Stopwatch.GetTimestamp();
                tensors.Run(context);
                return Stopwatch.GetElapsedTime(start).TotalSeconds;
            },
            path =>
            {
                Run();
                SafetensorsWriter.Save(path, [("output", output!)]);
            },
            () => Convert.ToHexStringLower(Oracle.Fingerprint.OfTensor("output", output!)));
    }

    private static void Measure(int rounds, bool json)
    {
        ReportTable size = new(
            "Attention core, 22 223 queries, 8 heads of 32, 4 levels, 4 points",
            ("threads", "0"), ("ms", "0.00"), ("best", "0.00"), ("ns a sample", "0.00"), ("samples", "0"));
        CoreTensors encoder = CoreTensors.Encoder();
        encoder.Agree();
        foreach (Timing timing in Time(encoder, BenchOptions.Threads, rounds))
        {
            size.Add(timing.Threads, timing.Median * 1e3, timing.Least * 1e3, timing.Median * 1e9 / encoder.Samples, (int)encoder.Samples);
        }

        // One thing grows at a time; what a sample adds should stay what it is.
        ReportTable growth = new(
            "Attention core, one thread: what grows",
            ("axis", ""), ("queries", "0"), ("levels", "0"), ("points", "0"), ("samples", "0"), ("ms", "0.00"), ("ns a sample", "0.00"),
            ("ns an added sample", "0.00"));
        Grow(growth, "queries", [[2778, 4, 4], [5556, 4, 4], [11112, 4, 4], [22223, 4, 4], [44446, 4, 4]], rounds);
        Grow(growth, "points", [[22223, 4, 1], [22223, 4, 2], [22223, 4, 4], [22223, 4, 8], [22223, 4, 16]], rounds);
        Grow(growth, "levels", [[22223, 1, 4], [22223, 2, 4], [22223, 3, 4], [22223, 4, 4]], rounds);
        ReportTable.Print(json, size, growth);
    }

    private static void Grow(ReportTable table, string axis, int[][] rows, int rounds)
    {
        List<(int[] Row, CoreTensors Tensors)> sizes = [.. rows.Select(row => (row, CoreTensors.Encoder(row[0], row[1], row[2])))];

        // In turns: sizes of one axis are compared with each other.
        Action[] bodies = [.. sizes.Select(size => Body(size.Tensors, 1))];
        int[] repeats = [.. bodies.Select(Interleaved.Repeats)];
        double[][] seconds = [.. bodies.Select(_ => new double[rounds])];
        for (int round = 0; round < rounds; round++)
        {
            for (int index = 0; index < bodies.Length; index++)
            {
                seconds[index][round] = Interleaved.Time(bodies[index], repeats[index]);
            }
        }

        double previous = 0;
        long previousSamples = 0;
        for (int index = 0; index < rows.Length; index++)
        {
            int[] row = rows[index];
            long samples = sizes[index].Tensors.Samples;
            double time = Statistics.Median(seconds[index]);
            table.Add(
                axis, row[0], row[1], row[2], (int)samples, time * 1e3, time * 1e9 / samples,
                index == 0 ? double.NaN : (time - previous) * 1e9 / (samples - previousSamples));
            (previous, previousSamples) = (time, samples);
        }
    }

    private static Timing[] Time(CoreTensors tensors, int[] threads, int rounds) =>
        Interleaved.Measure<float>(threads, rounds, double.NaN, count => Body(tensors, count));

    private static Action Body(CoreTensors tensors, int threads)
    {
        OperatorContext context = new(Kernels.Simd, threads);
        return () =>
        {
            using BufferScope scope = context.Scope();
            tensors.Run(context);
        };
    }
}
