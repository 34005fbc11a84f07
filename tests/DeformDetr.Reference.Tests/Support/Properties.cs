using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;

namespace DeformDetr.Reference.Tests;

internal static class Properties
{
    // The same cases in every run. DEFORMDETR_TEST_SEED=<number> explores others.
    private static readonly ulong Seed =
        ulong.TryParse(Environment.GetEnvironmentVariable("DEFORMDETR_TEST_SEED"), System.Globalization.CultureInfo.InvariantCulture, out ulong seed) ? seed : 2025;

    public static void Holds<TCase>(Gen<TCase> cases, Action<TCase> property, int tests = 100, Func<TCase, IEnumerable<TCase>>? shrink = null) =>
        Prop.ForAll(shrink is null ? Arb.From(cases) : Arb.From(cases, shrink), property)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(tests).WithReplay(FSharpOption<Replay>.Some(new Replay(new Rnd(Seed, 2 * Seed + 1), FSharpOption<int>.None))));
}
