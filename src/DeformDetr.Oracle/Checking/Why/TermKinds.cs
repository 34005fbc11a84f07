using DeformDetr.Reference;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Oracle;

// For each kind of step, one element as a sum: written a second time and by itself, so that it also checks the step. The index is the
// element's, one number per axis.
internal static class TermKinds
{
    private const double NormEpsilon = 1e-5;

    private static readonly Dictionary<StepKind, Func<StepInputs, int[], TermSum>> Table = new()
    {
        [StepKinds.Given] = (x, i) => One("given", x["given"], i),
        [StepKinds.Copy] = (x, i) => One("x", x["x"], i),
        [StepKinds.Normalize] = Normalize,
        [StepKinds.PaddingMask] = PaddingMask,
        [StepKinds.Convolution] = Convolution,
        [StepKinds.FrozenBatchNorm] = FrozenBatchNorm,
        [StepKinds.StemPool] = StemPool,
        [StepKinds.Residual] = (x, i) => new TermSum("relu(x + identity)") { Finish = Relu }
            .Add("x", At(x["x"], i)).Add("identity", At(x["identity"], i)),
        [StepKinds.MaskResize] = MaskResize,
        [StepKinds.GroupNorm] = GroupNorm,
        [StepKinds.SinePosition] = SinePosition,
        [StepKinds.LearnedPosition] = LearnedPosition,
        [StepKinds.Flatten] = (x, i) => OfLevel("maps", x, i, (map, y, c) => At(map, i[0], i[2], y, c)),
        [StepKinds.FlattenMasks] = (x, i) => OfLevel("masks", x, i, (mask, y, c) => At(mask, i[0], y, c)),
        [StepKinds.FlattenPositions] = (x, i) => OfLevel("pos", x, i, (map, y, c) => At(map, i[0], i[2], y, c))
            .Add("level_embed", At(x.Weight("level_embed"), LevelOf(x.List("pos"), i[1]).Level, i[2])),
        [StepKinds.SpatialShapes] = (x, i) => new TermSum("H or W of the level's map")
            .Add(FormattableString.Invariant($"maps.{i[0]} {x.List("maps")[i[0]].Shape}"), x.List("maps")[i[0]].Shape[2 + i[1]]),
        [StepKinds.LevelStarts] = LevelStarts,
        [StepKinds.ValidRatios] = ValidRatio,
        [StepKinds.EncoderReferencePoints] = EncoderReferencePoint,
        [StepKinds.Value] = Value,
        [StepKinds.SamplingOffsets] = (x, i) =>
        {
            StepOptions o = x.Options;
            int row = (((((i[2] * o.Levels) + i[3]) * o.Points) + i[4]) * 2) + i[5];
            return Queried(x, i, row);
        },
        [StepKinds.AttentionLogits] = (x, i) => Queried(x, i, i[2]),
        [StepKinds.AttentionWeights] = AttentionWeight,
        [StepKinds.SamplingLocations] = SamplingLocation,
        [StepKinds.Sampled] = Sampled,
        [StepKinds.Linear] = (x, i) =>
        {
            string before = !x.Options.Activates ? "x" : x.Options.Activation == Activation.Gelu ? "gelu(x)" : "relu(x)";
            return LinearRow(
                $"Σ {before} · weight + bias", before, x.Weight("weight"), x.Weight("bias"), i[^1],
                c => Active(x, At(x["x"], [.. i[..^1], c])));
        },
        [StepKinds.ResidualNorm] = (x, i) => Normed(
            "(x + branch − mean) / √(variance + 1e-5) · weight + bias", x.Weight("weight"), x.Weight("bias"), i[^1],
            c => At(x["x"], [.. i[..^1], c]) + At(x["branch"], [.. i[..^1], c])),
        [StepKinds.SelfAttention] = SelfAttention,
        [StepKinds.QueryEmbed] = (x, i) =>
        {
            Quantity both = x.Options.TwoStage ? x["pos_trans_out"] : x.Weight("query_embed.weight");
            int channel = (x.Options.Half * (both.Shape[^1] / 2)) + i[2];
            return x.Options.TwoStage
                ? One("pos_trans_out", both, [i[0], i[1], channel])
                : One("query_embed.weight", both, [i[1], channel]);
        },
        [StepKinds.InitReference] = (x, i) => x.Options.TwoStage
            ? new TermSum("σ(coords)") { Finish = Elementary.Sigmoid }.Add("coords", At(x["coords"], i))
            : LinearRow(
                "σ(Σ query_embed · weight + bias)", "query_embed", x.Weight("weight"), x.Weight("bias"), i[2],
                c => At(x["query_embed"], i[0], i[1], c), Elementary.Sigmoid),
        [StepKinds.ReferencePointsInput] = (x, i) => new TermSum("reference_points · valid_ratios").Add(
            "product", ("reference_points", At(x["reference_points"], i[0], i[1], i[3])),
            ("valid_ratios", At(x["valid_ratios"], i[0], i[2], i[3] % 2))),
        [StepKinds.RefineBoxes] = RefineBoxes,
        [StepKinds.Sigmoid] = (x, i) => new TermSum("σ(x)") { Finish = Elementary.Sigmoid }.Add("x", At(x["x"], i)),
        [StepKinds.OutputMemory] = OutputMemory,
        [StepKinds.OutputProposals] = OutputProposal,
        [StepKinds.ProposalBoxes] = (x, i) => new TermSum("delta + proposals")
            .Add("delta", At(x["delta"], i)).Add("proposals", At(x["proposals"], i)),
        [StepKinds.TopKProposals] = TopKProposal,
        [StepKinds.TopKCoords] = (x, i) =>
        {
            int token = (int)x["index"].Whole[i[0], i[1]];
            return One(FormattableString.Invariant($"coords of token {token}"), x["coords"], [i[0], token, i[2]]);
        },
        [StepKinds.ProposalPosition] = ProposalPosition,
        [StepKinds.PosTrans] = (x, i) => Normed(
            "(linear(x) − mean) / √(variance + 1e-5) · norm.weight + norm.bias", x.Weight("norm.weight"), x.Weight("norm.bias"), i[2],
            o => Dot(x.Weight("weight"), x.Weight("bias"), o, c => At(x["x"], i[0], i[1], c))),
        [StepKinds.ResultScores] = (x, i) =>
        {
            (int query, int cls) = Ranked(x, i[0]);
            return new TermSum("σ(pred_logits)") { Finish = Elementary.Sigmoid }.Add(
                FormattableString.Invariant($"pred_logits of query {query}, class {cls}"),
                At(x["pred_logits"], x.Options.Picture, query, cls));
        },
        [StepKinds.ResultLabels] = (x, i) =>
        {
            (int query, int cls) = Ranked(x, i[0]);
            return new TermSum("class of the score at this rank").Add(FormattableString.Invariant($"class, of query {query}"), cls);
        },
        [StepKinds.ResultBoxes] = ResultBox,
    };

