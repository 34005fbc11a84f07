using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Oracle;

// Laws of positions, boxes and rankings.
internal static partial class OperatorLaws
{
    private static readonly LawSpace Levels = new()
    {
        Symbols = [("N", 1, 3)],
        Levels = (1, 4),
        Masks = [LawMasks.None, LawMasks.Ragged, LawMasks.Ragged, LawMasks.AllButOne],
    };

    private static string Indexed(string name, int index) => FormattableString.Invariant($"{name}.{index}");

    private static LawInput Masks(LawCase c, string target, out (int Height, int Width)[][] valid)
    {
        (int Height, int Width)[][] sizes = valid = LawDraw.Valid(c.Random(1), c["N"], c.Levels, c.Family.Masks);
        return LawInput.Of(
            target, "{}", [.. c.Levels.Select((level, l) => (Indexed("masks", l), (Tensor)LawDraw.Mask(level, sizes.Select(picture => picture[l]))))]);
    }

    private static IEnumerable<Law> Positions()
    {
        LawSpace sine = Levels with { Symbols = [("N", 1, 3), ("F", 1, 6)], Levels = (1, 1), MostSide = 20 };
        LawInput Sine(LawCase c, out (int Height, int Width)[] valid)
        {
            (int Height, int Width)[][] sizes = LawDraw.Valid(c.Random(1), c["N"], c.Levels, c.Family.Masks);
            valid = [.. sizes.Select(picture => picture[0])];
            return LawInput.Of("position_encoding", FormattableString.Invariant($"{{\"hidden_dim\": {4 * c["F"]}}}"), ("mask", LawDraw.Mask(c.Levels[0], valid)));
        }

        yield return Law(
            "position_encoding", "unit_pairs", "sin² + cos² = 1", "Each pair of channels is a point on the unit circle.", sine, c => OneRun(Sine(c, out _), x =>
            {
                TensorShape s = x["pos"].Shape;
                Measured squares = x["pos"].Apply(v => v * v, v => 2 * v).Reshape([s[0], s[1] / 2, 2, s[2] * s[3]]).Permute(0, 1, 3, 2).SumLast();
                return Holds.Near("sin² + cos²", squares.Looser(_ => 1e-15), Measured.Exact(squares.Shape, _ => 1));
            }));
        yield return Law(
            "position_encoding", "closed_form", "pos = sin | cos(2π (i + ½) / (h + 10⁻⁶) / 10000^(2⌊k/2⌋/F)), y before x",
            "Of valid pixels, each channel is the sine or cosine of the place as a share of the valid part.", sine, c =>
            {
                LawInput input = Sine(c, out (int Height, int Width)[] valid);
                return OneRun(input, x =>
                {
                    Measured pos = x["pos"];
                    TensorShape s = pos.Shape;
                    int half = s[1] / 2;
                    return Holds.Near("pos", pos, Measured.Around(s, at =>
                    {
                        (int n, int channel, int row, int column) = (at / s[3] / s[2] / s[1], at / s[3] / s[2] % s[1], at / s[3] % s[2], at % s[3]);
                        (int height, int width) = valid[n];
                        if (row >= height || column >= width)
                        {
                            return pos.Value.AsReadOnlySpan()[at];
                        }

                        double place = channel < half ? (row + 0.5) / (height + 1e-6) : (column + 0.5) / (width + 1e-6);
                        int feature = channel % half;
                        double argument = 2 * Math.PI * place / Elementary.Pow(10000, 2.0 * (feature / 2) / half);
                        return feature % 2 == 0 ? Elementary.Sin(argument) : Elementary.Cos(argument);
                    }, _ => 1e-13));
                });
            });
        yield return Law(
            "position_encoding", "same_valid_part", "pos depends on the valid part only", "Padding further leaves the encoding of the valid pixels.", sine, c =>
            {
                LawInput input = Sine(c, out (int Height, int Width)[] valid);
                (int height, int width) = c.Levels[0];
                LawInput wider = input.With(("mask", LawDraw.Mask((height + 2, width + 3), valid)));
                return LawTrial.Of(input, wider, (x, y) => Enumerable.Range(0, c["N"]).Select(n => Holds.Near(
                    "pos", y["pos"].Pick(0, n).Slice(2, 0, valid[n].Height).Slice(3, 0, valid[n].Width),
                    x["pos"].Pick(0, n).Slice(2, 0, valid[n].Height).Slice(3, 0, valid[n].Width))).FirstOrDefault(breach => breach is not null));
            });
        yield return Law(
            "position_encoding", "learned", "pos[:, i, j] = col[j] ⊕ row[i]", "Learned positions are a column's embedding, then a row's.",
            sine with { MostSide = 9 }, c =>
            {
                (int height, int width) = c.Levels[0];
                int half = 2 * c["F"];
                (Tensor<float> row, Tensor<float> column) = (LawDraw.Numbers(c.Random(2), [50, half]), LawDraw.Numbers(c.Random(3), [50, half]));
                LawInput input = LawInput.Of(
                    "position_encoding", "{\"position_embedding\": \"learned\"}", ("mask", LawDraw.Mask((height, width), Enumerable.Repeat((height, width), c["N"]))),
                    ("row_embed.weight", row), ("col_embed.weight", column));
                return OneRun(input, x => Holds.Near("pos", Measured.Exact(x.Value("pos")), Measured.Exact(x["pos"].Shape, at =>
                {
                    (int channel, int i, int j) = (at / width / height % (2 * half), at / width % height, at % width);
                    return channel < half ? column[j, channel] : row[i, channel - half];
                })));
            });
        yield return Law(
            "valid_ratios", "counted", "ratio = (valid columns / W, valid rows / H)", "The share of each level that is picture, width before height.", Levels, c =>
            {
                LawInput input = Masks(c, "valid_ratios", out (int Height, int Width)[][] valid);
                return OneRun(input, x => Holds.Near(Output, x[Output], Measured.Exact([c["N"], c.Levels.Count, 2], at =>
                {
                    int l = at / 2 % c.Levels.Count;
                    (int height, int width) = valid[at / 2 / c.Levels.Count][l];
                    return at % 2 == 0 ? (double)width / c.Levels[l].Width : (double)height / c.Levels[l].Height;
                })));
            });
        yield return Law(
            "encoder_reference_points", "own_level", "r[s, own level] · (W, H) = (j, i) + ½", "In its own level, a token's reference point is its centre.",
            Levels, c => Reference(c, (level, own, ratios, centre) => level == own ? centre : null));
        yield return Law(
            "encoder_reference_points", "other_levels", "r[s, l] / ratio[l] = r[s, k] / ratio[k]",
            "In all levels, a token's reference point is the same share of the valid part.",
            Levels, c => Reference(c, (level, own, ratios, centre) => centre * ratios(level) / ratios(own)));
        LawSpace locations = new()
        {
            Symbols = [("N", 1, 2), ("Lq", 1, 4), ("M", 1, 3), ("P", 1, 4), ("size", 2, 4)],
            Levels = (1, 4),
            Different = ["M", "L", "P"],
            Allowed = c => c["size"] != 3,
        };
        yield return Law(
            "sampling_locations", "closed_form", "φ = r + Δ/(W, H), or (cx, cy) + Δ/P · ½(w, h)",
            "A location is the reference plus the offset, in pixels of the level for points and in half boxes over P for boxes.", locations, c =>
            {
                int size = c["size"];
                Tensor<float> references = LawDraw.Between(c.Random(1), [c["N"], c["Lq"], c.Levels.Count, size], 0, 1);
                Tensor<float> offsets = LawDraw.Numbers(c.Random(2), [c["N"], c["Lq"], c["M"], c.Levels.Count, c["P"], 2]);
                LawInput input = LawInput.Of(
                    "sampling_locations", "{}", ("reference_points", references), ("sampling_offsets", offsets), ("spatial_shapes", LawDraw.Shapes(c.Levels)));
                return OneRun(input, x => Holds.Near(Output, x[Output], Measured.Computed(offsets.Shape, at =>
                {
                    int level = at / 2 / c["P"] % c.Levels.Count;
                    int reference = (((at / 2 / c["P"] / c.Levels.Count / c["M"] * c.Levels.Count) + level) * size) + (at % 2);
                    double unit = size == 4 ? references.AsReadOnlySpan()[reference + 2] / (2.0 * c["P"])
                        : 1.0 / (at % 2 == 0 ? c.Levels[level].Width : c.Levels[level].Height);
                    return references.AsReadOnlySpan()[reference] + (offsets.AsReadOnlySpan()[at] * unit);
                }, at => 1 + Math.Abs(offsets.AsReadOnlySpan()[at]))));
            });
        LawSpace boxes = new() { Symbols = [("N", 1, 2), ("Q", 1, 5), ("size", 2, 4)], Allowed = c => c["size"] != 3 };
        yield return Law(
            "box_refinement", "zero_delta", "σ(0 + σ⁻¹(r)) = r", "Refinement with a zero delta leaves the box; a point gets half the picture's width and height.", boxes, c =>
            {
                Tensor<float> reference = LawDraw.Between(c.Random(1), [c["N"], c["Q"], c["size"]], 1e-4, 1 - 1e-4);
                LawInput input = LawInput.Of("box_refinement", "{}", ("delta", LawDraw.Constant([c["N"], c["Q"], 4], 0)), ("reference", reference));
                return OneRun(input, x => Holds.Near(Output, x[Output], Measured.Exact([c["N"], c["Q"], 4], at =>
                    at % 4 < c["size"] ? reference.AsReadOnlySpan()[(at / 4 * c["size"]) + (at % 4)] : 0.5)));
            });
        yield return Law(
            "box_refinement", "in_two_steps", "refine(a + b, r) = refine(b, refine(a, r))", "Two refinements are one by their sum.", boxes with { Symbols = [("N", 1, 2), ("Q", 1, 5)], Allowed = null }, c =>
            {
                // The step between is made here, so that it errs by its own rounding only.
                Tensor<float> reference = LawDraw.Between(c.Random(1), [c["N"], c["Q"], 4], 0.05, 0.95);
                Tensor<float> a = LawDraw.Exact(c.Random(2), [c["N"], c["Q"], 4]);
                Tensor<float> b = LawDraw.Exact(c.Random(3), [c["N"], c["Q"], 4]);
                Tensor<float> between = LawDraw.Fill(reference.Shape, i =>
                {
                    double r = reference.AsReadOnlySpan()[i];
                    return Elementary.Sigmoid(a.AsReadOnlySpan()[i] + Elementary.Log(r / (1 - r)));
                });
                LawInput once = LawInput.Of("box_refinement", "{}", ("delta", LawDraw.Fill(a.Shape, i => a.AsReadOnlySpan()[i] + b.AsReadOnlySpan()[i])), ("reference", reference));
                LawInput twice = LawInput.Of("box_refinement", "{}", ("delta", b), ("reference", between)) with { Rounded = ["reference"] };
                return LawTrial.Of(once, twice, (x, y) => Holds.Near(Output, y[Output], x[Output]));
            });
        yield return Agrees("box_refinement", boxes, c => LawInput.Of(
            "box_refinement", "{}", ("delta", LawDraw.Numbers(c.Random(1), [c["N"], c["Q"], 4])), ("reference", Chances(c.Random(2), [c["N"], c["Q"], c["size"]]))));
        LawSpace tokens = Levels with { MostSide = 12 };
        LawInput Proposals(LawCase c)
        {
            (int Height, int Width)[][] valid = LawDraw.Valid(c.Random(1), c["N"], c.Levels, c.Family.Masks);
            return LawInput.Of(
                "encoder_output_proposals", "{}", ("memory_padding_mask", LawDraw.TokenMask(c.Levels, valid)), ("spatial_shapes", LawDraw.Shapes(c.Levels)));
        }

        yield return Law(
            "encoder_output_proposals", "boxes", "σ(p) = ((j + ½)/w, (i + ½)/h, 0.05·2ˡ, 0.05·2ˡ), +∞ if masked or not in (0.01, 0.99)⁴",
            "A proposal is the token's centre in the valid part and a side that doubles from level to level; masked or near an edge it is +inf.", tokens, c =>
            {
                (int Height, int Width)[][] valid = LawDraw.Valid(c.Random(1), c["N"], c.Levels, c.Family.Masks);
                return OneRun(Proposals(c), x => Boxes(x, c.Levels, valid, LawDraw.TokenMask(c.Levels, valid)));
            });

        // Cells nearer to an edge than a hundredth need more than fifty of them, and a side above 0.99 a sixth level.
        LawSpace edges = tokens with
        {
            Symbols = [("N", 1, 2), ("long", 48, 70)],
            Levels = (1, 6),
            MostSide = 3,
        };
        yield return Law(
            "encoder_output_proposals", "edges_and_holes", "p = +∞ where masked, were it inside; where (j + ½)/w ∉ (0.01, 0.99); where 0.05·2ˡ > 0.99",
            "Cells at the edges of long maps, sides of many levels, and masked tokens in the midst of valid ones are +inf, all others as ever.", edges, c =>
            {
                (int Height, int Width) first = c.Levels[0];
                bool wide = c.Seed % 2 == 0;
                (int Height, int Width)[] levels = [wide ? (first.Height, c["long"]) : (c["long"], first.Width), .. c.Levels.Skip(1)];

                // Of fifty cells the outermost lie on the threshold itself, where the last bit decides.
                (int Height, int Width)[][] valid =
                    [.. LawDraw.Valid(c.Random(1), c["N"], levels, c.Family.Masks).Select(picture => picture.Select(NotFifty).ToArray())];
                Tensor<bool> mask = LawDraw.TokenMask(levels, valid);
                Random random = c.Random(2);

                // Sizes are counted in the first row and column: those stay.
                for (int at = 0; at < mask.Length; at++)
                {
                    (int l, int cell) = CellOf(levels, at % mask.Shape[1]);
                    mask.AsSpan()[at] |= cell / levels[l].Width > 0 && cell % levels[l].Width > 0 && random.Next(4) == 0;
                }

                LawInput input = LawInput.Of("encoder_output_proposals", "{}", ("memory_padding_mask", mask), ("spatial_shapes", LawDraw.Shapes(levels)));
                return OneRun(input, x => Boxes(x, levels, valid, mask));
            });
        yield return Law(
            "proposal_position_encoding", "closed_form", "sin | cos(2π σ(p) / 10000^(2⌊k/2⌋/128)), 128 features for each of cx, cy, w, h",
            "Each coordinate's chance is encoded like a position.", boxes with { Symbols = [("N", 1, 2), ("Q", 1, 3)], Allowed = null }, c =>
            {
                Tensor<float> coords = LawDraw.Numbers(c.Random(1), [c["N"], c["Q"], 4]);
                return OneRun(LawInput.Of("proposal_position_encoding", "{}", ("coords", coords)), x => Holds.Near(
                    Output, x[Output], Measured.Around([c["N"], c["Q"], 512], at =>
                    {
                        double place = 2 * Math.PI * Elementary.Sigmoid((double)coords.AsReadOnlySpan()[at / 128]);
                        double argument = place / Elementary.Pow(10000, 2.0 * (at % 128 / 2) / 128);
                        return at % 2 == 0 ? Elementary.Sin(argument) : Elementary.Cos(argument);
                    }, _ => 1e-14)));
            });
    }

