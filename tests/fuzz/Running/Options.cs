using System.Globalization;

namespace DeformDetr.Fuzz;

/// <summary>What the command line says.</summary>
/// <param name="Readers">Which readers.</param>
/// <param name="Files">Files for each of them.</param>
/// <param name="Seed">Other seeds make other files.</param>
/// <param name="Seconds">How long at most, for each reader; null for as long as it takes.</param>
/// <param name="Keep">A folder for files that a reader failed on; null for none.</param>
/// <param name="Jobs">Readers at a time.</param>
/// <param name="Progress">For a worker: where it counts.</param>
internal sealed record Options(IReadOnlyList<string> Readers, long Files, ulong Seed, double? Seconds, string? Keep, int Jobs, string? Progress)
{
    public const string Usage =
        """
        fuzz [--reader NAME]... [--files N] [--seed S] [--seconds T] [--keep DIR] [--jobs J]
          --reader   safetensors, npz, png ...; all of them unless given
          --files    files in all, evenly over the readers; 1000000 unless given
          --seed     a number; the same number makes the same files; 1 unless given
          --seconds  how long at most, in all
          --keep     a folder for the files that a reader failed on
          --jobs     readers at a time; as many as processors unless given
        """;

    public static Options Parse(string[] arguments)
    {
        List<string> readers = [];
        long files = 1_000_000;
        ulong seed = 1;
        double? seconds = null;
        string? keep = null;
        string? progress = null;
        int jobs = Environment.ProcessorCount;
        for (int index = 0; index < arguments.Length; index += 2)
        {
            string value = index + 1 < arguments.Length ? arguments[index + 1] : throw new ArgumentException($"{arguments[index]} has no value.");
            switch (arguments[index])
            {
                case "--reader":
                    readers.Add(AllReaders.Names.Contains(value) ? value : throw new ArgumentException($"--reader holds '{value}'; expected {string.Join(", ", AllReaders.Names)}."));
                    break;
                case "--files": files = long.Parse(value, CultureInfo.InvariantCulture); break;
                case "--seed": seed = ulong.Parse(value, CultureInfo.InvariantCulture); break;
                case "--seconds": seconds = double.Parse(value, CultureInfo.InvariantCulture); break;
                case "--keep": keep = value; break;
                case "--jobs": jobs = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "--progress": progress = value; break;
                default: throw new ArgumentException($"'{arguments[index]}' is unknown.");
            }
        }

        return new Options(readers.Count == 0 ? AllReaders.Names : readers, files, seed, seconds, keep, jobs, progress);
    }

    // As a worker is called with them.
    public IEnumerable<string> ToArguments(string reader, string progress, long files, double? seconds)
    {
        string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
        return
        [
            "--reader", reader, "--files", Text(files), "--seed", Text(Seed), "--progress", progress,
            .. seconds is { } most ? new[] { "--seconds", Text(most) } : [], .. Keep is { } folder ? new[] { "--keep", folder } : [],
        ];
    }
}
