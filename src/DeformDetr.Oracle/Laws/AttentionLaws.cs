using System.Text.Json.Nodes;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Laws of the attention module: projections, softmax, locations, core, projection.
internal static class AttentionLaws
{
    public const string Target = "ms_deform_attn";

    private const string Output = "output";

    private static readonly LawSpace Anything = new()
    {
        Symbols = [("N", 1, 3), ("Lq", 1, 4), ("M", 1, 4), ("D", 1, 6), ("P", 1, 4), ("size", 2, 4)],
        Different = ["M", "L", "P", "D"],
        Configured = ["M", "D", "P"],
        Levels = (1, 4),
        MostSide = 5,
        Numbers = [LawNumbers.Plain, LawNumbers.Plain, LawNumbers.NearlyConstant, LawNumbers.Equal],
        Masks = [LawMasks.None, LawMasks.Ragged, LawMasks.Ragged, LawMasks.AllButOne],
        Allowed = c => c["size"] != 3,
    };

    private static readonly LawSpace Padded = Anything with { Masks = [LawMasks.Ragged, LawMasks.AllButOne] };

    private static readonly LawSpace Points = Anything with
    {
        Symbols = [.. Anything.Symbols.Select(size => size.Symbol == "size" ? ("size", 2, 2) : size)],
    };

    private static readonly LawSpace Boxes = Anything with
    {
        Symbols = [.. Anything.Symbols.Select(size => size.Symbol == "size" ? ("size", 4, 4) : size)],
    };