    private static (int Level, int Cell) CellOf(IReadOnlyList<(int Height, int Width)> levels, int token)
    {
        int level = 0;
        for (; token >= levels[level].Height * levels[level].Width; level++)
        {
            token -= levels[level].Height * levels[level].Width;
        }

        return (level, token);
    }

    private static (int Height, int Width) NotFifty((int Height, int Width) size) =>
        (size.Height == 50 ? 49 : size.Height, size.Width == 50 ? 49 : size.Width);

    // Proposals by their equation.
    private static LawBreach? Boxes(
        LawResult result, IReadOnlyList<(int Height, int Width)> levels, (int Height, int Width)[][] valid, Tensor<bool> mask) =>
        Holds.Near("output_proposals", result["output_proposals"], Measured.Around([mask.Shape[0], mask.Shape[1], 4], at =>
        {
            (int l, int cell) = CellOf(levels, at / 4 % mask.Shape[1]);
            (int height, int width) = valid[at / 4 / mask.Shape[1]][l];
            (int row, int column) = (cell / levels[l].Width, cell % levels[l].Width);
            double[] box = [(column + 0.5) / width, (row + 0.5) / height, 0.05 * (1 << l), 0.05 * (1 << l)];
            bool invalid = mask.AsReadOnlySpan()[at / 4] || box.Any(side => !(side > 0.01 && side < 0.99));
            return invalid ? double.PositiveInfinity : Elementary.Log(box[at % 4] / (1 - box[at % 4]));
        }, _ => 1e-14));

