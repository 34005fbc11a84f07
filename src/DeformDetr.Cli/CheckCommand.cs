using System.CommandLine;
using DeformDetr.Oracle;

namespace DeformDetr.Cli;

internal static class CheckCommand
{
    public static Command Create(CliConsole console)
    {
        Option<string[]> input = CliOptions.Inputs();
        Option<string> weights = CliOptions.Weights();
        Option<string> port = CliOptions.NotEmpty(new Option<string>("--port")
        {
            Description = "The port's tensors: a .safetensors or .npz file, or a folder of .npy files, under the contract's names",
            HelpName = "DUMP",
            Required = true,
        });
        Option<string?> config = CliOptions.Config();
        Option<string?> variant = CliOptions.Variant();
        Option<string?> map = CliOptions.NotEmpty(new Option<string?>("--map")
        {
            Description =
                $"What the dump's names mean: a file of pairs, or one of {string.Join(", ", NameMap.Words)} for those frameworks' module names",
            HelpName = "FILE",
        });
        Option<string> dtype = CliOptions.PortDType();
        Option<int?> threads = CliOptions.Threads();
        Option<string?> html = CliOptions.NotEmpty(new Option<string?>("--html")
        {
            Description = "Write the report as one self-contained page too",
            HelpName = "F",
        });
        Option<bool> json = CliOptions.Json();
        Command command = new(
            "check",
            "Judge a port by its tensors: each step on the port's own inputs, in units of what rounding explains; "
            + "name every step that adds an error, and the known mistake that reproduces it.")
        {
            weights, input, port, config, variant, map, dtype, threads, html, json,
        };
        command.SetAction(parsed =>
        {
            (WeightSource source, RunConfiguration run) = CliOptions.Model(
                parsed.GetRequiredValue(weights), parsed.GetValue(config), parsed.GetValue(variant));
            CheckRequest request = new(
                parsed.GetRequiredValue(input), source, run.Config, run.Preprocess, parsed.GetRequiredValue(port), parsed.GetValue(map),
                CliOptions.DumpDTypeOf(parsed.GetRequiredValue(dtype)), CliOptions.Cores(parsed.GetValue(threads)));
            CheckReport report = CliOptions.OrGuessed(
                source, parsed.GetValue(config), parsed.GetValue(variant),
                () => console.Track("check", 0, step => PortCheck.Run(request, step)));
            if (parsed.GetValue(html) is { } page)
            {
                CheckHtml.WriteFile(report, page);
            }

            if (parsed.GetValue(json))
            {
                console.Json(writer => CheckJson.Write(report, writer));
            }
            else
            {
                CheckText.Write(report, console.Out);
            }

            return report.Passed ? CommandLine.Done : CommandLine.Failed;
        });
        return command;
    }
}
