using System.CommandLine;
using DeformDetr.Oracle;

namespace DeformDetr.Cli;

internal static class CheckCommand
{
    public static Command Create(CliConsole console)
    {
        Option<string[]> input = CliOptions.Inputs();
        Option<string?> weights = CliOptions.NotEmpty(new Option<string?>("--weights")
        {
            Description =
                "The checkpoint: .pth, .safetensors, .bin, .npz or a Hugging Face folder; or recipe:SEED for weights made from a number. "
                + "With --op it may be absent",
            HelpName = "W",
        });
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
        Option<string?> op = CliOptions.NotEmpty(new Option<string?>("--op")
        {
            Description = "Judge one operator, layer or step: a name of 'deform-detr op --list'; the input file then holds its inputs",
            HelpName = "NAME",
        });
        Option<string[]> set = CliOptions.NotEmpty(new Option<string[]>("--set")
        {
            Description = "With --op: a setting, such as nheads=4; may repeat",
            HelpName = "KEY=VALUE",
            Arity = ArgumentArity.OneOrMore,
        });
        Option<string?> export = CliOptions.NotEmpty(new Option<string?>("--export-case")
        {
            Description = "Write the smallest input on which the first wrong step fails as a golden case, and say how to step through it",
            HelpName = "DIR",
        });
        Option<bool> json = CliOptions.Json();
        Command command = new(
            "check",
            "Judge a port by its tensors: each step on the port's own inputs, in units of what rounding explains; "
            + "name every step that adds an error, and the known mistake that reproduces it.")
        {
            weights, input, port, config, variant, map, dtype, threads, op, set, export, html, json,
        };
        command.SetAction(parsed =>
        {
            string? page = parsed.GetValue(html);
            DumpDType precision = CliOptions.DumpDTypeOf(parsed.GetRequiredValue(dtype));
            int cores = CliOptions.Cores(parsed.GetValue(threads));
            string[] inputs = parsed.GetRequiredValue(input);
            if (parsed.GetValue(op) is { } name)
            {
                if (inputs.Length != 1)
                {
                    throw new InvalidDataException($"--input names {inputs.Length} files; expected one with the inputs of {name}.");
                }

                OperatorRequest one = OpCommand.Request(
                    name, inputs[0], parsed.GetValue(weights), parsed.GetValue(config), parsed.GetValue(variant),
                    parsed.GetValue(set) ?? []);
                return CheckOperator.Run(
                    console, new OperatorCheckRequest(one, parsed.GetRequiredValue(port), parsed.GetValue(map), precision, cores),
                    parsed.GetValue(export), page, parsed.GetValue(json));
            }

            if (parsed.GetValue(set) is { Length: > 0 })
            {
                throw new InvalidDataException("--set stands without --op; expected the settings of one operator.");
            }

            string given = parsed.GetValue(weights)
                ?? throw new InvalidDataException("option '--weights' is required; 'deform-detr check --help' explains the command.");
            (WeightSource source, RunConfiguration run) = CliOptions.Model(
                console, given, parsed.GetValue(config), parsed.GetValue(variant));
            CheckRequest request = new(
                inputs, source, run.Config, run.Preprocess, parsed.GetRequiredValue(port), parsed.GetValue(map), precision, cores);
            (CheckReport report, ExportedCase? exported) = CliOptions.OrGuessed(
                source, parsed.GetValue(config), parsed.GetValue(variant),
                () => console.Track("check", 0, step => PortCheck.Run(request, parsed.GetValue(export), step)));
            if (page is not null)
            {
                CheckHtml.WriteFile(report, page);
            }

            if (parsed.GetValue(json))
            {
                console.Json(writer => CheckJson.Write(report, writer));
                return report.Passed ? CommandLine.Done : CommandLine.Failed;
            }

            if (exported is not null)
            {
                exported.Write(console.Out);
                console.WriteLine();
            }

            CheckText.Write(report, console.Out);
            return report.Passed ? CommandLine.Done : CommandLine.Failed;
        });
        return command;
    }
}
