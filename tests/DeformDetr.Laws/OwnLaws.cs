using System.Globalization;
using DeformDetr.Oracle;

namespace DeformDetr.Laws;

// All laws that our implementation is tried on, and on how many cases.
internal static class OwnLaws
{
    private const int Cases = 200;

    public static ulong Seed { get; } =
        ulong.TryParse(Environment.GetEnvironmentVariable("DEFORMDETR_TEST_SEED"), CultureInfo.InvariantCulture, out ulong seed) ? seed : 2025;

    public static IReadOnlyList<Law> All { get; } = [.. LawSuite.All, .. SecondFormulas.All, .. BitLaws.All];

    public static int CasesOf(Law law) => Math.Max(16, Cases / law.Cost);
}
