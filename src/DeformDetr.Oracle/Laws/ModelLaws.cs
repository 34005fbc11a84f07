using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Laws of the whole model: from a padded batch of pictures to boxes.
internal static class ModelLaws
{
    public const string Target = "model";

    private const int Cost = 10;

    private static readonly string[] Predictions = ["pred_logits", "pred_boxes"];

    private static readonly LawSpace Pictures = new()
    {
        Symbols =
        [
            ("N", 1, 2), ("H", 1, 80), ("W", 1, 90), ("enc", 0, 1), ("dec", 1, 2), ("Q", 2, 6), ("K", 1, 4), ("P", 1, 3), ("heads", 0, 3), ("variant", 0, 1),
            ("block", 0, 2), ("learned", 0, 1),
        ],
        Configured = ["enc", "dec", "Q", "K", "P", "heads", "variant", "block", "learned"],
        Levels = (1, 5),
        RefusedLevels = [2],
        MostSide = 1,
        Masks = [LawMasks.Ragged, LawMasks.None],
    };

    // Large enough that the nearest pixel of a mask isn't that of the mask a level before.
    private static readonly LawSpace ManyLevels = Pictures with
    {
        Symbols = [.. Pictures.Symbols.Select(size => size.Symbol == "H" ? ("H", 60, 130) : size.Symbol == "W" ? ("W", 60, 150) : size)],
        Levels = (4, 5),
        Masks = [LawMasks.Ragged],
    };

    // Two stages too.
    public static LawSpace Anything { get; } = Pictures with
    {
        Symbols = [.. Pictures.Symbols.Select(size => size.Symbol == "variant" ? ("variant", 0, 2) : size.Symbol == "H" ? ("H", 40, 80) : size.Symbol == "W" ? ("W", 40, 90) : size)],
    };

    public static IReadOnlyList<Law> All { get; } =
    [
        Law(
            "pictures_alone", "f(x)ₙ = f(xₙ) at the same padded size", "A picture gives in a batch what it gives alone at the same padded size.",
            Pictures with { Symbols = [.. Pictures.Symbols.Select(size => size.Symbol == "N" ? ("N", 2, 2) : size)] }, c =>
            {
                LawInput input = Draw(c);
                int n = c.Seed % c["N"];
                return LawTrial.Of(
                    input.Pick(0, [n], "samples.tensor", "samples.mask"), input,
                    (alone, together) => Predictions.Select(name => Holds.Near(name, together[name].Pick(0, n), alone[name])).FirstOrDefault(b => b is not null));
            }),
        Law(
            "batch_norm_folded", "½γ · (2W·x − 2μ) = γ · (W·x − μ)",
            "Weights of a convolution doubled, with the frozen mean doubled and the frozen scale halved, change nothing.", Pictures, c =>
            {
                LawInput input = Draw(c);
                const string Norm = "backbone.0.body.bn1";
                LawInput folded = input.Each("backbone.0.body.conv1.weight", (_, w) => 2 * w).Each($"{Norm}.running_mean", (_, m) => 2 * m)
                    .Each($"{Norm}.weight", (_, w) => w / 2);
                return LawTrial.Of(input, folded, Same);
            }),
        Law(
            "backbone_channels_permuted", "channels of conv1 permuted, with what reads them ⇒ the same",
            "The order of the channels between two convolutions does not matter.", Pictures, c =>
            {
                LawInput input = Draw(c);
                const string Body = "backbone.0.body";
                int[] order = LawDraw.Order(c.Random(7), 4);
                const string Block = $"{Body}.layer1.0";
                LawInput permuted = input
                    .Pick(0, order, $"{Block}.conv1.weight", $"{Block}.bn1.weight", $"{Block}.bn1.bias", $"{Block}.bn1.running_mean", $"{Block}.bn1.running_var")
                    .Pick(1, order, $"{Block}.conv2.weight");
                return LawTrial.Of(input, permuted, Same);
            }),
        Law(
            "classes_permuted", "class_embed∘π ⇒ pred_logits∘π", "Classes in another order give their logits in that order.", Pictures, c =>
            {
                LawInput input = Draw(c);
                int[] order = LawDraw.Order(c.Random(7), c["K"]);
                string[] heads = [.. input.Tensors.Keys.Where(name => name.StartsWith("class_embed.", StringComparison.Ordinal))];
                return LawTrial.Of(
                    input, input.Pick(0, order, heads), (x, y) => Holds.Near("pred_logits", y["pred_logits"], x["pred_logits"].Pick(2, order)));
            }),
        Law(
            "queries_permuted", "query_embed∘π ⇒ pred∘π", "Queries in another order give their predictions in that order.", Pictures, c =>
            {
                LawInput input = Draw(c);
                int[] order = LawDraw.Order(c.Random(7), c["Q"]);
                return LawTrial.Of(
                    input, input.Pick(0, order, "query_embed.weight"),
                    (x, y) => Predictions.Select(name => Holds.Near(name, y[name], x[name].Pick(1, order))).FirstOrDefault(b => b is not null));
            }),
        Law(
            "masks_of_levels", "masks.l[i, j] = mask[⌊i·H/h⌋, ⌊j·W/w⌋]",
            "Each level's mask, of the levels beyond the backbone too, is the pictures' mask at the nearest pixel.", ManyLevels,
            c => LawTrial.Of(Draw(c), LevelMasks), "masks.0", "masks.1", "masks.2", "masks.3"),
        Law(
            "boxes_are_fractions", "0 ≤ pred_boxes ≤ 1", "Boxes are fractions of the picture.", Pictures,
            c => LawTrial.Of(Draw(c), x => Holds.Between("pred_boxes", x["pred_boxes"], 0, 1))),
        Agreement.Law(Target, Pictures, Draw, Cost),
    ];

