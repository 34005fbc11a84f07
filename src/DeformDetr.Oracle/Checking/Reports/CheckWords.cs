namespace DeformDetr.Oracle;

// What a report says in sentences; the same on the terminal and on the page.
internal static class CheckWords
{
    public static int Of(CheckReport report, CheckStatus status) => report.Tensors.Count(tensor => tensor.Status == status);

    public static string Word(CheckStatus status) => status switch
    {
        CheckStatus.Right => "right",
        CheckStatus.Wrong => "wrong",
        CheckStatus.Absent => "absent",
        _ => "broken",
    };

    public static string Coverage(CheckReport report) =>
        string.Concat(
            $"compared {report.Compared} of {report.Tensors.Count}", Some(Of(report, CheckStatus.Absent), "absent"),
            Some(Of(report, CheckStatus.Broken), "broken"), Some(report.Extra.Count, "extra"));

    public static string Verdict(CheckReport report)
    {
        int wrong = Of(report, CheckStatus.Wrong);
        if (wrong > 0)
        {
            return $"{Steps(wrong)} an error; first: {SafeText.OneLine(report.WrongSteps.First().Name)}";
        }

        if (report.Compared == 0)
        {
            return "nothing was compared";
        }

        return report.Passed ? $"no step is wrong; {Growth(report)}" : $"no step that was compared is wrong, but {Missing(report)}";
    }

    public static string Steps(int wrong) => wrong == 1 ? "1 step injects" : $"{CheckNumbers.Count(wrong)} steps inject";

    // What a report that isn't wrong anywhere and yet doesn't pass lacks.
    public static string Missing(CheckReport report)
    {
        string[] parts =
        [
            .. new[]
            {
                Are(Of(report, CheckStatus.Absent), "absent"), Are(Of(report, CheckStatus.Broken), "broken"),
                report.Extra.Count == 0 ? "" : CheckNumbers.Count(report.Extra.Count, "tensor is unknown", "tensors are unknown"),
            }.Where(part => part.Length > 0),
        ];
        return string.Join(", ", parts);
    }

    public static string Growth(CheckReport report)
    {
        TensorCheck most = report.Tensors.MaxBy(tensor => double.IsNaN(tensor.Arrived) ? 0 : tensor.Arrived)!;
        return !(most.Arrived > 1)
            ? "what arrives at the end is rounding"
            : $"growth of this size is normal (at most {CheckNumbers.OfNoise(most.Arrived)} arrives, "
                + $"at {SafeText.OneLine(most.Name)})";
    }

    // The first finding of the first wrong step, which is what to do.
    public static Finding? FirstFinding(CheckReport report) => report.WrongSteps.FirstOrDefault()?.Diagnosis?.Findings.FirstOrDefault();

    public static string NotExplained(Diagnosis? diagnosis) => diagnosis switch
    {
        { Skipped: > 0 } => $"None of the known mistakes that were run explains it; {Tried(diagnosis)}.",
        null or { Tried: 0 } => "No known mistake applies to this step.",
        { Tried: 1 } => "The one known mistake that applies to this step does not explain it.",
        _ => $"None of the {diagnosis.Tried} known mistakes that were run explains it.",
    };

    // Not everything is run where a step is large.
    public static string Tried(Diagnosis diagnosis) =>
        $"tried {CheckNumbers.Count(diagnosis.Tried)} of {CheckNumbers.Count(diagnosis.Tried + diagnosis.Skipped)}, "
        + "which is as much work as this step is given";

    // The element's error in its noise, as it is compared.
    public static double Error(WorstElement worst) => Math.Abs(worst.Port - worst.Expected) / worst.Noise;

    // "query 17, head 3"; axes without a word go by number.
    public static IEnumerable<(string Axis, int Index)> Place(TensorCheck tensor, WorstElement worst) =>
        worst.Index.Select((index, axis) => (AxisWord(tensor, axis), index));

    public static string Address(TensorCheck tensor, WorstElement worst) =>
        $"{SafeText.OneLine(tensor.Name)}[{string.Join(',', worst.Index)}]";

    public static string ShapeWithAxes(TensorCheck tensor) =>
        tensor.Shape.Rank == 0
            ? "a single number"
            : string.Join(" \u00D7 ", tensor.Shape.Select((size, axis) => $"{size} {SafeText.OneLine(AxisWord(tensor, axis))}"));

    private static string AxisWord(TensorCheck tensor, int axis) => axis < tensor.Axes.Count ? tensor.Axes[axis] : $"axis {axis}";

    private static string Some(int count, string what) => count == 0 ? "" : $", {count} {what}";

    private static string Are(int count, string what) =>
        count == 0 ? "" : CheckNumbers.Count(count, $"tensor is {what}", $"tensors are {what}");
}
