using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Laws of the transformer: from maps, masks and positions to what the decoder puts out.
internal static class TransformerLaws
{
    public const string Target = "transformer";

    // Seven levels of proposals start at sides of 0.05, 0.1, 0.2 and 0.4, and everything above is invalid, so four are enough.
    private static readonly LawSpace Anything = new()
    {
        Symbols = [("N", 1, 3), ("enc", 0, 2), ("dec", 1, 2), ("Q", 2, 6), ("K", 1, 4), ("P", 1, 3), ("heads", 0, 3), ("variant", 0, 1)],
        Configured = ["enc", "dec", "Q", "K", "P", "heads", "variant"],
        Levels = (1, 4),
        RefusedLevels = [2],
        MostSide = 6,
        Masks = [LawMasks.None, LawMasks.Ragged, LawMasks.Ragged, LawMasks.AllButOne],
    };

    private static readonly LawSpace Padded = Anything with { Masks = [LawMasks.Ragged, LawMasks.AllButOne] };

    private static readonly LawSpace Refined = With(Anything, ("variant", 1, 1));

    private static readonly LawSpace Encoding = With(Anything, ("enc", 1, 2));

    private static readonly LawSpace TwoStage = With(Padded, ("variant", 2, 2), ("enc", 0, 1), ("dec", 1, 1), ("N", 1, 2)) with
    {
        Levels = (3, 4),
        Allowed = c => c["Q"] <= c.Tokens,
    };

    public static IReadOnlyList<Law> All { get; } =
    [
        Law(
            "masked_tokens", "src[masked] := NaN ⇒ memory[valid], hs, boxes the same",
            "A masked token of src_flatten, even if it is NaN, changes no unmasked token and no tensor of the decoder.", Padded, MaskedTokens),
        Law(
            "masked_tokens_two_stage", "src[masked] := NaN ⇒ hs, proposals the same",
            "A masked token changes no proposal either, although masked ones may be chosen.", TwoStage, MaskedTokens),
        Law(
            "pictures_alone", "f(x)ₙ = f(xₙ)", "A picture gives in a batch what it gives alone.", With(Anything, ("N", 2, 3)), c =>
            {
                LawInput input = Draw(c);
                int n = c.Seed % c["N"];
                string[] names = [.. input.Tensors.Keys.Where(name => LawTargets.IsInput(Target, name))];
                return LawTrial.Of(
                    input.Pick(0, [n], names), input,
                    (alone, together) => Outputs(c, together).Select(name => Holds.Near(name, together[name].Pick(0, n), alone[name])).FirstOrDefault(b => b is not null));
            }),
        Law(
            "padded_further", "more padding, ratios corrected ⇒ reference points in pixels, memory, hs the same",
            "Padding a picture further leaves its reference points' pixel positions, its valid tokens and its detections.", Anything, PaddedFurther),
        Law(
            "weights_sum_to_one", "Σ_lp A = 1, A ≥ 0 in every layer", "In every layer the weights of a head's levels and points sum to one.", Encoding,
            WeightsSumToOne),
        Law(
            "zero_delta", "bbox_embed = 0 ⇒ box = reference", "Refinement by nothing leaves the box, within the clamp of inverse sigmoid.", Refined, ZeroDelta,
            "transformer.decoder.reference_points.0", "transformer.reference_points"),
        Law(
            "queries_permuted", "query_embed∘π ⇒ hs∘π", "Queries in another order give their outputs in that order.", Anything, c =>
            {
                LawInput input = Draw(c);
                int[] order = LawDraw.Order(c.Random(7), c["Q"]);
                return LawTrial.Of(input, input.Pick(0, order, "query_embed.weight"), (x, y) => Holds.Near("hs.0", y["hs.0"], x["hs.0"].Pick(1, order)));
            }),
        Law(
            "level_embed_as_position", "level_embed[l] + c, pos[l] − c ⇒ the same", "A constant may be moved from a level's embedding to its positions.",
            Encoding, LevelEmbed),
        Law(
            "feed_forward_permuted", "hidden units permuted, with their weights ⇒ the same", "The order of a feed-forward block's hidden units does not matter.",
            Encoding, c =>
            {
                LawInput input = Draw(c);
                int[] order = LawDraw.Order(c.Random(7), 12);
                LawInput permuted = input;
                foreach (string layer in new[] { "transformer.encoder.layers.0", "transformer.decoder.layers.0" })
                {
                    permuted = permuted.Pick(0, order, $"{layer}.linear1.weight", $"{layer}.linear1.bias").Pick(1, order, $"{layer}.linear2.weight");
                }

                return LawTrial.Of(input, permuted, (x, y) => Same(c, x, y));
            }),
        Law(
            "self_attention_keys", "in_proj_bias[k] + c ⇒ the same", "A constant added to the keys of the decoder's self-attention changes nothing.", Anything, c =>
            {
                LawInput input = Draw(c);
                const string Bias = "transformer.decoder.layers.0.self_attn.in_proj_bias";
                return LawTrial.Of(
                    input, input.Each(Bias, (i, b) => i / 32 == 1 ? b + 0.5 : b) with { Rounded = [Bias] }, (x, y) => Same(c, x, y));
            }),
        Law(
            "layer_norm_of_outputs", "(hs − b) / w has mean 0 and variance ≤ 1", "What leaves a layer is normed: mean zero, variance at most one.", Anything,
            Normed),
        Law(
            "proposals_two_stage", "masked or invalid ⇒ +∞; their memory and logits are one row; chosen ⇒ the box (1,1,1,1)",
            "Proposals at masked or invalid places are +inf in the coordinates, share one row of output_memory and one logit, and where chosen become the box (1,1,1,1).",
            TwoStage, Proposals,
            "transformer.output_proposals", "transformer.output_memory", "transformer.enc_outputs_class", "transformer.topk_proposals", "transformer.reference_points"),
        Law(
            "proposals_chosen", "topk = the Q largest class-0 logits, descending",
            "The tokens that go on are those with the largest logits of class 0, largest first, with their own coordinates.", TwoStage, Chosen,
            "transformer.enc_outputs_class", "transformer.topk_proposals", "transformer.topk_coords_unact", "transformer.enc_outputs_coord_unact"),
        Agreement.Law(Target, Anything, Draw, Cost),
        Agreement.Law(Target, TwoStage, Draw, Cost, "_two_stage"),
    ];

