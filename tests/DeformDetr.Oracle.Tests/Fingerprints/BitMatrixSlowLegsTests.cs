namespace DeformDetr.Oracle.Tests.Fingerprints;

/// <summary>The legs of <see cref="BitMatrixTests"/> that are slow: narrow vectors or none, and code that is not optimised.</summary>
public class BitMatrixSlowLegsTests
{
    [Theory]
    [InlineData(BitLeg.SmallAndDemo, "DOTNET_EnableAVX2", "DOTNET_EnableAVX2=0")]
    [InlineData(BitLeg.Small, "DOTNET_EnableHWIntrinsic", "DOTNET_EnableHWIntrinsic=0")]
    [InlineData(BitLeg.Small, "DOTNET_JITMinOpts", "DOTNET_JITMinOpts=1")]
    public void Every_tensor_of_the_golden_cases_has_the_committed_bits(string set, string leg, params string[] switches) =>
        BitLegProcess.RequireSame(set, leg, switches);
}