    public static IReadOnlyList<Law> All { get; } =
    [
        Law(
            "weights_sum_to_one", "Σ_lp A = 1, A ≥ 0", "The weights of a head's levels and points are not negative and sum to one.", Anything,
            c => LawTrial.Of(Draw(c), x =>
            {
                Measured weights = x["attention_weights"];
                Measured sums = weights.Reshape([c["N"], c["Lq"], c["M"], c.Levels.Count * c["P"]]).SumLast();
                return Holds.Between("attention_weights", weights, 0, 1) ?? Holds.Near("Σ attention_weights", sums, Measured.Exact(sums.Shape, _ => 1));
            }),
            "attention_weights"),
        Law(
            "masked_tokens", "x[masked] := NaN changes nothing", "A masked token, even if it is NaN, changes no output; its value is zero.", Padded,
            c =>
            {
                LawInput input = Draw(c);
                LawInput poisoned = Poisoned(input, c);
                return LawTrial.Of(input, poisoned, (x, y) =>
                    Holds.Near(Output, y[Output], x[Output]) ?? (y.Has("value") ? Zeros(y, c) : null));
            }),
        Law(
            "logits_shifted", "softmax(z + c) = softmax(z)", "A constant added to the attention bias of one head changes nothing.", Anything,
            c =>
            {
                LawInput input = Draw(c);
                int perHead = c.Levels.Count * c["P"];
                int head = c.Seed % c["M"];
                return LawTrial.Of(
                    input, input.Each("attention_weights.bias", (i, bias) => i / perHead == head ? bias + 2 : bias) with { Rounded = ["attention_weights.bias"] },
                    (x, y) => Holds.Near(Output, y, x));
            }),
        Law(
            "locations_of_points", "φ = r + Δ / (W, H)", "A reference point plus its offset in pixels, over the level's width and height, is the location.",
            Points, Locations, "sampling_locations", "sampling_offsets"),
        Law(
            "locations_of_boxes", "φ = (cx, cy) + Δ / P · ½(w, h)", "A box's centre plus its offset in half boxes over P is the location.", Boxes,
            Locations, "sampling_locations", "sampling_offsets"),
        Law(
            "boxes_as_points", "(w, h) = 2P / (W, H) ⇒ a box is a point", "A box of 2P pixels is sampled as its centre is.", Points, BoxesAsPoints),
        Law(
            "queries_permuted", "f(q∘π, r∘π) = f(q, r)∘π", "Queries in another order give their outputs in that order.", Anything, c =>
            {
                LawInput input = Draw(c);
                int[] order = LawDraw.Order(c.Random(7), c["Lq"]);
                return LawTrial.Of(
                    input, input.Pick(1, order, "query", "reference_points"), (x, y) => Holds.Near(Output, y[Output], x[Output].Pick(1, order)));
            }),
        Law(
            "pictures_alone", "f(x)ₙ = f(xₙ)", "A picture gives in a batch what it gives alone.",
            Anything with { Symbols = [.. Anything.Symbols.Select(size => size.Symbol == "N" ? ("N", 2, 3) : size)] }, c =>
            {
                LawInput input = Draw(c);
                int n = c.Seed % c["N"];
                return LawTrial.Of(
                    input.Pick(0, [n], "query", "reference_points", "input_flatten", "input_padding_mask"), input,
                    (alone, together) => Holds.Near(Output, together[Output].Pick(0, n), alone[Output]));
            }),
        Law(
            "heads_permuted", "weights of heads permuted ⇒ f the same", "Heads in another order, with their weights, give the same output.", Anything,
            HeadsPermuted),
        Law(
            "heads_cloned", "wₘ = w₀ ⇒ sampledₘ = sampled₀", "Heads that share their weights sample the same.", Anything, HeadsCloned, "sampled"),
        Law(
            "levels_permuted", "levels permuted, with their weights ⇒ f the same", "Levels in another order, with their weights, give the same output.",
            Anything, LevelsPermuted),
        Law(
            "linear_in_output_weights", "f(3U, 0) + b = 3f(U, 0) + b", "The output is linear in the last projection's weight, and its bias is added last.",
            Anything, c =>
            {
                LawInput input = Draw(c);
                Tensor<float> bias = input.Real("output_proj.bias");
                return LawTrial.Of(
                    input.Each("output_proj.bias", (_, _) => 0), input.Each("output_proj.weight", (_, w) => 2 * w),
                    (x, y) => Holds.Near(
                        Output, y[Output], x[Output].Times(2).Plus(Measured.Exact(x[Output].Shape, at => bias.AsReadOnlySpan()[at % bias.Length]))));
            }),
        Law(
            "offsets_of_nothing", "Wq = 0, b = 0 for offsets and logits ⇒ f = U·bilinear(v, r)",
            "Without offsets and logits every point reads its level at the reference, all with the same weight.", Points, WithoutOffsets,
            "sampling_locations", "attention_weights"),
        Agreement.Law(Target, Anything, Draw),
    ];

    public static LawInput Draw(LawCase c)
    {
        int channels = c["M"] * c["D"];
        int samples = c["M"] * c.Levels.Count * c["P"];
        Tensor<long> shapes = LawDraw.Shapes(c.Levels);
        Random random = c.Random(11);
        JsonObject config = new()
        {
            ["hidden_dim"] = channels,
            ["nheads"] = c["M"],
            ["num_feature_levels"] = c.Levels.Count,
            ["n_points"] = c["P"],
        };
        LawInput input = LawInput.Of(
            Target, config.ToJsonString(),
            ("query", LawDraw.Numbers(c.Random(1), [c["N"], c["Lq"], channels], c.Family.Numbers)),
            ("reference_points", LawDraw.Between(c.Random(2), [c["N"], c["Lq"], c.Levels.Count, c["size"]], 0, 1)),
            ("input_flatten", LawDraw.Numbers(c.Random(3), [c["N"], c.Tokens, channels], c.Family.Numbers)),
            ("input_spatial_shapes", shapes), ("input_level_start_index", StepKinds.Starts(shapes)),
            ("sampling_offsets.weight", Weight(2 * samples)), ("sampling_offsets.bias", LawDraw.Numbers(random, [2 * samples])),
            ("attention_weights.weight", Weight(samples)), ("attention_weights.bias", LawDraw.Numbers(random, [samples])),
            ("value_proj.weight", Weight(channels)), ("value_proj.bias", LawDraw.Numbers(random, [channels])),
            ("output_proj.weight", Weight(channels)), ("output_proj.bias", LawDraw.Numbers(random, [channels])));
        return c.Family.Masks == LawMasks.None
            ? input
            : input.With(("input_padding_mask", LawDraw.TokenMask(c.Levels, LawDraw.Valid(c.Random(4), c["N"], c.Levels, c.Family.Masks))));

        Tensor<float> Weight(int outputs) => LawDraw.Fill([outputs, channels], _ => LawDraw.Normal(random) / Math.Sqrt(channels));
    }

