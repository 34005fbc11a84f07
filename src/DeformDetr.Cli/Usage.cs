using System.CommandLine;
using System.CommandLine.Parsing;

namespace DeformDetr.Cli;

// Turns what the parser complains of into one line.
internal static class Usage
{
    public static void Require(ParseResult parsed)
    {
        string help = parsed.CommandResult.Command is RootCommand
            ? "'deform-detr --help' lists the commands"
            : $"'deform-detr {parsed.CommandResult.Command.Name} --help' explains the command";

        // A command that takes files takes unknown options for files too; "--" ends the options, as usual.
        bool options = true;
        foreach (Token token in parsed.Tokens)
        {
            options &= token.Type != TokenType.DoubleDash;
            if (options
                && token.Type == TokenType.Argument
                && token.Value.Length > 1
                && token.Value[0] == '-'
                && !double.TryParse(token.Value, System.Globalization.CultureInfo.InvariantCulture, out _))
            {
                bool known = parsed.CommandResult.Command.Options.Any(option => option.Name == token.Value);
                throw new InvalidDataException(
                    known
                        ? $"'{token.Value}' stands where the option before it expected a value; {help}."
                        : $"option '{token.Value}' is unknown; {help}.");
            }
        }

        if (parsed.Errors.Count > 0)
        {
            string message = parsed.Errors[0].Message.TrimEnd('.');
            throw new InvalidDataException(
                message.Contains("; expected", StringComparison.Ordinal)
                    ? $"{message}."
                    : $"{char.ToLowerInvariant(message[0])}{message[1..]}; {help}.");
        }
    }
}
