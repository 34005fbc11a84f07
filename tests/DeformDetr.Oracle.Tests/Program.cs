using DeformDetr.Oracle.Tests.Checking.Reports;
using DeformDetr.Oracle.Tests.Fingerprints;

namespace DeformDetr.Oracle.Tests;

// xunit doesn't come in through here: BitMatrixTests starts this assembly as a program of its own, with switches of the runtime, and
// tests/html-report/render.sh asks it for pages to look at.
internal static class Program
{
    public static int Main(string[] arguments) => arguments switch
    {
        ["bits", string file, string set, string leg] => BitLeg.Run(file, set, leg, Console.Out),
        ["pages", string folder] => WritePages(folder),
        _ => 2,
    };

    private static int WritePages(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach ((string name, Func<CheckReport> report) in SampleReports.All)
        {
            CheckHtml.WriteFile(report(), Path.Combine(folder, $"{name}.html"));
        }

        return 0;
    }
}
