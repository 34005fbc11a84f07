namespace DeformDetr.Cli.Tests;

public sealed class HelpTests
{
    [Theory]
    [InlineData("demo", "--dtype --kernels --threads --picture --out --json")]
    [InlineData("detect", "--weights --config --variant --threshold --batch --classes --json --coco --out")]
    [InlineData("trace", "--input --weights --config --variant --dtype --kernels --threads --taps --out --json")]
    [InlineData("verify", "--dtype --kernels --threads --bits --write --json")]
    [InlineData("op", "--input --weights --config --variant --set --dtype --kernels --threads --out --list --json")]
    [InlineData("why", "--weights --input --config --variant --port --terms --threads --json")]
    [InlineData("check", "--weights --input --port --config --variant --map --port-dtype --threads --op --set --export-case --html --json")]
    [InlineData("selftest", "--threads --json")]
    [InlineData("laws", "--op --command --cases --seed --law --timeout --export-case --list --json")]
    [InlineData("inspect", "--json")]
    [InlineData("convert", "--layout --config --variant --json")]
    public void Every_command_explains_its_options_and_shows_an_example(string command, string options)
    {
        CliRun run = CliRun.Of(command, "--help").RequireDone();
        Assert.Contains(run.Lines, line => line.StartsWith($"  deform-detr {command}", StringComparison.Ordinal) && !line.Contains("[options]", StringComparison.Ordinal));
        Assert.Contains("Example:", run.Lines);
        Assert.Equal(options.Split(' '), run.Lines.Select(line => line.Trim().Split(' ')[0]).Where(word => word.StartsWith("--", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_root_lists_the_commands_and_the_exit_statuses()
    {
        CliRun run = CliRun.Of("--help").RequireDone();
        foreach (string command in new[] { "demo", "detect", "trace", "verify", "check", "op", "why", "laws", "selftest", "inspect", "convert" })
        {
            Assert.Contains(run.Lines, line => line.StartsWith($"  {command} ", StringComparison.Ordinal));
        }

        Assert.Contains("  deform-detr demo ", run.Out, StringComparison.Ordinal);
        Assert.Contains("Exit status:", run.Lines);
    }

    [Fact]
    public void The_version_is_one_line() => Assert.Equal("deform-detr 0.1.0\n", CliRun.Of("--version").RequireDone().Out);
}
