using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace DeformDetr.Oracle.Tests.Checking.Reports;

// For tests that open pages in a browser; skipped, and said so, where there is none. CheckHtmlTests look at the structure anywhere.
internal sealed class ChromiumFactAttribute : FactAttribute
{
    private static readonly string[] Candidates = ["chromium", "chromium-browser", "google-chrome"];

    private static readonly Lazy<string?> Found = new(() => Candidates.FirstOrDefault(browser => Run(browser, ["--version"]).ExitCode == 0));

    public ChromiumFactAttribute()
    {
        if (Found.Value is null)
        {
            Skip = "needs Chromium (Debian: apt-get install -y --no-install-recommends chromium); the page was not opened in a browser";
        }
    }

    // What the document is once its scripts have run, and what the browser said.
    public static (string Document, string Log) Open(string path, bool dark, string profile)
    {
        (int exitCode, string output, string log) = Run(
            Found.Value!,
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--allow-file-access-from-files",
                $"--user-data-dir={profile}", $"--blink-settings=preferredColorScheme={(dark ? 0 : 1)}", "--window-size=1400,900",
                "--virtual-time-budget=20000", "--dump-dom", new Uri(path).AbsoluteUri,
            ]);
        Assert.True(exitCode == 0, log);
        return (output, log);
    }

    private static (int ExitCode, string Output, string Error) Run(string program, string[] arguments)
    {
        try
        {
            ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.UTF8 };
            using Process process = Process.Start(start)!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(TimeSpan.FromMinutes(3)))
            {
                process.Kill(entireProcessTree: true);
                return (-1, "", "took more than three minutes");
            }

            return (process.ExitCode, output.Result, error.Result);
        }
        catch (Win32Exception)
        {
            return (-1, "", "no such program");
        }
    }
}
