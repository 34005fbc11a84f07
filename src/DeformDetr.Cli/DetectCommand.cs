using System.CommandLine;
using DeformDetr.Formats.Png;
using DeformDetr.Oracle;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Cli;

internal static class DetectCommand
{
    public static Command Create(CliConsole console)
    {
        Argument<string[]> images = CliOptions.NotEmpty(
            new Argument<string[]>("IMAGE") { Description = "Pictures: PNG files", Arity = ArgumentArity.ZeroOrMore });
        Option<string> weights = CliOptions.Weights();
        Option<string?> config = CliOptions.Config();
        Option<string?> variant = CliOptions.Variant();
        Option<double> threshold = CliOptions.Probability("--threshold", "P", "The least score of a detection", 0.3);
        Option<int?> batch = CliOptions.AtLeastOne(
            "--batch", "N", "Run N pictures at a time, padded to one size; a padded picture gives slightly other numbers", 1);
        Option<bool> json = CliOptions.Json();
        Option<string?> output = CliOptions.Out("DIR", "A folder for annotated copies (SVG with the picture inside) and detections.json");
        Command command = new("detect", "Detect objects in pictures: class, score, and box (x0, y0, x1, y1) in pixels of each picture.")
        {
            images, weights, config, variant, threshold, batch, json, output,
        };
        command.SetAction(parsed =>
        {
            string[] paths = parsed.GetValue(images) ?? [];
            if (paths.Length == 0)
            {
                throw new InvalidDataException("detect: no picture; expected at least one PNG file.");
            }

            (WeightSource source, RunConfiguration run) = CliOptions.Model(
                parsed.GetRequiredValue(weights), parsed.GetValue(config), parsed.GetValue(variant));
            string? folder = parsed.GetValue(output);
            if (folder is not null)
            {
                ReportFolder.RequireUsable(folder);
            }

            List<PictureDetections> found = console.Track("detect", paths.Length, step =>
            {
                ModelRun<float> model = new(
                    CliOptions.OrGuessed(source, parsed.GetValue(config), parsed.GetValue(variant), () => source.Load<float>(run.Config)));
                return Detect(model, paths, run, parsed.GetValue(threshold), parsed.GetValue(batch) ?? 1, step);
            });
            IReadOnlyList<string> written = folder is null ? [] : ReportFolder.Write(folder, found, index => PngReader.Read(paths[index]));
            Print(console, found, written, parsed.GetValue(threshold), folder, parsed.GetValue(json));
            return CommandLine.Done;
        });
        return command;
    }

    private static List<PictureDetections> Detect(
        ModelRun<float> model, string[] paths, RunConfiguration run, double threshold, int batch, Action<string> step)
    {
        List<PictureDetections> found = [];
        foreach (string[] part in paths.Chunk(batch))
        {
            ModelInput input = ModelInput.Load(part, run.Preprocess);
            IReadOnlyList<Detections<float>> results = model.Run(input, Kernels.Simd, Environment.ProcessorCount, null)!;
            for (int b = 0; b < part.Length; b++)
            {
                step(part[b]);
                found.Add(new PictureDetections(
                    part[b], (int)input.TargetSizes![b, 1], (int)input.TargetSizes[b, 0],
                    Detection.AtLeast(results[b], run.Classes, threshold)));
            }
        }

        return found;
    }

    private static void Print(
        CliConsole console, List<PictureDetections> found, IReadOnlyList<string> written, double threshold, string? folder, bool json)
    {
        if (json)
        {
            console.Json(writer =>
            {
                writer.WriteStartArray();
                for (int index = 0; index < found.Count; index++)
                {
                    found[index].WriteTo(writer, more =>
                    {
                        if (written.Count > 0)
                        {
                            more.WriteString("annotated", written[index]);
                        }
                    });
                }

                writer.WriteEndArray();
            });
            return;
        }

        foreach (PictureDetections picture in found)
        {
            string count = Numbers.Count(picture.Detections.Count, "detection", "detections");
            console.WriteLine(
                $"{OneLine.Printable(picture.Path)} ({picture.Width} x {picture.Height}): "
                + $"{count} of score >= {threshold.ToString(System.Globalization.CultureInfo.InvariantCulture)}");
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

        if (folder is not null)
        {
            console.WriteLine(
                $"wrote {Numbers.Count(written.Count, "annotated picture", "annotated pictures")} and detections.json to "
                + $"{OneLine.Printable(folder)}");
        }
    }
}
