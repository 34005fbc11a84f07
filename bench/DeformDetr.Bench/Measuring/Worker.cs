using System.Text.Json;

namespace DeformDetr.Bench;

/// <summary>
/// The side of bench/peers that we are: it is told over standard input to run once more (run), or to write the last run's outputs
/// (outputs PATH), and answers each line with one line of JSON. To memory it answers how much it took at most.
/// </summary>
internal static class Worker
{
    /// <summary>Answers until the input ends.</summary>
    /// <param name="run">Runs once and says how many seconds that took.</param>
    /// <param name="writeOutputs">Writes the last run's outputs to a file.</param>
    /// <param name="fingerprint">Of these outputs.</param>
    public static void Serve(Func<double> run, Action<string> writeOutputs, Func<string> fingerprint)
    {
        Answer(writer => writer.WriteBoolean("ready", true));
        while (Console.ReadLine() is { } line)
        {
            if (line == "run")
            {
                double seconds = run();
                Answer(writer => writer.WriteNumber("seconds", seconds));
            }
            else if (line.StartsWith("outputs ", StringComparison.Ordinal))
            {
                writeOutputs(line["outputs ".Length..]);
                string hash = fingerprint();
                Answer(writer => writer.WriteString("fingerprint", hash));
            }
            else if (line == "memory")
            {
                Answer(writer => writer.WriteNumber("peak_mb", Machine.PeakMegabytes()));
            }
            else
            {
                throw new InvalidDataException($"worker: '{line}' is unknown; expected run, outputs PATH or memory.");
            }
        }
    }

    private static void Answer(Action<Utf8JsonWriter> write)
    {
        using (Stream output = Console.OpenStandardOutput())
        using (Utf8JsonWriter writer = new(output))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        Console.Out.WriteLine();
        Console.Out.Flush();
    }
}
