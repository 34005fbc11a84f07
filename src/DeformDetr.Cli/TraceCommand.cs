using System.CommandLine;
using System.Diagnostics;
using DeformDetr.Formats;
using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Cli;

internal static class TraceCommand
{
    private const int MostListed = 24;

    public static Command Create(CliConsole console)
    {
        Option<string[]> input = CliOptions.Inputs();
        Option<string> weights = CliOptions.Weights();
        Option<string?> config = CliOptions.Config();
        Option<string?> variant = CliOptions.Variant();
        Option<string> dtype = CliOptions.DType();
        Option<string> kernels = CliOptions.KernelBodies();
        Option<int?> threads = CliOptions.Threads();
        Option<string[]> taps = CliOptions.NotEmpty(new Option<string[]>("--taps")
        {
            Description = "Names of tensors to write: * is any run of characters, dots too, ? is one; may repeat [default: every tensor]",
            HelpName = "GLOB",
            Arity = ArgumentArity.OneOrMore,
        });
        Option<string?> output = CliOptions.Out("T.safetensors", "The trace");
        output.Required = true;
        Option<bool> json = CliOptions.Json();
        Command command = new(
            "trace", "Write every named tensor of one run to a file, as it is computed, and print the fingerprint of the outputs.")
        {
            input, weights, config, variant, dtype, kernels, threads, taps, output, json,
        };
        command.SetAction(parsed =>
        {
            (WeightSource source, RunConfiguration run) = CliOptions.Model(
                console, parsed.GetRequiredValue(weights), parsed.GetValue(config), parsed.GetValue(variant));
            TraceRequest request = new(
                parsed.GetRequiredValue(input), source, run.Config, run.Preprocess,
                CliOptions.DTypes(parsed.GetRequiredValue(dtype))[0], CliOptions.Bodies(parsed.GetRequiredValue(kernels))[0],
                CliOptions.Cores(parsed.GetValue(threads)),
                parsed.GetValue(taps) ?? [], parsed.GetRequiredValue(output)!);
            return CliOptions.OrGuessed(
                source, parsed.GetValue(config), parsed.GetValue(variant), () => Run(console, request, parsed.GetValue(json)));
        });
        return command;
    }

    private static int Run(CliConsole console, TraceRequest request, bool json)
    {
        Stopwatch clock = Stopwatch.StartNew();
        (int written, string fingerprint) = console.Track("trace", 0, step => TraceRun.Run(request, step));
        TimeSpan time = clock.Elapsed;
        using TensorFile trace = TensorFile.Open(request.OutPath);
        string dtype = request.ElementType.Word();
        string kernels = CliOptions.WordOf(request.Kernels);
        if (json)
        {
            console.Json(writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("out", request.OutPath);
                writer.WriteString("dtype", dtype);
                writer.WriteString("kernels", kernels);
                writer.WriteNumber("threads", request.Threads);
                writer.WriteNumber("seconds", Math.Round(time.TotalSeconds, 3));
                writer.WriteStartArray("tensors");
                foreach (TensorEntry entry in trace.Entries)
                {
                    writer.WriteStartObject();
                    writer.WriteString("name", entry.Name);
                    writer.WriteString("dtype", entry.StoredType.Word());
                    CliOptions.WriteShape(writer, entry.Shape);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
                writer.WriteString("fingerprint", fingerprint);
                writer.WriteEndObject();
            });
            return CommandLine.Done;
        }

        if (trace.Entries.Count <= MostListed)
        {
            TextTable table = new(console, new("tensor"), new("dtype"), new("shape")) { Indent = "  " };
            foreach (TensorEntry entry in trace.Entries)
            {
                table.Add(entry.Name, entry.StoredType.Word(), Numbers.Shape(entry.Shape));
            }

            table.WriteAll();
        }

        console.WriteLine($"ran {dtype}, {CliOptions.Describe(request.Kernels, request.Threads)}, {Numbers.Seconds(time)}");
        console.WriteLine(
            $"wrote {Numbers.Count(written, "tensor", "tensors")}, {Numbers.Bytes(new FileInfo(request.OutPath).Length)}, "
            + $"to {OneLine.Printable(request.OutPath)}");
        console.WriteLine($"fingerprint {fingerprint}");
        return CommandLine.Done;
    }
}
