using DeformDetr.Oracle.Tests.Fingerprints;

namespace DeformDetr.Oracle.Tests;

// xunit doesn't come in through here: BitMatrixTests starts this assembly as a program of its own, with switches of the runtime.
internal static class Program
{
    public static int Main(string[] arguments) =>
        arguments is ["bits", string file, string set, string leg] ? BitLeg.Run(file, set, leg, Console.Out) : 2;
}