    private const int Cost = 4;

    public static LawInput Draw(LawCase c)
    {
        DeformableDetrConfig config = LawModels.Config(c);
        List<(string, Tensor)> tensors = [];
        (int Height, int Width)[][] valid = LawDraw.Valid(c.Random(1), c["N"], c.Levels, c.Family.Masks);
        for (int l = 0; l < c.Levels.Count; l++)
        {
            TensorShape map = [c["N"], config.HiddenDim, c.Levels[l].Height, c.Levels[l].Width];
            tensors.Add((FormattableString.Invariant($"srcs.{l}"), LawDraw.Numbers(c.Random(20 + l), map)));
            tensors.Add((FormattableString.Invariant($"masks.{l}"), LawDraw.Mask(c.Levels[l], valid.Select(picture => picture[l]))));
            tensors.Add((FormattableString.Invariant($"pos.{l}"), LawDraw.Numbers(c.Random(40 + l), map)));
        }

        tensors.AddRange(LawModels.Weights(config, c.Seed, weights =>
        {
            Heads<float> heads = new(weights, config);
            _ = new DeformableTransformer<float>(weights, config, heads);
        }));
        return LawInput.Of(Target, LawModels.Json(config), [.. tensors]);
    }

    private static LawSpace With(LawSpace space, params (string Symbol, int Least, int Most)[] sizes) => space with
    {
        Symbols = [.. space.Symbols.Select(one => sizes.Any(other => other.Symbol == one.Symbol) ? sizes.First(other => other.Symbol == one.Symbol) : one)],
    };

    private static Law Law(string name, string mathematics, string words, LawSpace space, Func<LawCase, LawTrial> trial, params string[] needs) =>
        new(Target, name, mathematics, words, space, trial) { Needs = needs, Cost = Cost };

    private static string Of(string name, int index) => FormattableString.Invariant($"{name}.{index}");

    // Decoder outputs that both runs give.
    private static IEnumerable<string> Outputs(LawCase c, LawResult result) =>
        Enumerable.Range(0, c["dec"]).Select(i => Of("hs", i)).Concat(["pred_logits", "pred_boxes"]).Where(result.Has);

    private static LawBreach? Same(LawCase c, LawResult x, LawResult y) =>
        Outputs(c, x).Where(y.Has).Select(name => Holds.Near(name, y, x)).FirstOrDefault(breach => breach is not null);

