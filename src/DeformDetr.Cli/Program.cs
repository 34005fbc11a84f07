using System.Runtime.InteropServices;
using DeformDetr.Formats;

namespace DeformDetr.Cli;

internal static class Program
{
    private static int Main(string[] args)
    {
        // Told to end (Ctrl-C, a service's stop), the program leaves nothing half-written; then it ends as ever.
        using PosixSignalRegistration interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => UnfinishedFiles.Delete());
        using PosixSignalRegistration terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => UnfinishedFiles.Delete());
        using CliConsole console = CliConsole.OfProcess();
        return CommandLine.Run(args, console);
    }
}
