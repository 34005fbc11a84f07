using System.Diagnostics;
using DeformDetr.Fuzz;

namespace DeformDetr.Formats.Tests.Fuzz;

/// <summary>The judge of damaged files finds readers that do what none may.</summary>
public class JudgeTests
{
    private static readonly Mutant File = new([1, 2, 3], "none", true);

    private sealed class Faulty(Scratch scratch, Func<string, object> read, string? wrong = null) : Reader("faulty", scratch)
    {
        public override int AllocationPerByte => 10;

        // Kept small but for a reader that looks at the processor's time again and again: each look takes some memory.
        public int AtLeast { get; init; } = 256 << 10;

        public override int AllocationAtLeast => AtLeast;

        protected override string FileName => "file";

        public override object Read() => read(Path);

        public override string? Wrong(object value, Mutant mutant) => wrong;
    }

    [Fact]
    public void A_value_and_a_refusal_are_fine()
    {
        Assert.Equal((Outcome.Read, null), Of(_ => "value"));
        Assert.Equal((Outcome.Refused, null), Of(path => throw new InvalidDataException($"{path}: byte 3; expected 4.")));
    }

    [Fact]
    public void Another_exception_fails() => Fails(_ => throw new InvalidOperationException("out"), "InvalidOperationException: out");

    [Fact]
    public void A_refusal_without_its_file_fails() => Fails(_ => throw new InvalidDataException("bad; expected good."), "doesn't begin with the file");

    [Fact]
    public void A_refusal_that_expects_nothing_fails() => Fails(path => throw new InvalidDataException($"{path}: bad."), "what was expected");

    [Fact]
    public void A_refusal_of_two_lines_fails() => Fails(path => throw new InvalidDataException($"{path}: a\nb; expected c."), "control characters");

    [Fact]
    public void A_refusal_without_end_fails() =>
        Fails(path => throw new InvalidDataException($"{path}: {new string('x', 5000)}; expected c."), "a refusal of");

    [Fact]
    public void Too_much_memory_fails() => Fails(_ => new byte[300_000], "bytes allocated for a file of 3");

    [Fact]
    public void Too_much_memory_before_a_refusal_fails() => Fails(
        path => new byte[300_000].Length > 0 ? throw new InvalidDataException($"{path}: bad; expected good.") : "", "bytes allocated for a file of 3");

    [Fact]
    public void A_wrong_value_fails() => Fails(_ => "value", "another value", "another value");

    [Fact]
    public void Too_much_time_fails()
    {
        using Scratch scratch = new();
        Faulty slow = new(scratch, _ =>
        {
            TimeSpan start = ThreadTime.Used;
            Stopwatch clock = Stopwatch.StartNew();
            while (ThreadTime.Used - start < TimeSpan.FromSeconds(1.1) && clock.Elapsed < TimeSpan.FromMinutes(2))
            {
                Thread.SpinWait(1_000_000);
            }

            return "value";
        })
        { AtLeast = int.MaxValue };
        Verdict verdict = Judge.Of(slow, File);
        Assert.Equal(Outcome.Failed, verdict.Outcome);
        Assert.Contains("s of processor time", verdict.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public void Time_that_others_took_is_not_held_against_a_reader() => Assert.Equal((Outcome.Read, null), Of(_ =>
    {
        Thread.Sleep(1100);
        return "value";
    }));

    private static (Outcome, string?) Of(Func<string, object> read, string? wrong = null)
    {
        using Scratch scratch = new();
        Verdict verdict = Judge.Of(new Faulty(scratch, read, wrong), File);
        return (verdict.Outcome, verdict.Failure);
    }

    private static void Fails(Func<string, object> read, string what, string? wrong = null)
    {
        (Outcome outcome, string? failure) = Of(read, wrong);
        Assert.Equal(Outcome.Failed, outcome);
        Assert.Contains(what, failure, StringComparison.Ordinal);
    }
}