    // Tokens that are no padding, of tensors [N, S, ..] that both give.
    private static LawBreach? SameTokens(LawCase c, LawResult x, LawResult y, string name, int[][] ofX, int[][] ofY)
    {
        if (!x.Has(name) || !y.Has(name))
        {
            return null;
        }

        return Enumerable.Range(0, c["N"])
            .Select(n => Holds.Near(name, y[name].Pick(0, n).Pick(1, ofY[n]), x[name].Pick(0, n).Pick(1, ofX[n]), $"valid tokens of picture {n}"))
            .FirstOrDefault(breach => breach is not null);
    }

    // Indices of tokens that are no padding, by picture.
    private static int[][] ValidTokens(LawCase c, LawInput input) =>
        [.. Enumerable.Range(0, c["N"]).Select(n =>
        {
            List<int> tokens = [];
            int start = 0;
            for (int l = 0; l < c.Levels.Count; l++)
            {
                Tensor<bool> mask = input.Mask(Of("masks", l));
                int cells = mask.Shape[1] * mask.Shape[2];
                tokens.AddRange(Enumerable.Range(0, cells).Where(cell => !mask.AsReadOnlySpan()[(n * cells) + cell]).Select(cell => start + cell));
                start += cells;
            }

            return tokens.ToArray();
        })];

    private static LawTrial MaskedTokens(LawCase c)
    {
        LawInput input = Draw(c);
        LawInput poisoned = input;
        for (int l = 0; l < c.Levels.Count; l++)
        {
            Tensor<bool> mask = input.Mask(Of("masks", l));
            int cells = mask.Shape[1] * mask.Shape[2];
            int channels = input.Real(Of("srcs", l)).Shape[1];
            poisoned = poisoned.Each(Of("srcs", l), (i, x) => mask.AsReadOnlySpan()[(i / cells / channels * cells) + (i % cells)] ? double.NaN : x);
        }

        int[][] valid = ValidTokens(c, input);
        return LawTrial.Of(input, poisoned, (x, y) =>
            SameTokens(c, x, y, "transformer.memory", valid, valid)
            ?? new[] { "transformer.output_memory", "transformer.output_proposals", "transformer.enc_outputs_class", "transformer.topk_coords_unact" }
                .Where(name => x.Has(name) && y.Has(name)).Select(name => Holds.Near(name, y, x)).FirstOrDefault(breach => breach is not null)
            ?? Same(c, x, y));
    }

    private static LawTrial PaddedFurther(LawCase c)
    {
        Random random = c.Random(7);
        LawInput input = Draw(c);
        (int Height, int Width)[] larger = [.. c.Levels.Select(level => (level.Height + random.Next(3), level.Width + random.Next(3)))];
        LawInput padded = input;
        for (int l = 0; l < c.Levels.Count; l++)
        {
            (int bottom, int right) = (larger[l].Height - c.Levels[l].Height, larger[l].Width - c.Levels[l].Width);
            Tensor<bool> mask = input.Mask(Of("masks", l));
            Tensor<bool> wider = new([c["N"], larger[l].Height, larger[l].Width]);
            for (int i = 0; i < wider.Length; i++)
            {
                (int n, int row, int column) = (i / larger[l].Width / larger[l].Height, i / larger[l].Width % larger[l].Height, i % larger[l].Width);
                wider.AsSpan()[i] = row >= c.Levels[l].Height || column >= c.Levels[l].Width || mask[n, row, column];
            }

            padded = padded.With(
                (Of("srcs", l), Moves.Pad2d(LawDraw.Context, input.Real(Of("srcs", l)), 0, bottom, 0, right, 3)),
                (Of("pos", l), Moves.Pad2d(LawDraw.Context, input.Real(Of("pos", l)), 0, bottom, 0, right, -1)),
                (Of("masks", l), wider));
        }

        int[][] before = ValidTokens(c, input);
        int[][] after = ValidTokens(c, padded);
        return LawTrial.Of(input, padded, (x, y) =>
        {
            const string References = "transformer.encoder.reference_points";
            LawBreach? moved = !x.Has(References) || !y.Has(References) ? null
                : Enumerable.Range(0, c["N"]).Select(n => Holds.Near(
                    References, InPixels(y[References].Pick(0, n).Pick(1, after[n]), larger), InPixels(x[References].Pick(0, n).Pick(1, before[n]), c.Levels),
                    "in pixels")).FirstOrDefault(breach => breach is not null);
            return moved ?? SameTokens(c, x, y, "transformer.memory", before, after) ?? Same(c, x, y);
        });

        static Measured InPixels(Measured points, IReadOnlyList<(int Height, int Width)> levels)
        {
            Measured sizes = Measured.Exact(points.Shape, at => at % 2 == 0 ? levels[at / 2 % levels.Count].Width : levels[at / 2 % levels.Count].Height);
            return new Measured(Product(points.Value, sizes.Value), Product(points.Noise, sizes.Value));
        }

        static Tensor<double> Product(Tensor<double> a, Tensor<double> b) =>
            Measured.Exact(a.Shape, at => a.AsReadOnlySpan()[at] * b.AsReadOnlySpan()[at]).Value;
    }

