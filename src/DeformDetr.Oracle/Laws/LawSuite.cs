using System.Diagnostics;

namespace DeformDetr.Oracle;

/// <summary>The laws, and how to try them on any implementation.</summary>
public static class LawSuite
{
    // Cases of every law in each call: few at first, so that what is plainly wrong is found at once.
    private static readonly int[] Batches = [1, 4, 20, 50, 100];

    /// <summary>All laws, those of the contract's targets first.</summary>
    public static IReadOnlyList<Law> All { get; } =
        [.. CoreLaws.All, .. AttentionLaws.All, .. TransformerLaws.All, .. ModelLaws.All, .. OperatorLaws.All];

    /// <summary>The laws of a target.</summary>
    /// <param name="target">A target of the golden contract, or an operator.</param>
    public static IReadOnlyList<Law> Of(string target) => [.. All.Where(law => law.Target == target)];

    /// <summary>Tries the laws of a target on an implementation in C#, which is judged as float32.</summary>
    /// <param name="target">ms_deform_attn_core, ms_deform_attn, transformer, model, or an operator that has laws.</param>
    /// <param name="implementation">The implementation.</param>
    /// <param name="options">How; null for the usual.</param>
    /// <exception cref="InvalidDataException">A target or a law that is not known.</exception>
    public static LawReport Check(string target, LawImplementation implementation, LawOptions? options = null) =>
        Check(target, new DelegateSubject(implementation, NoiseUnit.Float32), options ?? new LawOptions());

    /// <summary>Tries the laws of a target on a program that reads and writes safetensors files.</summary>
    /// <param name="target">ms_deform_attn_core, ms_deform_attn, transformer or model.</param>
    /// <param name="command">The command line; {in} and {out} stand for the files.</param>
    /// <param name="timeoutSeconds">How long one case may take; a batch of more may take up to ten times as long.</param>
    /// <param name="options">How; null for the usual.</param>
    /// <exception cref="InvalidDataException">A target or a law that is not known, or a command without {in} or {out}.</exception>
    public static LawReport Check(string target, string command, double timeoutSeconds, LawOptions? options = null)
    {
        foreach (string word in new[] { "{in}", "{out}" })
        {
            if (!command.Contains(word, StringComparison.Ordinal))
            {
                throw new InvalidDataException($"--command holds '{command}'; expected {word} where the program gets its file's name.");
            }
        }

        DirectoryInfo folder = Directory.CreateTempSubdirectory("deform-detr-laws-");
        try
        {
            return Check(target, new CommandSubject(command, timeoutSeconds, folder.FullName), options ?? new LawOptions());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    internal static LawReport Check(string target, ILawSubject subject, LawOptions options)
    {
        Stopwatch clock = Stopwatch.StartNew();
        IReadOnlyList<Law> laws = Of(target);
        if (laws.Count == 0)
        {
            throw new InvalidDataException(
                $"laws: '{target}' has none; expected {string.Join(", ", All.Select(law => law.Target).Distinct())}.");
        }

        if (options.Only is { } only)
        {
            laws = [.. laws.Where(law => law.Name == only)];
            if (laws.Count == 0)
            {
                throw new InvalidDataException($"laws: {target} has no law '{only}'; expected {string.Join(", ", Of(target).Select(law => law.Name))}.");
            }
        }

        if (options.ExportCase is { } folder)
        {
            OperatorExport.RequireEmpty(folder);
        }

        LawRunner runner = new(subject);
        Tally tally = new(laws);
        int from = 0;
        for (int batch = 0; from < options.Cases && tally.First is null; batch++)
        {
            int until = Math.Min(options.Cases, from + Batches[Math.Min(batch, Batches.Length - 1)]);
            options.Progress?.Invoke(FormattableString.Invariant($"cases {from + 1} to {until} of {laws.Count} laws"));
            List<(Law, LawCase)> tries = [];
            foreach (Law law in laws)
            {
                for (int i = from; i < until && (i == 0 || i < options.Cases / law.Cost); i++)
                {
                    tries.Add((law, law.Space.Draw(options.Seed + i)));
                }
            }

            foreach (LawVerdict verdict in runner.Judge(tries))
            {
                tally.Add(verdict);
            }

            from = until;
        }

        LawFailure? failure = null;
        if (tally.First is { } first)
        {
            options.Progress?.Invoke($"shrinking a case of '{first.Law.Name}'");
            LawVerdict smallest = runner.Shrink(first);
            string? written = options.ExportCase is { } export ? LawExport.Write(smallest, subject, export) : null;
            failure = new LawFailure(first.Law, smallest.Case, first.Case, smallest.Breach!.ToString(), written);
        }

        return new LawReport(target, options.Seed, tally.Outcomes, failure, tally.Classes, clock.Elapsed.TotalSeconds);
    }

    private sealed class Tally(IReadOnlyList<Law> laws)
    {
        private readonly Dictionary<Law, LawOutcome> _outcomes = laws.ToDictionary(law => law, law => new LawOutcome(law, 0, null, null, null));
        private readonly Dictionary<string, int> _classes = LawClasses.All.ToDictionary(name => name, _ => 0, StringComparer.Ordinal);
        private readonly Dictionary<Law, LawVerdict> _failing = [];

        // Of the law that comes first.
        public LawVerdict? First => laws.Where(_failing.ContainsKey).Select(law => _failing[law]).FirstOrDefault();

        public IReadOnlyList<LawOutcome> Outcomes => [.. laws.Select(law => _outcomes[law])];

        public IReadOnlyDictionary<string, int> Classes => _classes;

        public void Add(LawVerdict verdict)
        {
            LawOutcome outcome = _outcomes[verdict.Law];
            if (!verdict.Tried)
            {
                _outcomes[verdict.Law] = outcome with { Missing = $"it gives no {string.Join(", ", verdict.Law.Needs.Where(name => !verdict.Answers[0].Outputs!.ContainsKey(name)))}" };
                return;
            }

            outcome = outcome with { Cases = outcome.Cases + 1 };
            foreach (string name in LawClasses.Of(verdict.Case, verdict.Trial.Inputs[0]))
            {
                _classes[name]++;
            }

            if (verdict.Breach is not null && _failing.TryAdd(verdict.Law, verdict))
            {
                outcome = outcome with { Failing = verdict.Case, Breach = verdict.Breach.ToString() };
            }

            _outcomes[verdict.Law] = outcome;
        }
    }
}
