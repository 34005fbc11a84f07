using System.Text.Json;
using System.Text.RegularExpressions;
using DeformDetr.Formats;
using DeformDetr.Reference;

namespace DeformDetr.Oracle.Tests.Documentation;

/// <summary>What the texts name is there: files, members, commands, variants.</summary>
public class TextsTests
{
    // Types of .NET that texts mention as Type.Member.
    private static readonly string[] Foreign = ["Math", "MathF", "TensorPrimitives"];

    public static TheoryData<string> All => [.. Texts.Names];

    [Theory]
    [MemberData(nameof(All))]
    public void Every_file_that_a_text_names_exists(string name)
    {
        IEnumerable<string> links = Regex.Matches(Texts.Read(name), @"\]\(([^)#:]+)\)").Select(match => Path.Combine(Path.GetDirectoryName(name)!, match.Groups[1].Value));
        string[] paths = [.. Texts.Code(name).Where(code => Regex.IsMatch(code, @"^(src|tests|golden|docs|bench)(/[\w./-]+)?$")), .. links];
        Assert.NotEmpty(paths);
        Texts.RequireNone(paths.Where(path => !Path.Exists(Path.Combine(RepositoryFiles.Root, path))));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Every_member_that_a_text_names_exists(string name)
    {
        string[][] members =
        [
            .. Texts.Code(name)
                .Where(code => Regex.IsMatch(code, @"^[A-Z]\w+\.[A-Z]\w+$"))
                .Select(code => code.Split('.'))
                .Where(parts => !Foreign.Contains(parts[0]) && parts[0] is not "DeformDetr"),
        ];
        Texts.RequireNone(members.Where(parts => !SourceMembers.Exists(parts[0], parts[1]) && !IsCommandLine(parts[0])).Select(parts => string.Join('.', parts)));
    }

    [Fact]
    public void Every_operator_of_the_table_of_orders_exists()
    {
        string[] operators =
        [
            .. Texts.Rows("docs/numerics.md", "Orders, operator by operator").Skip(1)
                .SelectMany(cells => Regex.Matches(cells[0], "`([^`]+)`")).Select(match => match.Groups[1].Value),
        ];
        Assert.True(operators.Length > 30);
        Texts.RequireNone(operators.Where(type => !SourceMembers.IsType(type)));
    }

    [Fact]
    public void The_projects_and_files_of_the_readme_s_commands_exist()
    {
        string[] commands = [.. Texts.Blocks("README.md").Select(entry => entry.Line).Where(line => line.StartsWith("dotnet ", StringComparison.Ordinal))];
        Assert.Equal(["dotnet run -c Release --project src/DeformDetr.Cli -- demo", "dotnet test -c Release"], commands);
        Assert.True(File.Exists(Path.Combine(RepositoryFiles.Root, "src/DeformDetr.Cli/DeformDetr.Cli.csproj")));
        Assert.Equal(["DeformDetr.Reference.sln"], Directory.GetFiles(RepositoryFiles.Root, "*.sln*").Select(Path.GetFileName));
    }

    [Fact]
    public void The_commands_and_options_of_the_readme_exist()
    {
        string source = string.Concat(Directory.GetFiles(Path.Combine(RepositoryFiles.Root, "src/DeformDetr.Cli"), "*.cs").Select(File.ReadAllText));
        string[] commands = [.. Texts.Blocks("README.md").Select(entry => entry.Line).Where(line => line.StartsWith("deform-detr ", StringComparison.Ordinal))];
        Assert.True(commands.Length >= 5);
        IEnumerable<string> words = commands.Select(line => line.Split(' ')[1]).Concat(commands.SelectMany(line => line.Split(' ')).Where(word => word.StartsWith("--", StringComparison.Ordinal)));
        Texts.RequireNone(words.Distinct().Where(word => !source.Contains($"\"{word}\"", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_readme_lists_the_variants_as_they_are()
    {
        string[][] rows = [.. Texts.Rows("README.md", "Variants").Skip(1)];
        Assert.Equal(DeformableDetrConfig.Variants.Keys.Order(StringComparer.Ordinal), rows.Select(row => row[0].Trim('`')).Order(StringComparer.Ordinal));
        foreach (string[] row in rows)
        {
            DeformableDetrConfig config = DeformableDetrConfig.Variants[row[0].Trim('`')];
            Assert.Equal(
                (config.NumFeatureLevels.ToString(System.Globalization.CultureInfo.InvariantCulture), config.WithBoxRefine, config.TwoStage, config.Dilation),
                (row[2], row[3] == "yes", row[4] == "yes", row[5] == "yes"));
        }
    }

    [Fact]
    public void The_readme_counts_the_cases_and_the_demo_s_tensors()
    {
        int cases = Directory.GetFiles(Path.Combine(RepositoryFiles.Golden, "cases"), "case.json", SearchOption.AllDirectories).Length;
        Assert.Contains($"`golden/cases` ({cases})", Texts.Read("README.md"), StringComparison.Ordinal);
        using TensorFile expected = TensorFile.Open(Path.Combine(RepositoryFiles.Golden, "demo/expected.safetensors"));
        Assert.Contains($"the prepared pictures and {expected.Entries.Count} tensors", Texts.Read("README.md"), StringComparison.Ordinal);
    }

    [Fact]
    public void F5_starts_the_demo_on_one_picture_with_textbook_kernels()
    {
        using JsonDocument launch = JsonDocument.Parse(Texts.Read(".vscode/launch.json"));
        using JsonDocument tasks = JsonDocument.Parse(Texts.Read(".vscode/tasks.json"));
        string[] labels = [.. tasks.RootElement.GetProperty("tasks").EnumerateArray().Select(task => task.GetProperty("label").GetString()!)];
        JsonElement[] configurations = [.. launch.RootElement.GetProperty("configurations").EnumerateArray()];
        Assert.Equal("demo --kernels textbook --picture 1", Arguments(configurations[0]));
        Assert.StartsWith("verify golden/cases/", Arguments(configurations[1]), StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(RepositoryFiles.Root, Arguments(configurations[1]).Split(' ')[1], "case.json")));
        Assert.All(configurations, configuration => Assert.Contains(configuration.GetProperty("preLaunchTask").GetString(), labels));
        string project = File.ReadAllText(Path.Combine(RepositoryFiles.Root, "src/DeformDetr.Cli/DeformDetr.Cli.csproj"));
        Assert.All(configurations, configuration => Assert.Equal(
            $"${{workspaceFolder}}/src/DeformDetr.Cli/bin/Debug/net10.0/{Regex.Match(project, "<AssemblyName>(.*)</AssemblyName>").Groups[1].Value}.dll", configuration.GetProperty("program").GetString()));
    }

    private static string Arguments(JsonElement configuration) => string.Join(' ', configuration.GetProperty("args").EnumerateArray().Select(word => word.GetString()));

    private static bool IsCommandLine(string type) => File.Exists(Path.Combine(RepositoryFiles.Root, "src/DeformDetr.Cli", $"{type}.cs"));
}
