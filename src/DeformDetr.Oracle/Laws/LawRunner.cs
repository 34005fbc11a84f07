namespace DeformDetr.Oracle;

// What a law said of one case. Not tried: the implementation doesn't give a tensor that the law looks at.
internal sealed record LawVerdict(Law Law, LawCase Case, LawTrial Trial, IReadOnlyList<LawAnswer> Answers, bool Tried, LawBreach? Breach);

// Tries laws on a subject, and shrinks what fails.
internal sealed class LawRunner(ILawSubject subject)
{
    // Seeds that a smaller case is tried with: its numbers are others, and may happen to hide the fault.
    private static readonly int[] Seeds = [0, 1, 2];

    private const int MostRounds = 60;

    // A program that doesn't answer may take its time to do so.
    private const int RoundsWithoutAnswer = 2;

    // All cases at once, so that a program is started as seldom as can be.
    public IReadOnlyList<LawVerdict> Judge(IReadOnlyList<(Law Law, LawCase Case)> tries)
    {
        LawTrial[] trials = [.. tries.Select(one => one.Law.Trial(one.Case))];
        Dictionary<LawInput, LawAnswer> answers = new(ReferenceEqualityComparer.Instance);
        foreach (IGrouping<(string Target, string Config), LawInput> group in trials.SelectMany(trial => trial.Inputs).GroupBy(input => (input.Target, input.Config)))
        {
            LawInput[] inputs = [.. group.Distinct<LawInput>(ReferenceEqualityComparer.Instance)];
            IReadOnlyList<LawAnswer> given = subject.Run(inputs);
            for (int i = 0; i < inputs.Length; i++)
            {
                answers[inputs[i]] = given[i];
            }
        }

        return [.. tries.Select((one, i) => Judge(one.Law, one.Case, trials[i], [.. trials[i].Inputs.Select(input => answers[input])]))];
    }

    // The smallest case found that still breaks the law.
    public LawVerdict Shrink(LawVerdict failing)
    {
        Law law = failing.Law;
        int rounds = failing.Answers.Any(answer => answer.Outputs is null) ? RoundsWithoutAnswer : MostRounds;
        for (int round = 0; round < rounds; round++)
        {
            LawVerdict? smaller = null;

            // Where sizes make a configuration, every size is a start of its own.
            IReadOnlyList<LawCase> candidates = [.. law.Space.Shrink(failing.Case)];
            foreach (LawCase[] part in law.Space.Configured.Count == 0 ? [[.. candidates]] : candidates.Chunk(1))
            {
                int[] seeds = [failing.Case.Seed, .. Seeds.Where(seed => seed != failing.Case.Seed)];
                smaller = Judge([.. part.SelectMany(candidate => seeds.Select(seed => (law, candidate with { Seed = seed })))])
                    .FirstOrDefault(verdict => verdict.Breach is not null);
                if (smaller is not null)
                {
                    break;
                }
            }

            if (smaller is null)
            {
                break;
            }

            failing = smaller;
        }

        return failing;
    }

    private LawVerdict Judge(Law law, LawCase drawn, LawTrial trial, IReadOnlyList<LawAnswer> answers)
    {
        LawVerdict verdict = new(law, drawn, trial, answers, true, null);
        List<LawResult> results = [];
        for (int i = 0; i < answers.Count; i++)
        {
            if (answers[i].Outputs is not { } outputs)
            {
                return verdict with { Breach = new LawBreach("the call", [], 0, 0, 0, answers[i].Fault) };
            }

            LawResult result = new(trial.Inputs[i], outputs, subject.Unit);
            IReadOnlyList<string> needed = LawTargets.Outputs(trial.Inputs[i]);
            string? fault = needed.Concat(outputs.Keys).Select(name => result.Fault(name, needed.Contains(name))).FirstOrDefault(said => said is not null);
            if (fault is not null)
            {
                return verdict with { Breach = new LawBreach("the output", [], 0, 0, 0, fault) };
            }

            results.Add(result);
        }

        return law.Needs.Any(name => !results[0].Has(name)) ? verdict with { Tried = false } : verdict with { Breach = trial.Judge(results) };
    }
}
