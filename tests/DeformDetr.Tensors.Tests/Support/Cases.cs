using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;

namespace DeformDetr.Tensors.Tests.Support;

/// <summary>Sizes, and what the values are drawn from: a failure shrinks to sizes that a person can hold.</summary>
internal sealed record Case(int[] Sizes, int Seed, Family Family)
{
    public int this[int axis] => Sizes[axis];

    public Random Random() => new(Seed);

    /// <summary>Rounding errors of equal terms all point the same way: the statistics of random ones don't hold.</summary>
    public bool IsRegular => Family is Family.AllEqual or Family.NearConstant;

    public override string ToString() => FormattableString.Invariant($"sizes [{string.Join(", ", Sizes)}], seed {Seed}, {Family}");
}

/// <summary>From least to most: mostly small, sometimes anything, sometimes a size around a tile's or a block's edge.</summary>
internal readonly record struct Axis(int Least, int Most)
{
    private static readonly int[] Awkward = [5, 6, 7, 11, 12, 13, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 257, 511, 512, 513];

    public Gen<int> Sizes()
    {
        int least = Least;
        int most = Most;
        int[] awkward = [.. Awkward.Where(size => size >= least && size <= most)];
        List<Gen<int>> kinds = [Gen.Choose(least, Math.Min(most, least + 8)), Gen.Choose(least, most)];
        if (awkward.Length > 0)
        {
            kinds.Add(Gen.Elements(awkward));
        }

        return Gen.OneOf(kinds);
    }
}

internal static class Cases
{
    private static readonly Family[] Families = Enum.GetValues<Family>();

    /// <summary>Checks a law on drawn cases, the same ones in every run; the law throws where it doesn't hold.</summary>
    public static void Check(int count, Axis[] axes, Action<Case> law, params Family[] families)
    {
        Family[] among = families.Length == 0 ? Families : families;
        Gen<Case> gen =
            from sizes in Gen.CollectToArray(axes, axis => axis.Sizes())
            from seed in Gen.Choose(0, 1_000_000)
            from family in Gen.Elements(among)
            select new Case(sizes, seed, family);
        Arbitrary<Case> arbitrary = Arb.From(gen, c => Smaller(c, axes));
        Config config = Config.QuickThrowOnFailure.WithMaxTest(count).WithQuietOnSuccess(true)
            .WithReplay(FSharpOption<Replay>.Some(new Replay(new Rnd(20_201_204, 1), FSharpOption<int>.None)));
        FsCheck.Check.One(config, Prop.ForAll(arbitrary, law));
    }

    private static IEnumerable<Case> Smaller(Case c, Axis[] axes)
    {
        for (int axis = 0; axis < axes.Length; axis++)
        {
            foreach (int size in new[] { axes[axis].Least, c[axis] / 2, c[axis] - 1 }.Where(s => s >= axes[axis].Least && s < c[axis]).Distinct())
            {
                int[] sizes = [.. c.Sizes];
                sizes[axis] = size;
                yield return c with { Sizes = sizes };
            }
        }
    }
}