    public static IEnumerable<StepKind> Known => Table.Keys;

    // Null for a step that is no sum, such as a picture's resize.
    public static TermSum? Of(StepInputs x, int[] index) =>
        Table.TryGetValue(x.Step.Kind, out Func<StepInputs, int[], TermSum>? terms) ? terms(x, index) : null;

    public static double At(Quantity x, params ReadOnlySpan<int> index) => At(x.Tensor, index);

    public static double At(Tensor tensor, params ReadOnlySpan<int> index) => tensor switch
    {
        Tensor<double> t => t[index],
        Tensor<float> t => t[index],
        Tensor<long> t => t[index],
        Tensor<bool> t => t[index] ? 1 : 0,
        Tensor<byte> t => t[index],
        _ => throw new NotSupportedException($"why: elements of {tensor.ElementType.Word()}."),
    };

    private static double Relu(double x) => x > 0 ? x : double.IsNaN(x) ? x : 0;

    private static double Gelu(double x) => x * 0.5 * (1 + Elementary.Erf(x / Math.Sqrt(2)));

    private static double Active(StepInputs x, double value) =>
        !x.Options.Activates ? value : x.Options.Activation == Activation.Gelu ? Gelu(value) : Relu(value);

    private static TermSum One(string label, Quantity x, int[] index) => new TermSum(label).Add(label, At(x, index));

    private static double Dot(Quantity weight, Quantity bias, int row, Func<int, double> x)
    {
        double sum = At(bias, row);
        for (int c = 0; c < weight.Shape[1]; c++)
        {
            sum += x(c) * At(weight, row, c);
        }

        return sum;
    }

