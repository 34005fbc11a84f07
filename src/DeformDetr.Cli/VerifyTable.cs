using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Cli;

// A row per case, precision and kernels; below a failing one, the first failing tensor in the order of computation.
internal sealed class VerifyTable(CliConsole console, int nameWidth)
{
    private readonly TextTable _table = new(
        console,
        new("verdict"), new("case", Width: nameWidth), new("dtype", Width: 7), new("kernels", Width: 8),
        new("tensors", true), new("no truth", true), new("not computed", true),
        new("error", true, 8), new("allowance", true), new("ratio", true, 8), new("worst tensor"));

    public void WriteHeading() => _table.WriteHeading();

    public void Write(CaseResult result)
    {
        TensorVerdict? worst = result.Worst;
        _table.WriteRow(
        [
            result.Passed ? new("pass", Styles.Good) : new("FAIL", Styles.Bad),
            OneLine.Printable(result.Case), result.ElementType.Word(), CliOptions.WordOf(result.Kernels),
            Numbers.Count(Compared(result)), Numbers.Count(Of(result, Verdict.NoTruth)), Numbers.Count(result.NotComputed),
            worst is null ? "-" : Numbers.Error(worst.Error), worst is null ? "-" : Numbers.Error(worst.Allowance),
            worst is null ? "-" : Numbers.Ratio(worst.Ratio),
            worst is null ? "-" : OneLine.Printable(worst.Tensor),
        ]);
        if (!result.Passed)
        {
            console.WriteLine($"        {Why(result)}");
        }
    }

    public void WriteTotals(int cases, IReadOnlyList<CaseResult> results, TimeSpan time)
    {
        int passed = results.Count(result => result.Passed);
        console.WriteLine($"{Numbers.Seconds(time)}");
        console.WriteLine(
            $"{Numbers.Count(cases, "case", "cases")}, {Numbers.Count(results.Count, "run", "runs")}: {Numbers.Count(passed)} passed, "
            + $"{Numbers.Count(results.Count - passed)} failed; "
            + $"{Numbers.Count(results.Sum(Compared), "tensor", "tensors")} compared, "
            + $"{Numbers.Count(results.Sum(result => Of(result, Verdict.NoTruth)))} without truth, "
            + $"{Numbers.Count(results.Sum(result => result.NotComputed))} not computed");
    }

    internal static string Why(CaseResult result)
    {
        if (result.FirstFailure is not { } first)
        {
            return "nothing was compared";
        }

        string what = first.Verdict == Verdict.Absent
            ? "is expected, and the run did not produce it"
            : $"error {Numbers.Error(first.Error)}, allowance {Numbers.Error(first.Allowance)}, ratio {Numbers.Ratio(first.Ratio)}";
        int others = result.Tensors.Count(tensor => tensor.Failed) - 1;
        return OneLine.Printable(
            $"first failing tensor: {first.Tensor} {what}{(first.Note is null ? "" : $" ({first.Note})")}"
            + $"{(others == 0 ? "" : $"; {Numbers.Count(others)} more fail")}");
    }

    private static int Compared(CaseResult result) =>
        result.Tensors.Count(tensor => tensor.Verdict is not (Verdict.Absent or Verdict.NotComputed));

    private static int Of(CaseResult result, Verdict verdict) => result.Tensors.Count(tensor => tensor.Verdict == verdict);
}