    private static Law Law(string name, string mathematics, string words, LawSpace space, Func<LawCase, LawTrial> trial, params string[] needs) =>
        new(Target, name, mathematics, words, space, trial) { Needs = needs, Cost = 2 };

    private static LawInput Poisoned(LawInput input, LawCase c)
    {
        Tensor<bool> mask = input.Mask("input_padding_mask");
        int channels = c["M"] * c["D"];
        return input.Each("input_flatten", (i, x) => mask.AsReadOnlySpan()[i / channels] ? double.NaN : x);
    }

    private static LawBreach? Zeros(LawResult result, LawCase c)
    {
        Tensor<bool> mask = result.Input.Mask("input_padding_mask");
        Tensor<double> value = result.Value("value");
        int channels = c["M"] * c["D"];
        Measured expected = Measured.Exact(value.Shape, at => mask.AsReadOnlySpan()[at / channels] ? 0 : value.AsReadOnlySpan()[at]);
        return Holds.Near("value", Measured.Exact(value), expected, "a masked token's value");
    }

    private static LawTrial Locations(LawCase c)
    {
        LawInput input = Draw(c);
        return LawTrial.Of(input, x =>
        {
            Tensor<double> offsets = x.Value("sampling_offsets");
            Tensor<float> references = input.Real("reference_points");
            int size = c["size"];
            Measured expected = Measured.Computed(offsets.Shape, at =>
            {
                int level = at / 2 / c["P"] % c.Levels.Count;
                int query = at / 2 / c["P"] / c.Levels.Count / c["M"];
                int axis = at % 2;
                int reference = (((query * c.Levels.Count) + level) * size) + axis;
                double unit = size == 4 ? references.AsReadOnlySpan()[reference + 2] / (2.0 * c["P"])
                    : 1.0 / (axis == 0 ? c.Levels[level].Width : c.Levels[level].Height);
                return references.AsReadOnlySpan()[reference] + (offsets.AsReadOnlySpan()[at] * unit);
            }, at => 1 + Math.Abs(offsets.AsReadOnlySpan()[at]));
            return Holds.Near("sampling_locations", x["sampling_locations"], expected);
        });
    }

    private static LawTrial BoxesAsPoints(LawCase c)
    {
        LawInput points = Draw(c);
        Tensor<float> references = points.Real("reference_points");
        Tensor<float> boxes = LawDraw.Fill([c["N"], c["Lq"], c.Levels.Count, 4], at =>
        {
            (int height, int width) = c.Levels[at / 4 % c.Levels.Count];
            return (at % 4) switch
            {
                2 => 2.0 * c["P"] / width,
                3 => 2.0 * c["P"] / height,
                int axis => references.AsReadOnlySpan()[(at / 4 * 2) + axis],
            };
        });
        return LawTrial.Of(
            points, points.With(("reference_points", boxes)) with { Rounded = ["reference_points"] }, (x, y) => Holds.Near(Output, y, x));
    }