    private static LawTrial WeightsSumToOne(LawCase c) => LawTrial.Of(Draw(c), x =>
    {
        foreach (string name in x.Names.Where(name => name.EndsWith("_attn.attention_weights", StringComparison.Ordinal)))
        {
            TensorShape s = x[name].Shape;
            Measured sums = x[name].Reshape([s[0], s[1], s[2], s[3] * s[4]]).SumLast();
            LawBreach? breach = Holds.Between(name, x[name], 0, 1) ?? Holds.Near($"Σ {name}", sums, Measured.Exact(sums.Shape, _ => 1));
            if (breach is not null)
            {
                return breach;
            }
        }

        return null;
    });

    private static LawTrial ZeroDelta(LawCase c)
    {
        LawInput input = Draw(c);
        for (int i = 0; i < c["dec"]; i++)
        {
            input = input.Each($"{Of("bbox_embed", i)}.layers.2.weight", (_, _) => 0).Each($"{Of("bbox_embed", i)}.layers.2.bias", (_, _) => 0);
        }

        return LawTrial.Of(input, x =>
        {
            Measured reference = x["transformer.reference_points"];
            Measured box = x["transformer.decoder.reference_points.0"];
            const double Clamp = 1e-5;
            Measured centre = reference.Apply(r => Math.Clamp(r, Clamp / (1 + Clamp), 1 / (1 + Clamp)), _ => 1);
            return Holds.Near("transformer.decoder.reference_points.0", box.Slice(2, 0, 2), centre)
                ?? Holds.Near("transformer.decoder.reference_points.0", box.Slice(2, 2, 2), Measured.Exact([c["N"], c["Q"], 2], _ => 0.5), "width and height start in the middle");
        });
    }

    private static LawTrial LevelEmbed(LawCase c)
    {
        // Positions in steps that the constant keeps exact.
        LawInput input = Draw(c);
        for (int l = 0; l < c.Levels.Count; l++)
        {
            Tensor<float> exact = LawDraw.Exact(c.Random(60 + l), input.Real(Of("pos", l)).Shape);
            input = input.With((Of("pos", l), exact));
        }

        input = input.With(("transformer.level_embed", LawDraw.Exact(c.Random(70), input.Real("transformer.level_embed").Shape)));
        int level = c.Seed % c.Levels.Count;
        int channels = input.Real("transformer.level_embed").Shape[1];
        LawInput moved = input
            .Each("transformer.level_embed", (i, e) => i / channels == level ? e + 1.5 : e)
            .Each(Of("pos", level), (_, p) => p - 1.5);
        return LawTrial.Of(input, moved, (x, y) => Same(c, x, y));
    }

    private static LawTrial Normed(LawCase c) => LawTrial.Of(Draw(c), x =>
    {
        foreach (int i in Enumerable.Range(0, c["dec"]).Where(i => x.Has(Of("hs", i))))
        {
            Measured hs = x[Of("hs", i)];
            int channels = hs.Shape[2];
            Tensor<float> w = x.Input.Real($"{Of("transformer.decoder.layers", i)}.norm3.weight");
            Tensor<float> b = x.Input.Real($"{Of("transformer.decoder.layers", i)}.norm3.bias");
            Tensor<double> plain = Measured.Exact(
                hs.Shape, at => (hs.Value.AsReadOnlySpan()[at] - b.AsReadOnlySpan()[at % channels]) / w.AsReadOnlySpan()[at % channels]).Value;
            Tensor<double> noise = Measured.Exact(
                hs.Shape, at => hs.Noise.AsReadOnlySpan()[at] / Math.Abs(w.AsReadOnlySpan()[at % channels])).Value;
            Measured mean = new Measured(plain, noise).SumLast().Times(1.0 / channels);
            Measured squares = new Measured(plain, noise).Apply(v => v * v, v => 2 * v).SumLast().Times(1.0 / channels);
            LawBreach? breach = Holds.Near($"mean of {Of("hs", i)}", mean, Measured.Exact(mean.Shape, _ => 0))
                ?? Holds.Between($"variance of {Of("hs", i)}", squares, 0.9, 1);
            if (breach is not null)
            {
                return breach;
            }
        }

        return null;
    });

