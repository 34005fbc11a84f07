using System.CommandLine;
using DeformDetr.Oracle;

namespace DeformDetr.Cli;

internal static class LawsCommand
{
    private const int Cases = 40;
    private const double Timeout = 10;

    public static Command Create(CliConsole console)
    {
        Option<string?> op = CliOptions.NotEmpty(new Option<string?>("--op")
        {
            Description = "What the program computes: ms_deform_attn_core, ms_deform_attn, transformer, model, or an operator that has laws",
            HelpName = "TARGET",
        });
        Option<string?> command = CliOptions.NotEmpty(new Option<string?>("--command")
        {
            Description = "The program; {in} and {out} stand for the files that it reads and writes",
            HelpName = "COMMAND",
        });
        Option<int?> cases = CliOptions.AtLeastOne("--cases", "N", $"Generated cases of each law; of whole models fewer [default: {Cases}]", null);
        Option<int> seed = CliOptions.Seed();
        Option<string?> law = CliOptions.NotEmpty(new Option<string?>("--law") { Description = "Only the law of this name", HelpName = "NAME" });
        Option<double> timeout = CliOptions.Seconds(
            "--timeout", "How long one case may take; a batch of more may take up to ten times as long", Timeout);
        Option<string?> export = CliOptions.NotEmpty(new Option<string?>("--export-case")
        {
            Description = "Write the smallest input that breaks the first broken law as a golden case",
            HelpName = "DIR",
        });
        Option<bool> list = new("--list") { Description = "List the laws" };
        Option<bool> json = CliOptions.Json();
        Command laws = new(
            "laws",
            "Try the laws that every correct implementation obeys, and the comparison with the reference, on any program: generated cases, a "
            + "failure shrunk to the smallest one, and in one sentence what law it breaks.")
        {
            op, command, cases, seed, law, timeout, export, list, json,
        };
        laws.SetAction(parsed =>
        {
            string? target = parsed.GetValue(op);
            if (parsed.GetValue(list))
            {
                return List(console, target, parsed.GetValue(json));
            }

            if (target is null || parsed.GetValue(command) is not { } program)
            {
                throw new InvalidDataException(
                    $"option '{(target is null ? "--op" : "--command")}' is required; 'deform-detr laws --help' explains the command.");
            }

            LawReport report = console.Track("laws", 0, step => LawSuite.Check(
                target, program, parsed.GetValue(timeout), new LawOptions
                {
                    Cases = parsed.GetValue(cases) ?? Cases,
                    Seed = parsed.GetValue(seed),
                    Only = parsed.GetValue(law),
                    ExportCase = parsed.GetValue(export),
                    Progress = step,
                }));
            if (parsed.GetValue(json))
            {
                console.Json(writer => LawText.Write(report, writer));
            }
            else
            {
                LawText.Write(report, console.Out);
            }

            return report.Passed ? CommandLine.Done : CommandLine.Failed;
        });
        return laws;
    }

    private static int List(CliConsole console, string? target, bool json)
    {
        IReadOnlyList<Law> laws = target is null ? LawSuite.All : LawSuite.Of(target);
        if (json)
        {
            console.Json(writer => LawText.Write(laws, writer));
        }
        else
        {
            foreach (Law law in laws)
            {
                console.WriteLine($"{law}: {law.Mathematics}");
                console.WriteLine($"  {law.Words}");
            }
        }

        return CommandLine.Done;
    }
}
