using System.CommandLine;
using System.CommandLine.Help;
using DeformDetr.Oracle;

namespace DeformDetr.Cli;

/// <summary>The command <c>deform-detr</c>.</summary>
public static class CommandLine
{
    /// <summary>Done, and passed where something was judged.</summary>
    public const int Done = 0;

    /// <summary>Something was judged and failed.</summary>
    public const int Failed = 1;

    /// <summary>Bad usage or bad input: one line on standard error says what, where, and what was expected.</summary>
    public const int BadInput = 2;

    /// <summary>A bug in this program.</summary>
    public const int Bug = 70;

    /// <summary>Runs the command as it runs in a shell whose output is redirected.</summary>
    /// <param name="args">The words after the command's name.</param>
    /// <param name="output">Standard output.</param>
    /// <param name="error">Standard error.</param>
    /// <returns>The exit status.</returns>
    public static int Run(IReadOnlyList<string> args, TextWriter output, TextWriter error)
    {
        using CliConsole console = new(output, error);
        return Run(args, console);
    }

    internal static int Run(IReadOnlyList<string> args, CliConsole console)
    {
        try
        {
            // "@file" and "-abc" mean nothing special here.
            ParseResult parsed = Root(console).Parse(
                args, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
            if (parsed.Action is not (HelpWithExample or VersionLine))
            {
                Usage.Require(parsed);
            }

            return parsed.Invoke(
                new InvocationConfiguration
                {
                    Output = console.Out,
                    Error = console.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                });
        }
        catch (Exception exception) when (OneLine.Of(exception) is { } line)
        {
            console.Error.WriteLine($"deform-detr: {line}");
            return BadInput;
        }
        catch (Exception exception)
        {
            console.Error.WriteLine($"deform-detr: a bug in deform-detr {TraceRun.Version}, please report it: {exception}");
            return Bug;
        }
    }

    private static RootCommand Root(CliConsole console)
    {
        RootCommand root = new(
            "Deformable DETR in pure C#: detects objects in pictures, and shows every tensor of a run under its PyTorch name, "
            + "so that other implementations can be measured against it.")
        {
            DemoCommand.Create(console),
            DetectCommand.Create(console),
            TraceCommand.Create(console),
            VerifyCommand.Create(console),
            CheckCommand.Create(console),
            SelfTestCommand.Create(console),
            OpCommand.Create(console),
            WhyCommand.Create(console),
            LawsCommand.Create(console),
            InspectCommand.Create(console),
            ConvertCommand.Create(console),
        };
        root.SetAction(
            (Func<ParseResult, int>)(_ => throw new InvalidDataException(
                "no command; expected demo, detect, trace, verify, check, op, why, laws, inspect or convert "
                + "('deform-detr --help' explains them).")));
        foreach (Option option in root.Options)
        {
            switch (option)
            {
                case HelpOption help:
                    help.Description = "Explain the command and its options";
                    help.Action = new HelpWithExample((HelpAction)help.Action!);
                    break;
                case VersionOption version:
                    version.Description = "Print the version";
                    version.Action = new VersionLine();
                    break;
            }
        }

        return root;
    }
}
