using System.Diagnostics;

namespace DeformDetr.Fuzz;

internal enum Outcome
{
    Read,
    Refused,
    Failed,
}

/// <summary>What a reader did with a file.</summary>
/// <param name="Outcome">What came of it.</param>
/// <param name="Failure">What must not be; null where all is well.</param>
/// <param name="Allocated">Bytes that the reader allocated.</param>
internal readonly record struct Verdict(Outcome Outcome, string? Failure, long Allocated);

// Gives a file to a reader. It must end in a value that is right or in one InvalidDataException that says where, soon, and with no more
// memory than the reader's limit.
internal static class Judge
{
    // Of processor time; the clock on the wall only tells when to look.
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(1);

    public static Verdict Of(Reader reader, Mutant mutant)
    {
        reader.Place(mutant.Content);
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        (object? value, Exception? thrown) = Attempt(reader);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        string? failure = thrown switch
        {
            null => null,
            InvalidDataException refusal => Wording.Fault(refusal.Message, reader.Blamed),
            _ => $"{thrown.GetType().Name}: {thrown.Message}{Place(thrown)}",
        };
        long most = reader.AllocationAtLeast + ((long)reader.AllocationPerByte * mutant.Content.Length);
        failure ??= allocated > most ? $"{allocated} bytes allocated for a file of {mutant.Content.Length}; at most {most} are stated" : null;
        failure ??= elapsed > MostTime ? Slow(reader) : null;
        failure ??= value is not null ? Wrong(reader, value, mutant) : null;
        return new Verdict(failure is not null ? Outcome.Failed : value is not null ? Outcome.Read : Outcome.Refused, failure, allocated);
    }

    private static (object? Value, Exception? Thrown) Attempt(Reader reader)
    {
        try
        {
            return (reader.Read(), null);
        }
        catch (Exception exception)
        {
            return (null, exception);
        }
    }

    // The innermost line of ours.
    private static string? Place(Exception exception) =>
        exception.StackTrace?.Split('\n').FirstOrDefault(line => line.Contains("DeformDetr", StringComparison.Ordinal)) is { } line ? $" {line.Trim()}" : null;

    // A check that itself fails has met something that it didn't expect a reader to let through.
    private static string? Wrong(Reader reader, object value, Mutant mutant)
    {
        try
        {
            return reader.Wrong(value, mutant);
        }
        catch (Exception exception)
        {
            return $"read, and then {exception.GetType().Name}: {exception.Message}{Place(exception)}";
        }
    }

    // Once more, by the processor's time: others may have had it.
    private static string? Slow(Reader reader)
    {
        TimeSpan before = ThreadTime.Used;
        _ = Attempt(reader);
        TimeSpan used = ThreadTime.Used - before;
        return used > MostTime ? FormattableString.Invariant($"{used.TotalSeconds:F1} s of processor time") : null;
    }
}
