namespace DeformDetr.Fuzz;

// A small part of the long run, for the ordinary tests.
internal static class Few
{
    // What failed, one line each, and how many files were read and refused.
    public static (IReadOnlyList<string> Failures, int Read, int Refused) Files(string name, ulong seed, int count)
    {
        using Scratch scratch = new();
        Plan plan = new(AllReaders.Create(name, scratch), seed);
        List<string> failures = [];
        int read = 0;
        for (int index = 0; index < count; index++)
        {
            Mutant mutant = plan.Make(index);
            Verdict verdict = Judge.Of(plan.Reader, mutant);
            if (verdict.Failure is { } failure)
            {
                failures.Add(FormattableString.Invariant($"file {index} ({mutant.Class}): {failure}"));
            }

            read += verdict.Outcome == Outcome.Read ? 1 : 0;
        }

        return (failures, read, count - read - failures.Count);
    }
}
