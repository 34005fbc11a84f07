using System.CommandLine;
using DeformDetr.Oracle;

namespace DeformDetr.Cli;

internal static class DemoCommand
{
    public static Command Create(CliConsole console)
    {
        Option<string> dtype = CliOptions.DType();
        Option<string> kernels = CliOptions.KernelBodies();
        Option<int?> threads = CliOptions.Threads();
        Option<int?> picture = CliOptions.AtLeastOne(
            "--picture", "N",
            "Only picture N (from 1), alone and so without padding: for stepping through in a debugger. "
            + "The golden tensors are of the whole batch and are not checked then",
            null);
        Option<string?> output = CliOptions.Out("DIR", "The folder for the annotated pictures [default: demo-out]");
        Option<bool> json = CliOptions.Json();
        Command command = new(
            "demo",
            "See it work: run the shipped trained model on the shipped pictures, check every tensor against the original's, "
            + "and show the detections beside the ground truth.")
        {
            dtype, kernels, threads, picture, output, json,
        };
        command.SetAction(parsed =>
        {
            DemoRun.Request request = new(
                Repository.Golden("demo"),
                CliOptions.DTypes(parsed.GetRequiredValue(dtype))[0],
                CliOptions.Bodies(parsed.GetRequiredValue(kernels))[0],
                CliOptions.Cores(parsed.GetValue(threads)),
                parsed.GetValue(picture),
                parsed.GetValue(output) ?? "demo-out");
            ReportFolder.RequireUsable(request.Folder);
            DemoRun.Outcome outcome = console.Track("demo", 0, step => DemoRun.Run(request, step));
            if (parsed.GetValue(json))
            {
                console.Json(writer => DemoReport.WriteTo(writer, outcome));
            }
            else
            {
                DemoReport.Print(console, outcome);
            }

            return outcome.Passed ? CommandLine.Done : CommandLine.Failed;
        });
        return command;
    }
}
