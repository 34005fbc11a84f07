using System.CommandLine;
using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Oracle;

namespace DeformDetr.Cli;

internal static class ConvertCommand
{
    public static Command Create(CliConsole console)
    {
        Argument<string> input = CliOptions.NotEmpty(
            new Argument<string>("IN") { Description = "A checkpoint: .pth, .safetensors, .bin or .npz, or a Hugging Face folder" });
        Argument<string> output = CliOptions.NotEmpty(new Argument<string>("OUT")
        {
            Description = "The file to write: .safetensors, .npz or .pth; with --layout huggingface also a folder",
        });
        Option<string> layout = CliOptions.Layout();
        Option<string?> config = CliOptions.Config();
        Option<string?> variant = CliOptions.Variant();
        Option<bool> json = CliOptions.Json();
        Command command = new(
            "convert",
            "Write a checkpoint in another format, or under the names of another code base, with a checksum of every tensor; "
            + "it must be whole.")
        {
            input, output, layout, config, variant, json,
        };
        command.SetAction(parsed =>
        {
            string from = parsed.GetRequiredValue(input);
            string to = parsed.GetRequiredValue(output);
            if (Path.GetFullPath(from) == Path.GetFullPath(to))
            {
                throw new InvalidDataException($"convert: {from} is read and written; expected two files.");
            }

            CheckpointLayout names = CheckpointLayout.Of(parsed.GetRequiredValue(layout));
            (WeightSource source, RunConfiguration run) = CliOptions.Model(
                console, from, parsed.GetValue(config), parsed.GetValue(variant));
            if (source.Path is not { } path)
            {
                throw new InvalidDataException($"convert: {from} is no file; expected a checkpoint.");
            }

            Conversion done = CliOptions.OrGuessed(
                source, parsed.GetValue(config), parsed.GetValue(variant),
                () => console.Track("convert", 0, step => CheckpointConverter.Run(path, to, names, run.Config, step)));
            foreach (string note in done.Notes)
            {
                console.Error.WriteLine(OneLine.Printable($"deform-detr: note: {to}: {note}."));
            }

            if (parsed.GetValue(json))
            {
                console.Json(writer => Write(writer, done, names));
            }
            else
            {
                Print(console, from, done, names);
            }

            return CommandLine.Done;
        });
        return command;
    }

    private static void Print(CliConsole console, string from, Conversion done, CheckpointLayout layout)
    {
        TextTable table = new(console, new("tensor"), new("dtype"), new("shape"), new("sha256"));
        foreach (ConvertedTensor tensor in done.Tensors)
        {
            table.Add(OneLine.Printable(tensor.Name), tensor.Type.Word(), Numbers.Shape(tensor.Shape), tensor.Sha256[..16]);
        }

        table.WriteAll();
        console.WriteLine($"read {OneLine.Printable(from)}, names of {done.From.Word}");
        console.WriteLine(
            $"wrote {Numbers.Count(done.Tensors.Count, "tensor", "tensors")}, {Numbers.Bytes(new FileInfo(done.Files[0]).Length)}, "
            + $"names of {layout.Word}, to {OneLine.Printable(string.Join(" and ", done.Files))}");
    }

    private static void Write(Utf8JsonWriter json, Conversion done, CheckpointLayout layout)
    {
        json.WriteStartObject();
        json.WriteString("from", done.From.Word);
        json.WriteString("layout", layout.Word);
        json.WriteStartArray("files");
        foreach (string file in done.Files)
        {
            json.WriteStringValue(file);
        }

        json.WriteEndArray();
        json.WriteStartArray("tensors");
        foreach (ConvertedTensor tensor in done.Tensors)
        {
            json.WriteStartObject();
            json.WriteString("name", tensor.Name);
            json.WriteString("original", tensor.Original);
            json.WriteString("dtype", tensor.Type.Word());
            CliOptions.WriteShape(json, tensor.Shape);
            json.WriteString("sha256", tensor.Sha256);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
