using DeformDetr.Oracle;

namespace DeformDetr.Cli;

// check --op: one operator of a port.
internal static class CheckOperator
{
    // Export: a folder for the smallest failing input; null for none.
    public static int Run(CliConsole console, OperatorCheckRequest request, string? export, string? html, bool json)
    {
        CheckReport report = OperatorCheck.Run(request);
        if (html is not null)
        {
            CheckHtml.WriteFile(report, html);
        }

        ExportedCase? exported = export is null ? null : OperatorExport.Write(request, export);
        if (json)
        {
            console.Json(writer => CheckJson.Write(report, writer));
            return report.Passed ? CommandLine.Done : CommandLine.Failed;
        }

        if (exported is not null)
        {
            exported.Write(console.Out);
            console.WriteLine();
        }
        else if (export is not null)
        {
            console.WriteLine("nothing is exported: no output is wrong that can be run by itself");
            console.WriteLine();
        }

        CheckText.Write(report, console.Out);
        return report.Passed ? CommandLine.Done : CommandLine.Failed;
    }
}
