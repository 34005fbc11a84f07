using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace DeformDetr.Tensors.Tests;

// A ban that never fires is worse than none: an overload that the compiler doesn't pick, a name that was mistyped. tests/BannedCanary commits every
// banned act once, on the line that names the ban; it is built here and the analyzer must object to each of these lines and to nothing else.
public class BannedSymbolsTests
{
    private static readonly string Root = FindRoot();

    [Fact]
    public void Every_ban_fires()
    {
        Dictionary<string, string> reasons = Bans().ToDictionary(ban => ban.Id, ban => ban.Reason);
        Dictionary<int, string> canary = CanaryLines().ToDictionary(line => line.Number, line => line.Id);
        HashSet<string> fired = [];
        foreach ((int line, string message) in Objections())
        {
            Assert.True(canary.TryGetValue(line, out string? id), $"Canary.cs({line}): objected to without a ban behind it: {message}");
            Assert.EndsWith(": " + reasons[id], message, StringComparison.Ordinal);
            Assert.True(fired.Add(id), $"Canary.cs({line}): fires twice: {message}");
        }

        Assert.Empty(reasons.Keys.Except(fired));
    }

    [Fact]
    public void The_canary_has_one_line_for_every_ban_in_the_same_order() => Assert.Equal(Bans().Select(ban => ban.Id), CanaryLines().Select(line => line.Id));

    [Fact]
    public void Every_ban_has_a_reason_and_stands_once()
    {
        Assert.All(Bans(), ban => Assert.NotEmpty(ban.Reason));
        Assert.Equal(Bans().Count, Bans().Select(ban => ban.Id).Distinct().Count());
    }

    private static List<(string Id, string Reason)> Bans() =>
        [.. File.ReadLines(Path.Combine(Root, "BannedSymbols.txt")).Where(line => line.Length > 0).Select(line => (line.Split(';')[0], line.Split(';', 2)[1]))];

    private static List<(int Number, string Id)> CanaryLines() =>
        [.. File.ReadLines(Path.Combine(Root, "tests", "BannedCanary", "Canary.cs"))
            .Select((text, i) => (i + 1, text))
            .Where(line => line.text.StartsWith("        ", StringComparison.Ordinal) && line.text.Contains("; // ", StringComparison.Ordinal))
            .Select(line => (line.Item1, line.text[(line.text.IndexOf("; // ", StringComparison.Ordinal) + 5)..]))];

    // Built beside the checkout's own output, so that a build that runs at the same time is not disturbed. Each (line, message) once.
    private static HashSet<(int Line, string Message)> Objections()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("banned-canary-");
        try
        {
            string log = Path.Combine(folder.FullName, "canary.sarif");
            string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
            ProcessStartInfo start = new(host)
            {
                WorkingDirectory = folder.FullName,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                ArgumentList =
                {
                    "build", Path.Combine(Root, "tests", "BannedCanary", "BannedCanary.csproj"), "--nologo", "-v:quiet", "-nodeReuse:false", "-p:UseSharedCompilation=false",
                    $"-p:BaseIntermediateOutputPath={folder.FullName}/obj/", $"-p:OutputPath={folder.FullName}/bin/", $"-p:ErrorLog={log}%2cversion=2.1",
                },
            };

            // What the build that runs this test has set for itself is not for that one.
            foreach (string variable in new[] { "MSBUILD_EXE_PATH", "MSBuildSDKsPath", "MSBuildExtensionsPath", "MSBUILDLOADALLFILESASREADONLY" })
            {
                start.Environment.Remove(variable);
            }

            using Process process = Process.Start(start)!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"the canary does not build:\n{output}\n{error.Result}");

            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(log));
            HashSet<(int, string)> objections = [];
            foreach (JsonElement result in document.RootElement.GetProperty("runs")[0].GetProperty("results").EnumerateArray())
            {
                if (result.GetProperty("ruleId").GetString() == "RS0030")
                {
                    int line = result.GetProperty("locations")[0].GetProperty("physicalLocation").GetProperty("region").GetProperty("startLine").GetInt32();
                    objections.Add((line, result.GetProperty("message").GetProperty("text").GetString()!));
                }
            }

            return objections;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string FindRoot([CallerFilePath] string source = "")
    {
        // From where this file was compiled, or from where the assembly lies.
        foreach (string start in new[] { Path.GetDirectoryName(source)!, AppContext.BaseDirectory })
        {
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "BannedSymbols.txt")))
                {
                    return folder.FullName;
                }
            }
        }

        throw new DirectoryNotFoundException("BannedSymbols.txt is in no folder above the tests.");
    }
}