    public static LawInput Draw(LawCase c)
    {
        DeformableDetrConfig config = LawModels.Config(c);
        Random random = c.Random(1);
        (int Height, int Width)[] sizes =
            [.. Enumerable.Range(0, c["N"]).Select(_ => c.Family.Masks == LawMasks.None ? (c["H"], c["W"]) : (random.Next(1, c["H"] + 1), random.Next(1, c["W"] + 1)))];
        Tensor<bool> mask = LawDraw.Mask((c["H"], c["W"]), sizes);
        Tensor<float> samples = LawDraw.Numbers(c.Random(2), [c["N"], 3, c["H"], c["W"]]);
        int area = c["H"] * c["W"];
        for (int i = 0; i < samples.Length; i++)
        {
            if (mask.AsReadOnlySpan()[(i / area / 3 * area) + (i % area)])
            {
                samples.AsSpan()[i] = 0;
            }
        }

        return LawInput.Of(
            Target, LawModels.Json(config),
            [("samples.tensor", samples), ("samples.mask", mask), .. LawModels.Weights(config, c.Seed, weights => _ = new DeformableDetr<float>(config, weights))]);
    }

    private static Law Law(string name, string mathematics, string words, LawSpace space, Func<LawCase, LawTrial> trial, params string[] needs) =>
        new(Target, name, mathematics, words, space, trial) { Needs = needs, Cost = Cost };

    private static LawBreach? LevelMasks(LawResult x)
    {
        Tensor<bool> pictures = (Tensor<bool>)x.Input.Tensors["samples.mask"];
        for (int level = 0; x.Has(Name(level)); level++)
        {
            Tensor<bool> mask = (Tensor<bool>)x.Raw(Name(level));
            for (int at = 0; at < mask.Length; at++)
            {
                int[] index = OperatorCheck.Index(mask.Shape, at);
                bool expected = pictures[
                    index[0], index[1] * pictures.Shape[1] / mask.Shape[1], index[2] * pictures.Shape[2] / mask.Shape[2]];
                if (mask.AsReadOnlySpan()[at] != expected)
                {
                    return new LawBreach(Name(level), index, expected ? 0 : 1, expected ? 1 : 0, 0, "1 is padding");
                }
            }
        }

        return null;

        static string Name(int level) => FormattableString.Invariant($"masks.{level}");
    }

    private static LawBreach? Same(LawResult x, LawResult y) =>
        Predictions.Select(name => Holds.Near(name, y, x)).FirstOrDefault(breach => breach is not null);
}
