using System.CommandLine;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;

namespace DeformDetr.Bench;

internal static class Program
{
    // A word of ours runs a short measurement; everything else goes to BenchmarkDotNet: --filter '*Linear*'.
    private static int Main(string[] args)
    {
        RootCommand root = new("Short measurements, ratios within one run. Anything else is an argument of BenchmarkDotNet.")
        {
            ProbeCommand.Create(),
            GemmCommand.Create(),
            ConvCommand.Create(),
            CoreCommand.Create(),
            ModelCommand.Create(),
            ScalingCommand.Create(),
            LoadCommand.Create(),
            ElementsCommand.Create(),
            NoiseCommand.Create(),
        };
        if (args.Length > 0 && (args[0] is "--help" or "-h" || root.Subcommands.Any(command => command.Name == args[0])))
        {
            return root.Parse(args).Invoke();
        }

        IConfig config = DefaultConfig.Instance
            .AddJob(Job.ShortRun.AsDefault())
            .AddDiagnoser(BenchmarkDotNet.Diagnosers.MemoryDiagnoser.Default);
        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);
        return 0;
    }
}