    // Reference points by token and level; expected in fractions, null for what is not looked at. Ratios of an axis are those of the mask.
    private static LawTrial Reference(LawCase c, Func<int, int, Func<int, double>, double, double?> expected)
    {
        (int Height, int Width)[][] valid = LawDraw.Valid(c.Random(1), c["N"], c.Levels, c.Family.Masks);
        Tensor<float> ratios = LawDraw.Fill([c["N"], c.Levels.Count, 2], at =>
        {
            int l = at / 2 % c.Levels.Count;
            (int height, int width) = valid[at / 2 / c.Levels.Count][l];
            return at % 2 == 0 ? (double)width / c.Levels[l].Width : (double)height / c.Levels[l].Height;
        });
        int[] levelOf = [.. c.Levels.SelectMany((level, l) => Enumerable.Repeat(l, level.Height * level.Width))];
        int[] cellOf = [.. c.Levels.SelectMany(level => Enumerable.Range(0, level.Height * level.Width))];
        LawInput input = LawInput.Of("encoder_reference_points", "{}", ("spatial_shapes", LawDraw.Shapes(c.Levels)), ("valid_ratios", ratios));
        return LawTrial.Of(input, x => Judge(x[Output]));

        LawBreach? Judge(Measured output) => Holds.Near(Output, output, Measured.Exact(output.Shape, at =>
        {
            int token = at / 2 / c.Levels.Count % c.Tokens;
            int n = at / 2 / c.Levels.Count / c.Tokens;
            int own = levelOf[token];
            (int height, int width) = c.Levels[own];
            double centre = at % 2 == 0 ? ((cellOf[token] % width) + 0.5) / width : ((cellOf[token] / width) + 0.5) / height;
            return expected(at / 2 % c.Levels.Count, own, l => ratios[n, l, at % 2], centre) ?? output.Value.AsReadOnlySpan()[at];
        }));
    }