    private static TermSum LinearRow(
        string equation, string input, Quantity weight, Quantity bias, int row, Func<int, double> x, Func<double, double>? finish = null)
    {
        TermSum sum = finish is null ? new TermSum(equation) : new TermSum(equation) { Finish = finish };
        for (int c = 0; c < weight.Shape[1]; c++)
        {
            sum.Add(FormattableString.Invariant($"channel {c}"), (input, x(c)), ("weight", At(weight, row, c)));
        }

        return sum.Add("bias", At(bias, row));
    }

    private static TermSum Queried(StepInputs x, int[] i, int row) => LinearRow(
        "Σ (query + pos) · weight + bias", "query + pos", x.Weight("weight"), x.Weight("bias"), row,
        c => At(x["query"], i[0], i[1], c) + (x.Has("pos") ? At(x["pos"], i[0], i[1], c) : 0));

    private static TermSum Normed(string equation, Quantity weight, Quantity bias, int channel, Func<int, double> x)
    {
        int channels = weight.Shape[0];
        double[] row = new double[channels];
        for (int c = 0; c < channels; c++)
        {
            row[c] = x(c);
        }

        (double mean, double variance) = Moments(row);
        double normalised = (row[channel] - mean) / Math.Sqrt(variance + NormEpsilon);
        double largest = row.Max(Math.Abs);
        return new TermSum(equation)
            .Hide((1 + Math.Abs(normalised)) * largest / Math.Sqrt(variance + NormEpsilon) * At(weight, channel))
            .Figure("element", row[channel]).Figure("mean", mean).Figure("variance", variance).Figure("normalised", normalised)
            .Add("scaled", ("normalised", normalised), ("weight", At(weight, channel)))
            .Add("bias", At(bias, channel));
    }

    private static (double Mean, double Variance) Moments(double[] row)
    {
        double mean = 0;
        foreach (double element in row)
        {
            mean += element / row.Length;
        }

        double variance = 0;
        foreach (double element in row)
        {
            variance += (element - mean) * (element - mean) / row.Length;
        }

        return (mean, variance);
    }

    private static TermSum Normalize(StepInputs x, int[] i)
    {
        ReadOnlySpan<double> mean = [0.485f, 0.456f, 0.406f];
        ReadOnlySpan<double> std = [0.229f, 0.224f, 0.225f];
        Quantity picture = x.List("resized")[i[0]];
        if (i[2] >= picture.Shape[0] || i[3] >= picture.Shape[1])
        {
            return new TermSum("0 beyond the picture");
        }

        // In float32, as the original does it in every run; the terms are exact.
        float value = (((float)At(picture, i[2], i[3], i[1]) / 255f) - (float)mean[i[1]]) / (float)std[i[1]];
        double exact = At(picture, i[2], i[3], i[1]) / 255 / std[i[1]];
        return new TermSum("(v / 255 − mean) / std, in float32")
            .Figure("v", At(picture, i[2], i[3], i[1])).Figure("mean", mean[i[1]]).Figure("std", std[i[1]])
            .Add("v / 255 / std", exact)
            .Add("−mean / std", -(mean[i[1]] / std[i[1]]))
            .Add("rounding in float32", value - (exact - (mean[i[1]] / std[i[1]])));
    }

    private static TermSum PaddingMask(StepInputs x, int[] i)
    {
        TensorShape picture = x.List("resized")[i[0]].Shape;
        return new TermSum("1 beyond the picture").Add(
            FormattableString.Invariant($"picture {picture}"), i[1] >= picture[0] || i[2] >= picture[1] ? 1 : 0);
    }

    private static TermSum Convolution(StepInputs x, int[] i)
    {
        Quantity input = x["x"];
        Quantity weight = x.Weight("weight");
        Conv2dWindow window = x.Options.Window;
        int each = weight.Shape[1];
        int first = i[1] / (weight.Shape[0] / window.Groups) * each;
        TermSum sum = new(x.HasWeight("bias") ? "Σ x · weight + bias" : "Σ x · weight");
        for (int c = 0; c < each; c++)
        {
            for (int ky = 0; ky < weight.Shape[2]; ky++)
            {
                for (int kx = 0; kx < weight.Shape[3]; kx++)
                {
                    int row = (i[2] * window.Stride) - window.Padding + (ky * window.Dilation);
                    int column = (i[3] * window.Stride) - window.Padding + (kx * window.Dilation);
                    if (row >= 0 && row < input.Shape[2] && column >= 0 && column < input.Shape[3])
                    {
                        sum.Add(
                            FormattableString.Invariant($"channel {first + c}, pixel ({row}, {column}), tap ({ky}, {kx})"),
                            (x.Options.Activates ? "relu(x)" : "x", Active(x, At(input, i[0], first + c, row, column))),
                            ("weight", At(weight, i[1], c, ky, kx)));
                    }
                }
            }
        }

        return x.HasWeight("bias") ? sum.Add("bias", At(x.Weight("bias"), i[1])) : sum;
    }

