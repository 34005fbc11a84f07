using System.CommandLine;
using DeformDetr.Oracle;

namespace DeformDetr.Cli;

internal static class SelfTestCommand
{
    public static Command Create(CliConsole console)
    {
        Option<int?> threads = CliOptions.Threads("How many checks run side by side");
        Option<bool> json = CliOptions.Json();
        Command command = new(
            "selftest",
            "Check the checker: plant every mistake of the catalogue, and other faults, in the reference's own dumps, and count how many "
            + "'check' catches, locates and names; and give it healthy dumps, none of which it may refuse.")
        {
            threads, json,
        };
        command.SetAction(parsed =>
        {
            SelfTestReport report = console.Track(
                "selftest", 0, step => SelfTest.Run(CliOptions.Cores(parsed.GetValue(threads)), step));
            if (parsed.GetValue(json))
            {
                console.Json(writer => SelfTestJson.Write(report, writer));
            }
            else
            {
                Write(console, report);
            }

            return report.Passed ? CommandLine.Done : CommandLine.Failed;
        });
        return command;
    }

    private static void Write(CliConsole console, SelfTestReport report)
    {
        foreach (PlantedFault fault in report.Planted.Where(fault => fault.Said is not null))
        {
            console.WriteLine($"planted  {fault.Name} ({fault.Model}, {fault.Tensor}): {fault.Said}");
        }

        foreach (HealthyDump dump in report.Healthy.Where(dump => !dump.Passed))
        {
            console.WriteLine($"healthy  {dump.Name}: {dump.Said}");
        }

        int known = report.Known.Count;
        int others = report.Planted.Count - known;
        console.WriteLine(
            $"mistakes of the catalogue: {known} planted, {report.Known.Count(fault => fault.Caught)} caught, "
            + $"{report.Known.Count(fault => fault.Located)} located, {report.Known.Count(fault => fault.Named)} named");
        console.WriteLine(
            $"other faults: {others} planted, {report.Planted.Count(fault => !fault.Known && fault.Caught)} caught, "
            + $"{report.Planted.Count(fault => !fault.Known && fault.Located)} located");
        console.WriteLine(
            $"healthy dumps: {report.Healthy.Count} checked, {report.Healthy.Count(dump => dump.Passed)} passed, "
            + $"the largest injected error {Numbers.Score(report.Healthy.Max(dump => dump.Largest))} noise");
        console.WriteLine($"{(report.Passed ? "the checker is right" : "the checker is WRONG")}, {Numbers.Seconds(TimeSpan.FromSeconds(report.Seconds))}");
    }
}
