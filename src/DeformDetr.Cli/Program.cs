namespace DeformDetr.Cli;

internal static class Program
{
    private static int Main(string[] args)
    {
        using CliConsole console = CliConsole.OfProcess();
        return CommandLine.Run(args, console);
    }
}