    private static TermSum FrozenBatchNorm(StepInputs x, int[] i)
    {
        double root = Math.Sqrt(At(x.Weight("running_var"), i[1]) + NormEpsilon);
        double scale = At(x.Weight("weight"), i[1]) / root;
        return new TermSum("x · scale − running_mean · scale + bias, scale = weight / √(running_var + 1e-5)")
            .Figure("scale", scale).Figure("running_var", At(x.Weight("running_var"), i[1]))
            .Add("x", ("x", At(x["x"], i)), ("scale", scale))
            .Add("−running_mean", ("−running_mean", -At(x.Weight("running_mean"), i[1])), ("scale", scale))
            .Add("bias", At(x.Weight("bias"), i[1]));
    }

    // The largest alone makes the number; the others are terms of 0.
    private static TermSum StemPool(StepInputs x, int[] i)
    {
        Quantity input = x["x"];
        TermSum sum = new("the largest of relu(x) over 3 × 3 pixels");
        List<(int Row, int Column, double Value)> window = [];
        for (int row = (2 * i[2]) - 1; row <= (2 * i[2]) + 1; row++)
        {
            for (int column = (2 * i[3]) - 1; column <= (2 * i[3]) + 1; column++)
            {
                if (row >= 0 && row < input.Shape[2] && column >= 0 && column < input.Shape[3])
                {
                    window.Add((row, column, Relu(At(input, i[0], i[1], row, column))));
                }
            }
        }

        int largest = 0;
        for (int at = 1; at < window.Count; at++)
        {
            largest = window[at].Value > window[largest].Value ? at : largest;
        }

        for (int at = 0; at < window.Count; at++)
        {
            sum.Add(
                FormattableString.Invariant($"pixel ({window[at].Row}, {window[at].Column})"), ("relu(x)", window[at].Value),
                ("is largest", at == largest ? 1 : 0));
        }

        return sum;
    }

    private static TermSum MaskResize(StepInputs x, int[] i)
    {
        Quantity mask = x["mask"];
        TensorShape map = x["map"].Shape;
        int row = Source(i[1], mask.Shape[1], map[2]);
        int column = Source(i[2], mask.Shape[2], map[3]);
        return One(FormattableString.Invariant($"mask at ({row}, {column})"), mask, [i[0], row, column]);

        // In float32, as the original runs it.
        static int Source(int index, int from, int to) => Math.Min((int)MathF.Floor(index * ((float)from / to)), from - 1);
    }

    private static TermSum GroupNorm(StepInputs x, int[] i)
    {
        Quantity input = x["x"];
        TensorShape s = input.Shape;
        int each = s[1] / 32;
        int first = i[1] / each * each;
        double[] group = new double[each * s[2] * s[3]];
        int at = 0;
        for (int c = first; c < first + each; c++)
        {
            for (int row = 0; row < s[2]; row++)
            {
                for (int column = 0; column < s[3]; column++)
                {
                    group[at++] = At(input, i[0], c, row, column);
                }
            }
        }

        (double mean, double variance) = Moments(group);
        double normalised = (At(input, i) - mean) / Math.Sqrt(variance + NormEpsilon);
        return new TermSum("(x − mean) / √(variance + 1e-5) · weight + bias, over the group's channels and pixels")
            .Hide((1 + Math.Abs(normalised)) * group.Max(Math.Abs) / Math.Sqrt(variance + NormEpsilon) * At(x.Weight("weight"), i[1]))
            .Figure("element", At(input, i)).Figure("mean", mean).Figure("variance", variance).Figure("normalised", normalised)
            .Figure("channels of the group", each)
            .Add("scaled", ("normalised", normalised), ("weight", At(x.Weight("weight"), i[1])))
            .Add("bias", At(x.Weight("bias"), i[1]));
    }