    private static LawTrial Proposals(LawCase c)
    {
        LawInput input = Draw(c);
        int[][] valid = ValidTokens(c, input);
        return LawTrial.Of(input, x =>
        {
            Tensor<double> proposals = x.Value("transformer.output_proposals");
            Tensor<double> memory = x.Value("transformer.output_memory");
            Tensor<double> logits = x.Value("transformer.enc_outputs_class");
            Tensor<long> chosen = x.Whole("transformer.topk_proposals");
            Tensor<double> references = x.Value("transformer.reference_points");
            int tokens = c.Tokens;
            int[]? first = null;
            for (int n = 0; n < c["N"]; n++)
            {
                for (int token = 0; token < tokens; token++)
                {
                    bool masked = !valid[n].Contains(token);
                    bool infinite = double.IsPositiveInfinity(proposals[n, token, 0]);
                    for (int axis = 0; axis < 4; axis++)
                    {
                        double at = proposals[n, token, axis];
                        if ((masked && !double.IsPositiveInfinity(at)) || infinite != double.IsPositiveInfinity(at))
                        {
                            return new LawBreach("transformer.output_proposals", [n, token, axis], at, double.PositiveInfinity, 0, masked ? "masked" : "invalid");
                        }
                    }

                    if (!infinite)
                    {
                        continue;
                    }

                    first ??= [n, token];
                    for (int channel = 0; channel < memory.Shape[2]; channel++)
                    {
                        if (!memory[n, token, channel].Equals(memory[first[0], first[1], channel]))
                        {
                            return new LawBreach(
                                "transformer.output_memory", [n, token, channel], memory[n, token, channel], memory[first[0], first[1], channel], 0, "one row for all");
                        }
                    }

                    LawBreach? logit = Holds.Near(
                        "transformer.enc_outputs_class", x["transformer.enc_outputs_class"].Pick(0, n).Pick(1, token),
                        x["transformer.enc_outputs_class"].Pick(0, first[0]).Pick(1, first[1]), $"token {token} of picture {n}, one logit for all");
                    if (logit is not null)
                    {
                        return logit;
                    }
                }

                for (int query = 0; query < c["Q"]; query++)
                {
                    long token = chosen[n, query];
                    if (token < 0 || token >= tokens)
                    {
                        return new LawBreach("transformer.topk_proposals", [n, query], token, 0, tokens - 1);
                    }

                    for (int axis = 0; axis < 4 && double.IsPositiveInfinity(proposals[n, (int)token, 0]); axis++)
                    {
                        if (references[n, query, axis] != 1)
                        {
                            return new LawBreach("transformer.reference_points", [n, query, axis], references[n, query, axis], 1, 0, "a masked or invalid proposal was chosen");
                        }
                    }
                }
            }

            return null;
        });
    }

    private static LawTrial Chosen(LawCase c) => LawTrial.Of(Draw(c), x =>
    {
        Tensor<double> logits = x.Value("transformer.enc_outputs_class");
        Tensor<double> first = new([c["N"], c.Tokens]);
        for (int i = 0; i < first.Length; i++)
        {
            first.AsSpan()[i] = logits.AsReadOnlySpan()[i * logits.Shape[2]];
        }

        Tensor<long> chosen = x.Whole("transformer.topk_proposals");
        RankingVerdict ranking = RankingCheck.TopK(chosen, first, null);
        if (!ranking.Right)
        {
            return new LawBreach("transformer.topk_proposals", [], 0, 0, 0, ranking.Faults.FirstOrDefault() ?? "other tokens");
        }

        RankingAspect rows = RankingCheck.Gathered(
            x.Value("transformer.topk_coords_unact"), chosen, x.Value("transformer.enc_outputs_coord_unact"), null);
        return Holds.That(rows.Worst <= 1, "transformer.topk_coords_unact", rows.Faults.FirstOrDefault() ?? "rows of other tokens");
    });
}