    private static IEnumerable<Law> Rankings()
    {
        LawSpace ranked = new() { Symbols = [("R", 1, 4), ("C", 1, 60), ("k", 1, 60)], Allowed = c => c["k"] <= c["C"], Numbers = [LawNumbers.Plain, LawNumbers.Equal] };
        LawInput TopK(LawCase c) => RowsOf(c, "top_k", FormattableString.Invariant($"{{\"k\": {c["k"]}}}"));
        yield return Law(
            "top_k", "largest", "values = the k largest, descending; x[indices] = values; ties by the lower index",
            "The k largest of each row, largest first, with where they stand; equal ones by the lower index.", ranked, c => OneRun(TopK(c), x =>
            {
                Tensor<float> row = x.Input.Real("input");
                int[][] order = [.. Enumerable.Range(0, c["R"]).Select(r => Enumerable.Range(0, c["C"]).OrderByDescending(i => row[r, i]).ThenBy(i => i).Take(c["k"]).ToArray())];
                Tensor<long> indices = x.Whole("indices");
                return Holds.Near("values", Measured.Exact(x.Value("values")), Measured.Exact([c["R"], c["k"]], at => row[at / c["k"], order[at / c["k"]][at % c["k"]]]))
                    ?? Holds.Near(
                        "indices", Measured.Exact(indices.Shape, at => indices.AsReadOnlySpan()[at]), Measured.Exact(indices.Shape, at => order[at / c["k"]][at % c["k"]]));
            }));
        yield return Law(
            "top_k", "permuted", "top_k(x∘π) = top_k(x)∘π, x distinct", "Of distinct scores in another order, the same are the largest.",
            ranked with { Numbers = [LawNumbers.Plain] }, c =>
            {
                LawInput input = TopK(c).With(("input", LawDraw.Fill([c["R"], c["C"]], i => ((i % c["C"]) * 37 % 61) + (i / 1000.0))));
                int[] order = LawDraw.Order(c.Random(7), c["C"]);
                return LawTrial.Of(input, input.Pick(1, order, "input"), (x, y) =>
                {
                    (Tensor<long> before, Tensor<long> after) = (x.Whole("indices"), y.Whole("indices"));
                    return Holds.Near("values", y["values"], x["values"]) ?? Holds.Near(
                        "indices", Measured.Exact(after.Shape, at => order[(int)after.AsReadOnlySpan()[at]]), Measured.Exact(before.Shape, at => before.AsReadOnlySpan()[at]));
                });
            });
        LawSpace detections = new() { Symbols = [("N", 1, 2), ("Q", 10, 30), ("K", 5, 14)], Allowed = c => c["Q"] * c["K"] >= 100 };
        LawInput Detections(LawCase c) => LawInput.Of(
            "post_process", "{}", ("pred_logits", LawDraw.Numbers(c.Random(1), [c["N"], c["Q"], c["K"]])),
            ("pred_boxes", LawDraw.Between(c.Random(2), [c["N"], c["Q"], 4], 0, 1)),
            ("target_sizes", Tensor<long>.Create([c["N"], 2], [.. Enumerable.Range(0, 2 * c["N"]).Select(i => 3L + c.Random(3 + i).Next(40))])));
        yield return Law(
            "post_process", "descending", "scores₀ ≥ scores₁ ≥ …, in (0, 1)", "Detections come with the best first.", detections, c => OneRun(Detections(c), x =>
                Enumerable.Range(0, c["N"]).Select(b =>
                {
                    Tensor<double> scores = x.Value(FormattableString.Invariant($"results.{b}.scores"));
                    int wrong = Enumerable.Range(1, scores.Length - 1).FirstOrDefault(i => !(scores.AsReadOnlySpan()[i] <= scores.AsReadOnlySpan()[i - 1]));
                    return wrong == 0 ? null
                        : new LawBreach(FormattableString.Invariant($"results.{b}.scores"), [wrong], scores.AsReadOnlySpan()[wrong], scores.AsReadOnlySpan()[wrong - 1], 0);
                }).FirstOrDefault(breach => breach is not null)));
        yield return Law(
            "post_process", "boxes", "x0 + x1 = 2 cx W, y1 − y0 = h H …", "A detection is its query's box, as corners in pixels of (height, width), with its class and score.", detections, c =>
                OneRun(Detections(c), x => Enumerable.Range(0, c["N"]).Select(b => Detected(c, x, b)).FirstOrDefault(breach => breach is not null)));
        yield return Law(
            "post_process", "larger_picture", "sizes · 2 ⇒ boxes · 2", "On a picture twice as large, boxes are twice as large.", detections, c =>
            {
                LawInput input = Detections(c);
                Tensor<long> sizes = input.Whole("target_sizes");
                LawInput larger = input.With(("target_sizes", Tensor<long>.Create(sizes.Shape, [.. sizes.AsReadOnlySpan().ToArray().Select(size => 2 * size)])));
                return LawTrial.Of(input, larger, (x, y) => Enumerable.Range(0, c["N"]).Select(b => FormattableString.Invariant($"results.{b}.boxes"))
                    .Select(name => Holds.Near(name, y[name], x[name].Times(2))).FirstOrDefault(breach => breach is not null));
            });
    }