    private static TermSum SinePosition(StepInputs x, int[] i)
    {
        Tensor<bool> mask = x["mask"].Mask;
        int half = x.Options.Channels / 2;
        bool isY = i[1] < half;
        int feature = i[1] % half;
        double upTo = 0;
        double all = 0;
        for (int at = 0; at < mask.Shape[isY ? 1 : 2]; at++)
        {
            double valid = (isY ? mask[i[0], at, i[3]] : mask[i[0], i[2], at]) ? 0 : 1;
            all += valid;
            upTo += at <= (isY ? i[2] : i[3]) ? valid : 0;
        }

        double position = (upTo - 0.5) / (all + 1e-6) * (2 * Math.PI);
        double frequency = Elementary.Pow(10000.0, 2.0 * (feature / 2) / half);
        return Wave(position, frequency, feature)
            .Figure("valid up to here", upTo).Figure("valid in all", all).Figure(isY ? "y in [0, 2π]" : "x in [0, 2π]", position);
    }

    private static TermSum Wave(double position, double divisor, int feature) =>
        new TermSum(feature % 2 == 0 ? "sin(position / frequency)" : "cos(position / frequency)")
        {
            Finish = argument => feature % 2 == 0 ? Elementary.Sin(argument) : Elementary.Cos(argument),
        }.Figure("frequency", divisor).Add("position / frequency", position / divisor);

    private static TermSum LearnedPosition(StepInputs x, int[] i)
    {
        int half = x.Weight("row_embed.weight").Shape[1];
        return i[1] < half
            ? One("col_embed.weight", x.Weight("col_embed.weight"), [i[3], i[1]])
            : One("row_embed.weight", x.Weight("row_embed.weight"), [i[2], i[1] - half]);
    }

    private static (int Level, int Row, int Column) LevelOf(IReadOnlyList<Quantity> maps, int token)
    {
        for (int level = 0; ; level++)
        {
            (int height, int width) = (maps[level].Shape[^2], maps[level].Shape[^1]);
            if (token < height * width)
            {
                return (level, token / width, token % width);
            }

            token -= height * width;
        }
    }

    private static TermSum OfLevel(string role, StepInputs x, int[] i, Func<Quantity, int, int, double> at)
    {
        (int level, int row, int column) = LevelOf(x.List(role), i[1]);
        return new TermSum($"{role} of the token's level and pixel").Add(
            FormattableString.Invariant($"{role}.{level} at ({row}, {column})"), at(x.List(role)[level], row, column));
    }

    private static TermSum LevelStarts(StepInputs x, int[] i)
    {
        TermSum sum = new("Σ H · W of the levels before");
        for (int level = 0; level < i[0]; level++)
        {
            sum.Add(
                FormattableString.Invariant($"level {level}"), ("H", At(x["spatial_shapes"], level, 0)), ("W", At(x["spatial_shapes"], level, 1)));
        }

        return sum;
    }

    private static TermSum ValidRatio(StepInputs x, int[] i)
    {
        Tensor<bool> mask = x.List("masks")[i[1]].Mask;
        int size = mask.Shape[i[2] == 0 ? 2 : 1];
        double valid = 0;
        for (int at = 0; at < size; at++)
        {
            valid += (i[2] == 0 ? mask[i[0], 0, at] : mask[i[0], at, 0]) ? 0 : 1;
        }

        return new TermSum(i[2] == 0 ? "valid columns of the first row / W" : "valid rows of the first column / H")
            .Figure("valid", valid).Figure("size", size).Add("valid / size", valid / size);
    }

    private static (int Level, int Row, int Column, int Height, int Width) Cell(Tensor<long> shapes, int token)
    {
        for (int level = 0; ; level++)
        {
            (int height, int width) = ((int)shapes[level, 0], (int)shapes[level, 1]);
            if (token < height * width)
            {
                return (level, token / width, token % width, height, width);
            }

            token -= height * width;
        }
    }

    private static TermSum EncoderReferencePoint(StepInputs x, int[] i)
    {
        (int level, int row, int column, int height, int width) = Cell(x["spatial_shapes"].Whole, i[1]);
        double own = At(x["valid_ratios"], i[0], level, i[3]);
        double centre = ((i[3] == 0 ? column : row) + 0.5) / (own * (i[3] == 0 ? width : height));
        return new TermSum("centre / (own valid ratio · size) · valid ratio of the level that looks")
            .Figure("level", level).Figure("row", row).Figure("column", column).Figure("own valid ratio", own)
            .Add("product", ("centre", centre), ("valid ratio", At(x["valid_ratios"], i[0], i[2], i[3])));
    }

