using System.CommandLine;
using System.Text.Json;

namespace DeformDetr.Bench;

/// <summary>The whole model on one batch.</summary>
internal static class ModelCommand
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    public static Command Create()
    {
        ModelOptions options = new();
        Option<int> repeats = BenchOptions.Number("--repeats", "Runs after the first", 5);
        Option<string?> output = new("--out") { Description = "A .safetensors for the outputs" };
        Option<bool> serve = new("--serve") { Description = "Run when standard input says so: for bench/peers" };
        Command command = new("model", "The whole model: times, peak memory, fingerprint of the outputs") { repeats, output, serve };
        options.AddTo(command);
        command.SetAction(parsed =>
        {
            ModelBench model = options.Load(parsed);
            if (parsed.GetValue(serve))
            {
                Worker.Serve(() => model.Run(), model.WriteOutputs, model.Fingerprint);
                return 0;
            }

            return Measure(model, options.Name(parsed), options.Settings(parsed), parsed.GetValue(repeats), parsed.GetValue(output));
        });
        return command;
    }

    private static int Measure(ModelBench model, string name, ModelBench.Settings settings, int repeats, string? output)
    {
        double loadedPeak = Machine.PeakMegabytes();
        double first = model.Run();
        double firstPeak = Machine.PeakMegabytes();
        string fingerprint = model.Fingerprint();
        double[] seconds = new double[Math.Max(1, repeats)];
        long allocated = GC.GetTotalAllocatedBytes();
        for (int repeat = 0; repeat < seconds.Length; repeat++)
        {
            seconds[repeat] = repeats == 0 ? first : model.Run();
        }

        allocated = (GC.GetTotalAllocatedBytes() - allocated) / seconds.Length;
        bool same = model.Fingerprint() == fingerprint;
        if (output is not null)
        {
            model.WriteOutputs(output);
        }

        using (Stream stream = Console.OpenStandardOutput())
        using (Utf8JsonWriter writer = new(stream, Indented))
        {
            writer.WriteStartObject();
            writer.WriteString("machine", Machine.Describe());
            writer.WriteString("model", name);
            writer.WriteString("samples", model.Samples.ToString());
            writer.WriteString("dtype", settings.DType);
            writer.WriteString("kernels", settings.Kernels.ToString().ToLowerInvariant());
            writer.WriteNumber("threads", settings.Threads);
            writer.WriteNumber("load_seconds", model.LoadSeconds);
            writer.WriteNumber("first_seconds", first);
            writer.WriteStartArray("seconds");
            foreach (double time in seconds)
            {
                writer.WriteNumberValue(time);
            }

            writer.WriteEndArray();
            writer.WriteNumber("median_seconds", Statistics.Median(seconds));
            writer.WriteNumber("least_seconds", seconds.Min());
            writer.WriteNumber("peak_mb_loaded", loadedPeak);
            writer.WriteNumber("peak_mb_first", firstPeak);
            writer.WriteNumber("peak_mb", Machine.PeakMegabytes());
            writer.WriteNumber("allocated_mb_per_run", allocated / 1e6);
            writer.WriteString("fingerprint", fingerprint);
            writer.WriteBoolean("same_bits", same);
            writer.WriteEndObject();
        }

        Console.WriteLine();
        return same ? 0 : 1;
    }
}