    private static LawBreach? Detected(LawCase c, LawResult x, int b)
    {
        string Name(string word) => FormattableString.Invariant($"results.{b}.{word}");
        Tensor<float> logits = x.Input.Real("pred_logits");
        Tensor<float> boxes = x.Input.Real("pred_boxes");
        Tensor<long> sizes = x.Input.Whole("target_sizes");
        Tensor<long> labels = x.Whole(Name("labels"));
        Tensor<double> scores = x.Value(Name("scores"));
        int classes = c["K"];
        int[] order = [.. Enumerable.Range(0, c["Q"] * classes).OrderByDescending(i => logits[b, i / classes, i % classes]).ThenBy(i => i).Take(scores.Length)];
        return Holds.Near(Name("labels"), Measured.Exact(labels.Shape, i => labels.AsReadOnlySpan()[i]), Measured.Exact(labels.Shape, i => order[i] % classes))
            ?? Holds.Near(Name("scores"), x[Name("scores")], Measured.Exact(scores.Shape, i => Elementary.Sigmoid((double)logits[b, order[i] / classes, order[i] % classes])))
            ?? Holds.Near(Name("boxes"), x[Name("boxes")], Measured.Exact([scores.Length, 4], at =>
            {
                (int query, int axis) = (order[at / 4] / classes, at % 2);
                return (boxes[b, query, axis] + ((at % 4 < 2 ? -0.5 : 0.5) * boxes[b, query, 2 + axis])) * sizes[b, 1 - axis];
            }));
    }
}