    private static TermSum Value(StepInputs x, int[] i)
    {
        int row = i[2] * (x.Weight("weight").Shape[0] / x.Options.Heads);
        bool masked = x.Has("mask") && x["mask"].Mask[i[0], i[1]];
        return LinearRow(
            masked ? "0: the token is padding (Σ x · weight + bias is not used)" : "Σ x · weight + bias", "x", x.Weight("weight"),
            x.Weight("bias"), row + i[3], c => At(x["x"], i[0], i[1], c), masked ? _ => 0 : null);
    }

    private static TermSum AttentionWeight(StepInputs x, int[] i)
    {
        (int levels, int points) = (x.Options.Levels, x.Options.Points);
        int first = i[2] * levels * points;
        double largest = double.NegativeInfinity;
        for (int at = 0; at < levels * points; at++)
        {
            largest = Math.Max(largest, At(x["logits"], i[0], i[1], first + at));
        }

        int own = (i[3] * points) + i[4];
        double numerator = Elementary.Exp(At(x["logits"], i[0], i[1], first + own) - largest);
        TermSum sum = new("exp(own − largest) / Σ exp(logit − largest)") { Finish = denominator => numerator / denominator };
        sum.Figure("own logit", At(x["logits"], i[0], i[1], first + own)).Figure("largest logit", largest).Figure("own exponential", numerator);
        for (int at = 0; at < levels * points; at++)
        {
            double logit = At(x["logits"], i[0], i[1], first + at);
            sum.Add(
                FormattableString.Invariant($"level {at / points}, point {at % points}, logit {logit:R}"), Elementary.Exp(logit - largest));
        }

        return sum;
    }

    private static TermSum SamplingLocation(StepInputs x, int[] i)
    {
        Quantity reference = x["reference_points"];
        double offset = At(x["sampling_offsets"], i);
        if (reference.Shape[3] == 2)
        {
            double size = At(x["spatial_shapes"], i[3], 1 - i[5]);
            return new TermSum(i[5] == 0 ? "reference x + offset x / W" : "reference y + offset y / H")
                .Add("reference point", At(reference, i[0], i[1], i[3], i[5]))
                .Add("offset", ("offset", offset), (i[5] == 0 ? "1 / W" : "1 / H", 1 / size));
        }

        return new TermSum("reference centre + offset / P · half the reference's size")
            .Add("reference centre", At(reference, i[0], i[1], i[3], i[5]))
            .Add(
                "offset", ("offset", offset), ("1 / P", 1.0 / x["sampling_offsets"].Shape[4]),
                (i[5] == 0 ? "w" : "h", At(reference, i[0], i[1], i[3], 2 + i[5])), ("half", 0.5));
    }

    private static TermSum Sampled(StepInputs x, int[] i)
    {
        Quantity value = x["value"];
        Quantity locations = x["sampling_locations"];
        int channels = value.Shape[3];
        (int head, int channel) = (i[2] / channels, i[2] % channels);
        TermSum sum = new("Σ attention weight · corner weight · value, over levels, points and the four pixels around each");
        int outside = 0;
        for (int level = 0; level < locations.Shape[3]; level++)
        {
            double height = At(x["spatial_shapes"], level, 0);
            double width = At(x["spatial_shapes"], level, 1);
            for (int point = 0; point < locations.Shape[4]; point++)
            {
                double px = (At(locations, i[0], i[1], head, level, point, 0) * width) - 0.5;
                double py = (At(locations, i[0], i[1], head, level, point, 1) * height) - 0.5;
                double attention = At(x["attention_weights"], i[0], i[1], head, level, point);
                for (int corner = 0; corner < 4; corner++)
                {
                    double ix = Math.Floor(px) + (corner & 1);
                    double iy = Math.Floor(py) + (corner >> 1);
                    if (!(ix >= 0 && ix < width && iy >= 0 && iy < height))
                    {
                        outside++;
                        continue;
                    }

                    int token = (int)At(x["level_start_index"], level) + ((int)iy * (int)width) + (int)ix;
                    sum.Hide(attention * At(value, i[0], token, head, channel) * Math.Max(width, height));
                    sum.Add(
                        FormattableString.Invariant($"level {level}, point {point}, pixel ({iy}, {ix})"),
                        ("corner weight", (1 - Math.Abs(px - ix)) * (1 - Math.Abs(py - iy))), ("attention weight", attention),
                        ("value", At(value, i[0], token, head, channel)));
                }
            }
        }

        return outside == 0 ? sum : sum.Figure("corners outside their level, which count 0", outside);
    }

