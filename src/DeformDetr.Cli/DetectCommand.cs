using System.CommandLine;
using DeformDetr.Formats.Pictures;
using DeformDetr.Oracle;

namespace DeformDetr.Cli;

internal static class DetectCommand
{
    public static Command Create(CliConsole console)
    {
        Argument<string[]> images = CliOptions.NotEmpty(
            new Argument<string[]>("IMAGE")
            {
                Description = "Pictures (PNG, JPEG, binary PPM): files, folders, and patterns with * and ?",
                Arity = ArgumentArity.ZeroOrMore,
            });
        Option<string> weights = CliOptions.Weights();
        Option<string?> config = CliOptions.Config();
        Option<string?> variant = CliOptions.Variant();
        Option<double> threshold = CliOptions.Probability("--threshold", "P", "The least score of a detection", 0.3);
        Option<int?> batch = CliOptions.AtLeastOne(
            "--batch", "N", "Run N pictures at a time, padded to one size; a padded picture gives slightly other numbers", 1);
        Option<string?> classes = CliOptions.NotEmpty(new Option<string?>("--classes")
        {
            Description =
                "What labels are called: coco, none (numbers), or a text file with a name in each line "
                + "[default: the configuration's names; without them coco for 91 labels]",
            HelpName = "coco|none|FILE",
        });
        Option<bool> json = CliOptions.Json();
        Option<string?> coco = CliOptions.NotEmpty(new Option<string?>("--coco")
        {
            Description = "Write the detections to a file that COCO's evaluation reads",
            HelpName = "R.json",
        });
        Option<string?> output = CliOptions.Out("DIR", "A folder for annotated copies (SVG with the picture inside) and detections.json");
        Command command = new("detect", "Detect objects in pictures: class, score, and box (x0, y0, x1, y1) in pixels of each picture.")
        {
            images, weights, config, variant, threshold, batch, classes, json, coco, output,
        };
        command.SetAction(parsed =>
        {
            IReadOnlyList<string> paths = PicturePaths.Of(parsed.GetValue(images) ?? []);
            if (paths.Count == 0)
            {
                throw new InvalidDataException("detect: no picture; expected at least one PNG, JPEG or binary PPM file.");
            }

            (WeightSource source, RunConfiguration run) = CliOptions.Model(
                console, parsed.GetRequiredValue(weights), parsed.GetValue(config), parsed.GetValue(variant));
            run = run with { Classes = ClassNames.Of(parsed.GetValue(classes), run) };
            string? folder = parsed.GetValue(output);
            if (folder is not null)
            {
                ReportFolder.RequireUsable(folder);
            }

            string? results = parsed.GetValue(coco);
            if (results is not null)
            {
                RequireFolder(results, folder);
            }

            DetectRun detect = new(run, parsed.GetValue(threshold), parsed.GetValue(batch) ?? 1);
            console.Track("detect", paths.Count, step =>
            {
                ModelRun<float> model = new(
                    CliOptions.OrGuessed(source, parsed.GetValue(config), parsed.GetValue(variant), () => source.Load<float>(run.Config)));
                detect.Run(model, paths, step);
                return true;
            });
            foreach (string note in detect.Notes)
            {
                console.Error.WriteLine($"deform-detr: {note}");
            }

            if (detect.Found.Count > 0)
            {
                Wishes wishes = new(parsed.GetValue(threshold), folder, results, parsed.GetValue(json));
                IReadOnlyList<long> imageIds = CocoResults.ImageIds(paths);
                Report(console, detect.Found, results is null ? [] : [.. detect.Places.Select(place => imageIds[place])], wishes);
            }

            return detect.AnyFailed ? CommandLine.BadInput : CommandLine.Done;
        });
        return command;
    }

    // Before an hour's work is done for it.
    private static void RequireFolder(string results, string? madeAnyway)
    {
        string parent = Path.GetDirectoryName(Path.GetFullPath(results)) ?? results;
        if (!Directory.Exists(parent) && (madeAnyway is null || parent != Path.TrimEndingDirectorySeparator(Path.GetFullPath(madeAnyway))))
        {
            throw new InvalidDataException($"--coco holds '{results}', whose folder does not exist; expected a file in one that does.");
        }

        if (Directory.Exists(results))
        {
            throw new InvalidDataException($"--coco holds '{results}', a folder; expected the name of a file to write.");
        }
    }

    private static void Report(CliConsole console, IReadOnlyList<PictureDetections> found, IReadOnlyList<long> imageIds, Wishes wishes)
    {
        IReadOnlyList<string> annotated = wishes.Folder is null
            ? []
            : ReportFolder.Write(wishes.Folder, found, index => Picture.Read(found[index].Path).Rgb);
        if (wishes.Coco is not null)
        {
            CocoResults.Save(wishes.Coco, found, imageIds);
        }

        if (wishes.Json)
        {
            PrintJson(console, found, annotated, imageIds);
        }
        else
        {
            Print(console, found, annotated, wishes);
        }
    }

    private static void PrintJson(
        CliConsole console, IReadOnlyList<PictureDetections> found, IReadOnlyList<string> annotated, IReadOnlyList<long> imageIds) =>
        console.Json(writer =>
        {
            writer.WriteStartArray();
            for (int index = 0; index < found.Count; index++)
            {
                found[index].WriteTo(writer, more =>
                {
                    if (imageIds.Count > 0)
                    {
                        more.WriteNumber("image_id", imageIds[index]);
                    }

                    if (annotated.Count > 0)
                    {
                        more.WriteString("annotated", annotated[index]);
                    }
                });
            }

            writer.WriteEndArray();
        });

    private static void Print(
        CliConsole console, IReadOnlyList<PictureDetections> found, IReadOnlyList<string> annotated, Wishes wishes)
    {
        foreach (PictureDetections picture in found)
        {
            string count = Numbers.Count(picture.Detections.Count, "detection", "detections");
            console.WriteLine(
                $"{OneLine.Printable(picture.Path)} ({picture.Width} x {picture.Height}): "
                + $"{count} of score >= {wishes.Threshold.ToString(System.Globalization.CultureInfo.InvariantCulture)}");
            if (picture.Detections.Count == 0)
            {
                continue;
            }

            TextTable table = new(
                console, new("class"), new("score", true), new("x0", true), new("y0", true), new("x1", true),
                new("y1", true))
            {
                Indent = "  ",
            };
            foreach (Detection detection in picture.Detections)
            {
                PictureBox box = detection.Box;
                table.Add(
                    OneLine.Printable(detection.Class), Numbers.Score(detection.Score),
                    Numbers.Pixel(box.X0), Numbers.Pixel(box.Y0), Numbers.Pixel(box.X1), Numbers.Pixel(box.Y1));
            }

            table.WriteAll();
        }

        if (wishes.Folder is not null)
        {
            console.WriteLine(
                $"wrote {Numbers.Count(annotated.Count, "annotated picture", "annotated pictures")} and detections.json to "
                + $"{OneLine.Printable(wishes.Folder)}");
        }

        if (wishes.Coco is not null)
        {
            int count = found.Sum(picture => picture.Detections.Count);
            console.WriteLine($"wrote {Numbers.Count(count, "detection", "detections")} to {OneLine.Printable(wishes.Coco)}");
        }
    }

    // What is to be told, and where.
    private sealed record Wishes(double Threshold, string? Folder, string? Coco, bool Json);
}
