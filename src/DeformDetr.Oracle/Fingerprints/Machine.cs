using System.Collections;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DeformDetr.Oracle;

/// <summary>What a run's bits must not depend on: the processor's vectors, and how the program is compiled.</summary>
public static class Machine
{
    private static readonly string[] SwitchPrefixes =
    [
        "DOTNET_Enable", "DOTNET_JIT", "DOTNET_PreferredVector", "DOTNET_MaxVector", "DOTNET_Tiered", "DOTNET_TC_", "DOTNET_ReadyToRun",
    ];

    /// <summary>Bits of the widest vectors that this process may use; 0 for none.</summary>
    public static int VectorBits =>
        Vector512.IsHardwareAccelerated ? 512
        : Vector256.IsHardwareAccelerated ? 256
        : Vector128.IsHardwareAccelerated ? 128
        : 0;

    /// <summary>Whether the program was built without optimisation.</summary>
    public static bool IsDebug =>
        typeof(Machine).Assembly.GetCustomAttribute<DebuggableAttribute>() is { IsJITOptimizerDisabled: true };

    /// <summary>Processor, vectors, build, and the runtime's switches that are set, in one line.</summary>
    public static string Description
    {
        get
        {
            IEnumerable<string> switches =
                from DictionaryEntry variable in Environment.GetEnvironmentVariables()
                let name = (string)variable.Key
                where SwitchPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
                orderby name
                select $"{name}={variable.Value}";
            string vectors = VectorBits == 0 ? "no vectors" : FormattableString.Invariant($"{VectorBits}-bit vectors");
            return string.Join(
                ", ",
                [
                    RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant(), vectors,
                    IsDebug ? "Debug build" : "Release build", .. switches,
                ]);
        }
    }
}