    // Terms over heads and keys: the probability, times what the key's value becomes in the output projection.
    private static TermSum SelfAttention(StepInputs x, int[] i)
    {
        (Quantity tgt, Quantity pos) = (x["tgt"], x["query_pos"]);
        (Quantity weight, Quantity bias) = (x.Weight("in_proj_weight"), x.Weight("in_proj_bias"));
        int channels = tgt.Shape[2];
        int queries = tgt.Shape[1];
        int heads = x.Options.Heads;
        int each = channels / heads;
        double root = Math.Sqrt(each);
        TermSum sum = new("Σ over heads and keys of probability · (value · out_proj.weight) + out_proj.bias");
        for (int head = 0; head < heads; head++)
        {
            double[] q = [.. Enumerable.Range(head * each, each).Select(row => Project(row, i[1], true) / root)];
            double[] logits = new double[queries];
            double[] read = new double[queries];
            for (int key = 0; key < queries; key++)
            {
                for (int d = 0; d < each; d++)
                {
                    logits[key] += q[d] * Project(channels + (head * each) + d, key, true);
                    read[key] += Project((2 * channels) + (head * each) + d, key, false) * At(x.Weight("out_proj.weight"), i[2], (head * each) + d);
                }
            }

            double largest = logits.Max();
            double all = logits.Sum(logit => Elementary.Exp(logit - largest));
            for (int key = 0; key < queries; key++)
            {
                sum.Add(
                    FormattableString.Invariant($"head {head}, query {key}"), ("probability", Elementary.Exp(logits[key] - largest) / all),
                    ("projected value", read[key]));
            }
        }

        return sum.Add("out_proj.bias", At(x.Weight("out_proj.bias"), i[2]));

        double Project(int row, int query, bool positioned) => Dot(
            weight, bias, row, c => At(tgt, i[0], query, c) + (positioned ? At(pos, i[0], query, c) : 0));
    }

    private static double InverseSigmoid(double x)
    {
        double clamped = Math.Clamp(x, 0, 1);
        return Elementary.Log(Math.Max(clamped, InverseSigmoidEpsilon) / Math.Max(1 - clamped, InverseSigmoidEpsilon));
    }

    private const double InverseSigmoidEpsilon = Tensors.Operators.InverseSigmoid.DefaultEpsilon;

    private static TermSum RefineBoxes(StepInputs x, int[] i)
    {
        TermSum sum = new(i[2] < x["reference"].Shape[2] ? "σ(delta + σ⁻¹(reference))" : "σ(delta): the reference has no size")
        {
            Finish = Elementary.Sigmoid,
        };
        sum.Add("delta", At(x["delta"], i));
        if (i[2] < x["reference"].Shape[2])
        {
            double reference = At(x["reference"], i[0], i[1], i[2]);
            sum.Figure("reference", reference).Add("σ⁻¹(reference)", InverseSigmoid(reference));
        }

        return sum;
    }

    // What a token's box is, and whether it can be proposed; in double, as the reference decides it in a float64 run.
    private static (double[] Box, bool Usable) Proposal(StepInputs x, int n, int token)
    {
        Tensor<bool> mask = x["mask_flatten"].Mask;
        (int level, int row, int column, int height, int width) = Cell(x["spatial_shapes"].Whole, token);
        int start = token - (row * width) - column;
        int validHeight = 0;
        int validWidth = 0;
        for (int y = 0; y < height; y++)
        {
            validHeight += mask[n, start + (y * width)] ? 0 : 1;
        }

        for (int at = 0; at < width; at++)
        {
            validWidth += mask[n, start + at] ? 0 : 1;
        }

        double side = 0.05 * (1L << level);
        double[] box = [(column + 0.5) / validWidth, (row + 0.5) / validHeight, side, side];
        bool usable = !mask[n, token];
        foreach (double part in box)
        {
            usable &= part > 0.01 && part < 0.99;
        }

        return (box, usable);
    }