    private static LawTrial HeadsPermuted(LawCase c)
    {
        LawInput input = Draw(c);
        int[] order = LawDraw.Order(c.Random(7), c["M"]);
        int samples = c.Levels.Count * c["P"];
        LawInput permuted = input
            .Pick(0, Rows(order, 2 * samples), "sampling_offsets.weight", "sampling_offsets.bias")
            .Pick(0, Rows(order, samples), "attention_weights.weight", "attention_weights.bias")
            .Pick(0, Rows(order, c["D"]), "value_proj.weight", "value_proj.bias")
            .Pick(1, Rows(order, c["D"]), "output_proj.weight");
        return LawTrial.Of(input, permuted, (x, y) => Holds.Near(Output, y, x));
    }

    private static LawTrial HeadsCloned(LawCase c)
    {
        int samples = c.Levels.Count * c["P"];
        int[] first = new int[c["M"]];
        LawInput input = Draw(c)
            .Pick(0, Rows(first, 2 * samples), "sampling_offsets.weight", "sampling_offsets.bias")
            .Pick(0, Rows(first, samples), "attention_weights.weight", "attention_weights.bias")
            .Pick(0, Rows(first, c["D"]), "value_proj.weight", "value_proj.bias");
        return LawTrial.Of(input, x =>
        {
            Measured sampled = x["sampled"].Reshape([c["N"], c["Lq"], c["M"], c["D"]]);
            return Holds.Near("sampled", sampled, sampled.Pick(2, first), "heads that share their weights");
        });
    }

    private static LawTrial LevelsPermuted(LawCase c)
    {
        LawInput input = Draw(c);
        int[] order = LawDraw.Order(c.Random(7), c.Levels.Count);
        int[] starts = [.. input.Whole("input_level_start_index").AsReadOnlySpan().ToArray().Select(start => (int)start)];
        int[] tokens = [.. order.SelectMany(level => Enumerable.Range(starts[level], c.Levels[level].Height * c.Levels[level].Width))];
        int[] perHead = [.. Enumerable.Range(0, c["M"]).SelectMany(head => order.Select(level => (head * c.Levels.Count) + level))];
        Tensor<long> shapes = LawDraw.Shapes([.. order.Select(level => c.Levels[level])]);
        LawInput permuted = input
            .Pick(0, Rows(perHead, 2 * c["P"]), "sampling_offsets.weight", "sampling_offsets.bias")
            .Pick(0, Rows(perHead, c["P"]), "attention_weights.weight", "attention_weights.bias")
            .Pick(2, order, "reference_points")
            .Pick(1, tokens, "input_flatten", "input_padding_mask")
            .With(("input_spatial_shapes", shapes), ("input_level_start_index", StepKinds.Starts(shapes)));
        return LawTrial.Of(input, permuted, (x, y) => Holds.Near(Output, y, x));
    }

    private static LawTrial WithoutOffsets(LawCase c)
    {
        LawInput input = Draw(c);
        foreach (string name in new[] { "sampling_offsets.weight", "sampling_offsets.bias", "attention_weights.weight", "attention_weights.bias" })
        {
            input = input.Each(name, (_, _) => 0);
        }

        return LawTrial.Of(input, x =>
        {
            Tensor<float> references = input.Real("reference_points");
            TensorShape shape = x["sampling_locations"].Shape;
            Measured places = Measured.Exact(shape, at =>
            {
                int level = at / 2 / c["P"] % c.Levels.Count;
                int query = at / 2 / c["P"] / c.Levels.Count / c["M"];
                return references.AsReadOnlySpan()[(((query * c.Levels.Count) + level) * 2) + (at % 2)];
            });
            double share = 1.0 / (c.Levels.Count * c["P"]);
            return Holds.Near("sampling_locations", x["sampling_locations"], places)
                ?? Holds.Near("attention_weights", x["attention_weights"], Measured.Exact(x["attention_weights"].Shape, _ => share));
        });
    }

    // Rows of blocks: block b is the rows from b · size on.
    private static int[] Rows(int[] blocks, int size) => [.. blocks.SelectMany(block => Enumerable.Range(block * size, size))];
}
