using System.Globalization;
using System.Text.Json;
using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Cli;

internal static class DemoReport
{
    public static void Print(CliConsole console, DemoRun.Outcome outcome)
    {
        for (int b = 0; b < outcome.Pictures.Count; b++)
        {
            PictureDetections picture = outcome.Pictures[b];
            console.WriteLine($"{OneLine.Printable(picture.Path)} ({picture.Width} x {picture.Height})");
            TextTable table = new(
                console,
                new("detected"), new("score", true), new("x0", true), new("y0", true), new("x1", true), new("y1", true),
                new("  ground truth"), new("x0", true), new("y0", true), new("x1", true), new("y1", true), new("IoU", true))
            { Indent = "  " };
            foreach (TruthMatch match in outcome.Matches[b])
            {
                table.Add(Row(match));
            }

            table.WriteAll();
            console.WriteLine();
        }

        Summary(console, outcome);
    }

    public static void WriteTo(Utf8JsonWriter json, DemoRun.Outcome outcome)
    {
        DemoRun.Request request = outcome.Request;
        json.WriteStartObject();
        json.WriteString("dtype", request.ElementType.Word());
        json.WriteString("kernels", CliOptions.WordOf(request.Kernels));
        json.WriteNumber("threads", request.Threads);
        json.WriteNumber("threshold", DemoRun.Threshold);
        json.WriteStartArray("pictures");
        for (int b = 0; b < outcome.Pictures.Count; b++)
        {
            int index = b;
            outcome.Pictures[index].WriteTo(json, more =>
            {
                more.WriteStartArray("matches");
                foreach (TruthMatch match in outcome.Matches[index])
                {
                    Write(more, match, outcome.Pictures[index]);
                }

                more.WriteEndArray();
                more.WriteString("annotated", outcome.Written[index]);
            });
        }

        json.WriteEndArray();
        json.WriteNumber("resized_like_pillow", outcome.Resized);
        if (outcome.Verdicts is { } verdicts)
        {
            json.WriteNumber("tensors", verdicts.Tensors.Count);
            json.WriteNumber("tensors_passed", Passed(verdicts));
            json.WritePropertyName("verdicts");
            VerifyReport.WriteTo(json, [verdicts]);
        }

        json.WriteString("verdict", outcome.Verdicts is null ? "not checked" : outcome.Passed ? "pass" : "fail");
        json.WriteString("fingerprint", outcome.Fingerprint);
        json.WriteNumber("seconds", Math.Round(outcome.Time.TotalSeconds, 3));
        json.WriteEndObject();
    }

    private static TextTable.Cell[] Row(TruthMatch match)
    {
        TextTable.Cell[] found = match.Found is { } detection
            ? [OneLine.Printable(detection.Class), Numbers.Score(detection.Score), .. Box(detection.Box)]
            : [new("missed", Styles.Bad), "", "", "", "", ""];
        TextTable.Cell[] truth = match.Truth is { } item
            ? [$"  {OneLine.Printable(item.Class)}", .. Box(item.Box), match.Found is null ? "" : Numbers.Score(match.IoU)]
            : [new("  none: extra", Styles.Bad), "", "", "", "", ""];
        return [.. found, .. truth];
    }

    private static TextTable.Cell[] Box(PictureBox box) =>
        [Numbers.Pixel(box.X0), Numbers.Pixel(box.Y0), Numbers.Pixel(box.X1), Numbers.Pixel(box.Y1)];

    private static void Summary(CliConsole console, DemoRun.Outcome outcome)
    {
        List<TruthMatch> all = [.. outcome.Matches.SelectMany(matches => matches)];
        List<TruthMatch> pairs = [.. all.Where(match => match is { Found: not null, Truth: not null })];
        string iou = pairs.Count == 0 ? "" : $", mean IoU {Numbers.Score(pairs.Average(pair => pair.IoU))}";
        string threshold = DemoRun.Threshold.ToString(CultureInfo.InvariantCulture);
        console.WriteLine(
            $"detections  of score >= {threshold}: {Numbers.Count(pairs.Count)} of "
            + $"{Numbers.Count(all.Count(match => match.Truth is not null), "object", "objects")} found{iou}; "
            + $"{Numbers.Count(all.Count(match => match.Found is null))} missed, "
            + $"{Numbers.Count(all.Count(match => match.Truth is null))} extra");
        if (outcome.Pictures.Count > 1)
        {
            console.WriteLine(
                "            (a batch is padded at the bottom and right, and boxes then sit up to 3 % low, in the original too: "
                + "golden/demo/README.md)");
        }

        console.WriteLine(
            $"pictures    {Numbers.Count(outcome.Resized)} of {Numbers.Count(outcome.Pictures.Count)} resized as Pillow does, bit for bit");
        console.WriteLine($"annotated   {string.Join(", ", outcome.Written.Select(OneLine.Printable))}");
        DemoRun.Request request = outcome.Request;
        console.WriteLine(
            $"run         {request.ElementType.Word()}, {CliOptions.Describe(request.Kernels, request.Threads)}, "
            + $"{Numbers.Seconds(outcome.Time)}");
        console.Out.Write("verdict     ");
        if (outcome.Verdicts is not { } verdicts)
        {
            console.WriteLine(
                $"one picture alone: the golden tensors are of the whole batch, and were not checked; fingerprint {outcome.Fingerprint}");
            return;
        }

        console.Write(outcome.Passed ? "PASS" : "FAIL", outcome.Passed ? Styles.Good : Styles.Bad);
        console.WriteLine(
            $"  {Numbers.Count(Passed(verdicts))} of {Numbers.Count(verdicts.Tensors.Count)} tensors pass against the original's; "
            + $"fingerprint {outcome.Fingerprint}");
        if (!verdicts.Passed)
        {
            console.WriteLine($"            {VerifyTable.Why(verdicts)}");
        }
        else if (verdicts.Worst is { } worst)
        {
            console.WriteLine(
                $"            the worst, {worst.Tensor}, errs by {Numbers.Error(worst.Error)}, "
                + $"which is {Numbers.Ratio(worst.Ratio)} of what is allowed");
        }
    }

    private static void Write(Utf8JsonWriter json, TruthMatch match, PictureDetections picture)
    {
        json.WriteStartObject();
        if (match.Found is { } found)
        {
            json.WriteNumber("detection", picture.Detections.ToList().IndexOf(found));
        }
        else
        {
            json.WriteNull("detection");
        }

        if (match.Truth is { } truth)
        {
            json.WriteString("truth_class", truth.Class);
            json.WriteBox("truth_box", truth.Box);
        }
        else
        {
            json.WriteNull("truth_class");
            json.WriteNull("truth_box");
        }

        if (match is { Found: not null, Truth: not null })
        {
            json.WriteNumberOrWord("iou", match.IoU);
        }
        else
        {
            json.WriteNull("iou");
        }

        json.WriteEndObject();
    }

    private static int Passed(CaseResult verdicts) => verdicts.Tensors.Count(tensor => tensor.Verdict is Verdict.Pass or Verdict.NoTruth);
}
