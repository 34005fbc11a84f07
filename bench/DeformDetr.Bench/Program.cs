using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;

// dotnet run -c Release --project bench/DeformDetr.Bench -- --filter '*Linear*'
// Times are ratios to the textbook body in the same run: these machines are noisy.
IConfig config = DefaultConfig.Instance
    .AddJob(Job.ShortRun)
    .AddDiagnoser(BenchmarkDotNet.Diagnosers.MemoryDiagnoser.Default);
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);
