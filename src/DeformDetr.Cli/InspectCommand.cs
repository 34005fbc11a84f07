using System.CommandLine;
using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Cli;

internal static class InspectCommand
{
    public static Command Create(CliConsole console)
    {
        Argument<string> file = CliOptions.NotEmpty(
            new Argument<string>("FILE")
            {
                Description = "A checkpoint (.pth, .safetensors, .bin, .npz, a Hugging Face folder), a trace, or a single array (.npy)",
            });
        Option<bool> json = CliOptions.Json();
        Command command = new(
            "inspect",
            "List the tensors in a file: name, type, shape, minimum, maximum, mean, how many elements are not finite, and a checksum.")
        {
            file, json,
        };
        command.SetAction(parsed => Run(console, parsed.GetRequiredValue(file), parsed.GetValue(json)));
        return command;
    }

    private static int Run(CliConsole console, string path, bool json)
    {
        using TensorFile file = TensorFile.Open(path);

        // One tensor in memory at a time; what is kept is four numbers of each.
        List<(TensorEntry Entry, TensorStatistics Statistics, string Sha256)> rows = console.Track("inspect", file.Entries.Count, step =>
        {
            List<(TensorEntry, TensorStatistics, string)> found = [];
            foreach (TensorEntry entry in file.Entries)
            {
                step(entry.Name);
                Tensor tensor = file.Read(entry.Name);
                found.Add((entry, TensorStatistics.Of(tensor), CheckpointConverter.Sha256(tensor)));
            }

            return found;
        });
        if (json)
        {
            console.Json(writer => Write(writer, file, rows));
            return CommandLine.Done;
        }

        TextTable table = new(
            console, new("tensor"), new("dtype"), new("shape"), new("min", true), new("max", true), new("mean", true),
            new("non-finite", true), new("sha256"));
        foreach ((TensorEntry entry, TensorStatistics s, string sha256) in rows)
        {
            table.Add(
                OneLine.Printable(entry.Name), entry.StoredType.Word(), Numbers.Shape(entry.Shape),
                Numbers.Statistic(s.Minimum), Numbers.Statistic(s.Maximum), Numbers.Statistic(s.Mean),
                new TextTable.Cell(Numbers.Count(s.NonFinite), s.NonFinite == 0 ? Styles.Faint : Styles.Bad),
                sha256[..16]);
        }

        table.WriteAll();
        foreach ((string key, string value) in file.Metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            console.WriteLine($"metadata {OneLine.Printable(key)}: {OneLine.Printable(value)}");
        }

        console.WriteLine(
            $"{OneLine.Printable(path)}: {Numbers.Count(rows.Count, "tensor", "tensors")}, "
            + $"{Numbers.Count(rows.Sum(row => (long)row.Entry.Shape.ElementCount))} elements, "
            + $"{Numbers.Bytes(rows.Sum(row => row.Entry.ByteLength))}");
        return CommandLine.Done;
    }

    private static void Write(
        Utf8JsonWriter json, TensorFile file, List<(TensorEntry Entry, TensorStatistics Statistics, string Sha256)> rows)
    {
        json.WriteStartObject();
        json.WriteString("file", file.Path);
        json.WriteStartObject("metadata");
        foreach ((string key, string value) in file.Metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            json.WriteString(key, value);
        }

        json.WriteEndObject();
        json.WriteStartArray("tensors");
        foreach ((TensorEntry entry, TensorStatistics s, string sha256) in rows)
        {
            json.WriteStartObject();
            json.WriteString("name", entry.Name);
            json.WriteString("dtype", entry.StoredType.Word());
            CliOptions.WriteShape(json, entry.Shape);
            Statistic(json, "min", s.Minimum);
            Statistic(json, "max", s.Maximum);
            Statistic(json, "mean", s.Mean);
            json.WriteNumber("non_finite", s.NonFinite);
            json.WriteString("sha256", sha256);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    // Null where no element is finite.
    private static void Statistic(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsNaN(value))
        {
            json.WriteNull(name);
        }
        else
        {
            json.WriteNumberOrWord(name, value);
        }
    }
}