    private static TermSum OutputMemory(StepInputs x, int[] i)
    {
        bool usable = Proposal(x, i[0], i[1]).Usable;
        Quantity weight = x.Weight("enc_output.weight");
        return Normed(
            usable
                ? "(linear(memory) − mean) / √(variance + 1e-5) · weight + bias"
                : "as below with a memory of 0: the token is padding or its box leaves (0.01, 0.99)",
            x.Weight("enc_output_norm.weight"), x.Weight("enc_output_norm.bias"), i[2],
            o => usable
                ? Dot(weight, x.Weight("enc_output.bias"), o, c => At(x["memory"], i[0], i[1], c))
                : At(x.Weight("enc_output.bias"), o));
    }

    private static TermSum OutputProposal(StepInputs x, int[] i)
    {
        (double[] box, bool usable) = Proposal(x, i[0], i[1]);
        if (!usable)
        {
            return new TermSum("∞: the token is padding or its box leaves (0.01, 0.99)") { Finish = _ => double.PositiveInfinity }
                .Add("side", box[i[2]]);
        }

        return new TermSum("log(side) − log(1 − side)").Figure("side", box[i[2]])
            .Add("log(side)", Elementary.Log(box[i[2]])).Add("−log(1 − side)", -Elementary.Log(1 - box[i[2]]));
    }

    private static TermSum TopKProposal(StepInputs x, int[] i)
    {
        Quantity scores = x["enc_outputs_class"];
        int[] order = new int[scores.Shape[1]];
        for (int token = 0; token < order.Length; token++)
        {
            order[token] = token;
        }

        Array.Sort(order, (left, right) => Compare(At(scores, i[0], right, 0), At(scores, i[0], left, 0)) is not 0 and int by ? by : left.CompareTo(right));
        TermSum sum = new("the token at this rank of the logits of class 0");
        for (int rank = Math.Max(0, i[1] - 1); rank <= Math.Min(order.Length - 1, i[1] + 1); rank++)
        {
            sum.Figure(FormattableString.Invariant($"logit at rank {rank}, token {order[rank]}"), At(scores, i[0], order[rank], 0));
        }

        return sum.Add("token", order[i[1]]);
    }

    // As TopK has it: NaN is largest.
    private static int Compare(double left, double right) =>
        double.IsNaN(left) ? (double.IsNaN(right) ? 0 : 1)
        : double.IsNaN(right) ? -1
        : left < right ? -1
        : left > right ? 1
        : 0;

    private static TermSum ProposalPosition(StepInputs x, int[] i)
    {
        const int Each = ProposalPositionEncoding.FeaturesPerCoordinate;
        int feature = i[2] % Each;
        double coordinate = Elementary.Sigmoid(At(x["coords"], i[0], i[1], i[2] / Each));
        return Wave(coordinate * (2 * Math.PI), Elementary.Pow(10000.0, 2.0 * (feature / 2) / Each), feature)
            .Figure("σ(coords)", coordinate);
    }

    // Query and class at a rank of a picture's scores.
    private static (int Query, int Class) Ranked(StepInputs x, int rank)
    {
        Quantity logits = x["pred_logits"];
        int classes = logits.Shape[2];
        int count = logits.Shape[1] * classes;
        double[] scores = new double[count];
        int[] order = new int[count];
        for (int at = 0; at < count; at++)
        {
            scores[at] = Elementary.Sigmoid(At(logits, x.Options.Picture, at / classes, at % classes));
            order[at] = at;
        }

        Array.Sort(order, (left, right) => Compare(scores[right], scores[left]) is not 0 and int by ? by : left.CompareTo(right));
        return (order[rank] / classes, order[rank] % classes);
    }

    private static TermSum ResultBox(StepInputs x, int[] i)
    {
        (int query, _) = Ranked(x, i[0]);
        int axis = i[1] % 2;
        double side = i[1] < 2 ? -0.5 : 0.5;
        double size = At(x["target_sizes"], x.Options.Picture, 1 - axis);
        (string centre, string extent, string pixels) = axis == 0 ? ("cx", "w", "width") : ("cy", "h", "height");
        return new TermSum(FormattableString.Invariant($"({centre} ∓ {extent} / 2) · {pixels}, of query {query}"))
            .Add(centre, (centre, At(x["pred_boxes"], x.Options.Picture, query, axis)), (pixels, size))
            .Add(extent, (extent, At(x["pred_boxes"], x.Options.Picture, query, 2 + axis)), ("half", side), (pixels, size));
    }
}
