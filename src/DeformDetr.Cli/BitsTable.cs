using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Cli;

// A row per case, precision and kernels; below one that differs, the first differing tensor in the order of computation.
internal sealed class BitsTable(CliConsole console, int nameWidth)
{
    private readonly TextTable _table = new(
        console,
        new("verdict"), new("case", Width: nameWidth), new("dtype", Width: 7), new("kernels", Width: 8),
        new("tensors", true), new("equal", true, 7), new("untraced", true), new("equal", true, 7));

    public void WriteHeading() => _table.WriteHeading();

    public void Write(BitsResult result)
    {
        _table.WriteRow(
        [
            result.Passed ? new("same", Styles.Good) : new("DIFFERS", Styles.Bad),
            OneLine.Printable(result.Case), result.ElementType.Word(), CliOptions.WordOf(result.Kernels),
            Count(result, true, _ => true), Count(result, true, tensor => tensor.Equal),
            Count(result, false, _ => true), Count(result, false, tensor => tensor.Equal),
        ]);
        if (!result.Passed)
        {
            console.WriteLine($"         {Why(result)}");
        }
    }

    public void WriteTotals(IReadOnlyList<BitsResult> results, TimeSpan time)
    {
        int same = results.Count(result => result.Passed);
        console.WriteLine($"{Numbers.Seconds(time)}");
        console.WriteLine(
            $"{Numbers.Count(results.Select(result => result.Case).Distinct().Count(), "case", "cases")}, "
            + $"{Numbers.Count(results.Count, "run", "runs")}: "
            + $"{Numbers.Count(same)} the same, {Numbers.Count(results.Count - same)} differ; "
            + $"{Numbers.Count(results.Sum(result => result.Tensors.Count), "tensor", "tensors")} compared, "
            + $"{Numbers.Count(results.Sum(result => result.Tensors.Count(tensor => !tensor.Equal)))} differ");
    }

    private static string Count(BitsResult result, bool traced, Func<TensorBits, bool> which) =>
        Numbers.Count(result.Tensors.Count(tensor => tensor.Traced == traced && which(tensor)));

    private static string Why(BitsResult result)
    {
        string[] words = [.. new[] { result.Fault, First(result) }.OfType<string>()];
        return OneLine.Printable(words.Length == 0 ? "nothing was compared" : string.Join("; ", words));
    }

    private static string? First(BitsResult result)
    {
        if (result.FirstDifference is not { } first)
        {
            return null;
        }

        string what = first.Word switch
        {
            "absent" => "is in the file, and the run did not compute it",
            "extra" => "is computed, and not in the file",
            _ => $"has the hash {first.Actual![..16]}…; expected {first.Expected![..16]}…",
        };
        int others = result.Tensors.Count(tensor => !tensor.Equal) - 1;
        return $"first difference: {first.Tensor}{(first.Traced ? "" : " (untraced)")} {what}"
            + (others == 0 ? "" : $"; {Numbers.Count(others)} more differ");
    }
}
