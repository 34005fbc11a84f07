using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>The kinds of cases where bugs live, so that it can be counted whether laws were tried on them.</summary>
public static class LawClasses
{
    private const double Near = 1e-4;

    /// <summary>All classes.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "one picture", "one query", "one head", "one channel", "one point", "one level", "heads, levels, points and channels all different",
        "a level that is not square", "a level of one pixel", "a level of one row or column",
        "a point on a centre", "a point half-way between centres", "a point on the border", "a point inside", "a point beyond the border",
        "a point far outside", "nearly constant rows", "huge numbers", "tiny numbers", "equal numbers", "unequal padding", "no padding",
        "all but one masked",
    ];

    // Whether a target has such cases at all.
    internal static bool Concerns(string target, string name)
    {
        bool core = target == CoreLaws.Target;
        bool attends = core || target == AttentionLaws.Target;
        return name switch
        {
            "unequal padding" or "no padding" or "all but one masked" => target is AttentionLaws.Target or TransformerLaws.Target,
            "one channel" or "one query" or "one head" or "heads, levels, points and channels all different" => attends,
            "huge numbers" or "tiny numbers" => core,
            "nearly constant rows" or "equal numbers" => attends,
            _ => core || (!name.StartsWith("a point", StringComparison.Ordinal) && (attends || target == TransformerLaws.Target)),
        };
    }

    // The classes that a case and its first call belong to.
    internal static IReadOnlySet<string> Of(LawCase drawn, LawInput input)
    {
        HashSet<string> classes = [];
        foreach ((string symbol, string what) in new[] { ("N", "picture"), ("Lq", "query"), ("M", "head"), ("D", "channel"), ("P", "point") })
        {
            Add(drawn.Sizes.TryGetValue(symbol, out int size) && size == 1, $"one {what}");
        }

        Add(drawn.Levels.Count == 1, "one level");
        Add(
            drawn.Sizes.ContainsKey("D") && drawn.Sizes.ContainsKey("P") && new[] { drawn["M"], drawn["D"], drawn["P"], drawn.Levels.Count }.Distinct().Count() == 4,
            "heads, levels, points and channels all different");
        foreach ((int height, int width) in drawn.Levels)
        {
            Add(height != width, "a level that is not square");
            Add(height == 1 && width == 1, "a level of one pixel");
            Add(height == 1 != (width == 1), "a level of one row or column");
        }

        Add(drawn.Family.Numbers == LawNumbers.NearlyConstant, "nearly constant rows");
        Add(drawn.Family.Numbers == LawNumbers.Huge, "huge numbers");
        Add(drawn.Family.Numbers == LawNumbers.Tiny, "tiny numbers");
        Add(drawn.Family.Numbers == LawNumbers.Equal, "equal numbers");
        if (input.Tensors.TryGetValue("sampling_locations", out Tensor? locations))
        {
            Points((Tensor<float>)locations, drawn.Levels, classes);
        }

        Add(drawn.Family.Masks == LawMasks.None, "no padding");
        Add(drawn.Family.Masks == LawMasks.AllButOne && drawn.Levels.Any(level => level.Height * level.Width > 1), "all but one masked");
        foreach (Tensor<bool> mask in input.Tensors.Values.OfType<Tensor<bool>>())
        {
            Padding(mask, classes);
        }

        return classes;

        void Add(bool holds, string name)
        {
            if (holds)
            {
                classes.Add(name);
            }
        }
    }

    private static void Points(Tensor<float> locations, IReadOnlyList<(int Height, int Width)> levels, HashSet<string> classes)
    {
        TensorShape shape = locations.Shape;
        for (int i = 0; i < locations.Length; i++)
        {
            int level = i / 2 / shape[^2] % shape[^3];
            if (level >= levels.Count)
            {
                continue;
            }

            int size = i % 2 == 0 ? levels[level].Width : levels[level].Height;
            double pixel = (locations.AsReadOnlySpan()[i] * (double)size) - 0.5;
            bool border = Math.Abs(pixel + 0.5) < Near || Math.Abs(pixel - size + 0.5) < Near;
            double fraction = pixel - Math.Floor(pixel);
            classes.Add(
                border ? "a point on the border"
                : pixel < -5 * size || pixel > 5 * size ? "a point far outside"
                : pixel < -0.5 || pixel > size - 0.5 ? "a point beyond the border"
                : fraction is < Near or > 1 - Near ? "a point on a centre"
                : Math.Abs(fraction - 0.5) < Near ? "a point half-way between centres"
                : "a point inside");
        }
    }

    private static void Padding(Tensor<bool> mask, HashSet<string> classes)
    {
        int pictures = mask.Shape[0];
        int length = mask.Length / Math.Max(1, pictures);
        List<int> valid = [];
        for (int n = 0; n < pictures; n++)
        {
            valid.Add(mask.AsReadOnlySpan().Slice(n * length, length).Count(false));
        }

        if (valid.Distinct().Count() > 1)
        {
            classes.Add("unequal padding");
        }
    }
}
