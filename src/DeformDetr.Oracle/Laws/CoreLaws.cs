using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Laws of the attention core: y = f(v, φ, A), A the weights and φ the locations.
internal static class CoreLaws
{
    public const string Target = "ms_deform_attn_core";

    private const string Output = "output";

    private static readonly LawSpace Anywhere = new()
    {
        Symbols = [("N", 1, 3), ("Lq", 1, 5), ("M", 1, 4), ("D", 1, 19), ("P", 1, 5)],
        Different = ["M", "L", "P", "D"],
        Levels = (1, 4),
        Numbers = [LawNumbers.Plain, LawNumbers.Plain, LawNumbers.NearlyConstant, LawNumbers.Huge, LawNumbers.Tiny, LawNumbers.Equal],
        Points =
        [
            LawPoints.Inside, LawPoints.Mixed, LawPoints.Mixed, LawPoints.Centres, LawPoints.HalfWay, LawPoints.Borders, LawPoints.Beyond, LawPoints.Far,
        ],
    };

    // Laws that place the points themselves.
    private static readonly LawSpace Placed = Anywhere with { Points = [LawPoints.Inside] };

    private static readonly LawSpace Plain = Placed with { Numbers = [LawNumbers.Plain] };

    public static IReadOnlyList<Law> All { get; } =
    [
        Law(
            "pixel_centre", "φ = (i + ½, j + ½) / (W, H) ⇒ f = Σ A · v[j, i]", "A sample at a pixel's centre gives that pixel.", Placed,
            c => At(c, (random, size) => random.Next(size), (level, x, y) => [(level.Width * (int)y) + (int)x])),
        Law(
            "quarter_at_the_corner", "v = 1, φ ∈ {0, 1}² ⇒ f = ¼ · Σ A",
            "Of a field of ones, a sample at a corner of the map, such as (1, 1), gives 0.25.", Plain, c => Ones(c, corner: true)),
        Law(
            "half_at_the_edge", "v = 1, φ = (0 or 1, a centre's y) ⇒ f = ½ · Σ A",
            "Of a field of ones, a sample on the map's left or right edge gives 0.5.", Plain, c => Ones(c, corner: false)),
        Law(
            "zero_outside", "px ≤ −1 ∨ px ≥ W ∨ py ≤ −1 ∨ py ≥ H ⇒ f = 0",
            "From half a pixel outside the map on, a sample is exactly zero.", Placed, Outside),
        Law(
            "constant_field", "v = c, 0 ≤ px ≤ W − 1, 0 ≤ py ≤ H − 1 ⇒ f = c · Σ A",
            "A constant field gives the constant, times the sum of weights, where all samples are inside.", Placed, ConstantField),
        Law(
            "ramps", "v = (x, y, l) ⇒ f = Σ A · (px, py, l)",
            "A field that holds x, y and the level's number gives each sample's place and level: x runs along rows, y down, levels in order.",
            Plain with { Symbols = [.. Plain.Symbols.Select(size => size.Symbol == "D" ? ("D", 3, 3) : size)] }, Ramps),
        Law(
            "continuous", "|f(φ + ε) − f(φ − ε)| ≤ Lε", "Sampling is continuous across the lines between pixels and across the border.", Placed,
            Continuous),
        Law(
            "linear_in_value", "f(3u − ½v) = 3f(u) − ½f(v)", "The output is linear in the value.",
            Anywhere with { Numbers = [LawNumbers.Plain] }, LinearInValue),
        Law(
            "linear_in_weights", "f(A + 2B) = f(A) + 2f(B)", "The output is linear in the attention weights.",
            Anywhere with { Numbers = [LawNumbers.Plain] }, LinearInWeights),
        Law(
            "queries_permuted", "f(φ∘π, A∘π) = f(φ, A)∘π", "Queries in another order give their outputs in that order.", Anywhere,
            c => Same(Draw(c), (x, order) => x.Pick(1, order, "sampling_locations", "attention_weights"), c["Lq"], 1, c)),
        Law(
            "heads_permuted", "f(v∘π, φ∘π, A∘π) = f(v, φ, A)∘π", "Heads in another order give their outputs in that order.", Anywhere,
            c => Same(Draw(c), (x, order) => x.Pick(2, order, "value", "sampling_locations", "attention_weights"), c["M"], 2, c)),
        Law(
            "channels_permuted", "f(v∘π) = f(v)∘π", "Channels in another order give their outputs in that order.", Anywhere,
            c => Same(Draw(c), (x, order) => x.Pick(3, order, "value"), c["D"], 3, c)),
        Law(
            "pictures_alone", "f(x)ₙ = f(xₙ)", "A picture gives in a batch what it gives alone.",
            Anywhere with { Symbols = [.. Anywhere.Symbols.Select(size => size.Symbol == "N" ? ("N", 2, 3) : size)] }, PicturesAlone),
        Law(
            "x_and_y_exchanged", "f(vᵀ, (y, x), (W, H)) = f(v, (x, y), (H, W))",
            "Exchanging x and y, and transposing every level, changes nothing.", Anywhere, Transposed),
        Law(
            "frame_of_zeros", "f(0 ⊕ v ⊕ 0, φ′) = f(v, φ), φ′ the same pixels",
            "A frame of zeros around every level, and points moved by as many pixels, changes nothing: whole shifts commute, and outside is zero.",
            Anywhere with { Points = [LawPoints.Inside, LawPoints.Centres, LawPoints.HalfWay, LawPoints.Borders, LawPoints.Beyond] }, Framed),
        Law(
            "point_of_no_weight", "A[p] = 0 ⇒ f is that without p", "A point of weight zero can be left out.", Anywhere, c => Without(c, level: false)),
        Law(
            "level_of_no_weight", "A[l] = 0 ⇒ f is that without l", "A level of weight zero can be left out.", Anywhere, c => Without(c, level: true)),
        Law(
            "point_in_halves", "A[p] = ½A[p] + ½A[p]", "A point that is split in two of half its weight changes nothing.", Anywhere,
            c => Halves(c, level: false)),
        Law(
            "level_in_halves", "A[l] = ½A[l] + ½A[l]", "A level that is split in two copies of half the weight changes nothing.", Anywhere,
            c => Halves(c, level: true)),
        Law(
            "points_permuted", "f(φ∘π, A∘π) = f(φ, A), π over points", "The order of a level's points does not matter.", Anywhere, PointsPermuted),
        Law(
            "levels_permuted", "f(v∘π, φ∘π, A∘π) = f(v, φ, A), π over levels", "The order of levels does not matter.", Anywhere, LevelsPermuted),
        Law(
            "pixels_out_of_reach", "∂f/∂v[i] = 0 where |px − i| ≥ 1 for every sample", "Pixels that no sample touches do not matter.",
            Plain with { MostSide = 9 }, OutOfReach),
        Law(
            "dense_attention", "φ visits every centre ⇒ f = A · v", "When its points visit all pixels, it is ordinary attention: the product of weights and values.",
            Plain, Dense),
        Agreement.Law(Target, Anywhere, c => Draw(c)),
    ];

    public static LawInput Draw(LawCase c, Tensor<float>? value = null, Tensor<float>? locations = null, Tensor<float>? weights = null) => Make(
        c.Levels,
        value ?? LawDraw.Numbers(c.Random(1), [c["N"], c.Tokens, c["M"], c["D"]], c.Family.Numbers),
        locations ?? LawDraw.Locations(c.Random(2), [c["N"], c["Lq"], c["M"], c.Levels.Count, c["P"], 2], c.Levels, c.Family.Points),
        weights ?? LawDraw.Between(c.Random(3), [c["N"], c["Lq"], c["M"], c.Levels.Count, c["P"]], -0.5, 1));

    private static LawInput Make(IReadOnlyList<(int Height, int Width)> levels, Tensor<float> value, Tensor<float> locations, Tensor<float> weights)
    {
        Tensor<long> shapes = LawDraw.Shapes(levels);
        return LawInput.Of(
            Target, "{}", ("value", value), ("spatial_shapes", shapes), ("level_start_index", StepKinds.Starts(shapes)),
            ("sampling_locations", locations), ("attention_weights", weights));
    }

    private static Law Law(string name, string mathematics, string words, LawSpace space, Func<LawCase, LawTrial> trial) =>
        new(Target, name, mathematics, words, space, trial);

    // [N, Lq, M·D] as [N, Lq, M, D].
    private static Measured ByHead(LawResult result, LawCase c) => result[Output].Reshape([c["N"], c["Lq"], c["M"], c["D"]]);

    private static (int Height, int Width) LevelOf(LawCase c, int sample) => c.Levels[sample / c["P"] % c.Levels.Count];

    // Points at places that a function gives in pixels.
    private static Tensor<float> Locations(LawCase c, Func<int, (double X, double Y)> pixels)
    {
        Tensor<float> locations = new([c["N"], c["Lq"], c["M"], c.Levels.Count, c["P"], 2]);
        for (int sample = 0; sample < locations.Length / 2; sample++)
        {
            (int height, int width) = LevelOf(c, sample);
            (double x, double y) = pixels(sample);
            locations.AsSpan()[2 * sample] = (float)((x + 0.5) / width);
            locations.AsSpan()[(2 * sample) + 1] = (float)((y + 0.5) / height);
        }

        return locations;
    }

    // Σ over samples of weight · what a sample gives, for each query, head and channel.
    private static Measured Sum(LawCase c, LawInput input, Func<int, int, double> sampled)
    {
        int perItem = c.Levels.Count * c["P"];
        ReadOnlyMemory<float> weights = input.Real("attention_weights").AsReadOnlySpan().ToArray();
        return Measured.Exact([c["N"], c["Lq"], c["M"], c["D"]], at =>
        {
            (int item, int channel) = (at / c["D"], at % c["D"]);
            double sum = 0;
            for (int sample = item * perItem; sample < (item + 1) * perItem; sample++)
            {
                sum += weights.Span[sample] * sampled(sample, channel);
            }

            return sum;
        });
    }

    // The value of a token for the picture and head that a sample belongs to.
    private static double ValueAt(LawCase c, LawInput input, int sample, int token, int channel)
    {
        int item = sample / c["P"] / c.Levels.Count;
        (int n, int head) = (item / c["M"] / c["Lq"], item % c["M"]);
        int level = sample / c["P"] % c.Levels.Count;
        int start = (int)input.Whole("level_start_index")[level];
        return input.Real("value")[n, start + token, head, channel];
    }

    private static LawTrial At(LawCase c, Func<Random, int, double> place, Func<(int Height, int Width), double, double, int[]> tokens)
    {
        Random random = c.Random(4);
        List<(double X, double Y)> places = [];
        LawInput input = Draw(c, locations: Locations(c, sample =>
        {
            (int height, int width) = LevelOf(c, sample);
            places.Add((place(random, width), place(random, height)));
            return places[^1];
        })) with
        {
            Rounded = ["sampling_locations"],
        };
        Measured expected = Sum(c, input, (sample, channel) =>
            tokens(LevelOf(c, sample), places[sample].X, places[sample].Y).Sum(token => ValueAt(c, input, sample, token, channel)));
        return LawTrial.Of(input, result => Holds.Near(Output, ByHead(result, c), expected));
    }

    private static LawTrial Ones(LawCase c, bool corner)
    {
        Random random = c.Random(4);
        LawInput input = Draw(
            c, value: LawDraw.Constant([c["N"], c.Tokens, c["M"], c["D"]], 1),
            locations: Locations(c, sample =>
            {
                (int height, int width) = LevelOf(c, sample);
                double x = random.Next(2) == 0 ? -0.5 : width - 0.5;
                return (x, !corner ? random.Next(height) : random.Next(2) == 0 ? -0.5 : height - 0.5);
            })) with
        {
            Rounded = ["sampling_locations"],
        };
        Measured expected = Sum(c, input, (_, _) => corner ? 0.25 : 0.5);
        return LawTrial.Of(input, result => Holds.Near(Output, ByHead(result, c), expected));
    }

    private static LawTrial Outside(LawCase c)
    {
        Random random = c.Random(4);
        LawInput input = Draw(c, locations: Locations(c, sample =>
        {
            (int height, int width) = LevelOf(c, sample);
            double[] point = [-0.5 + (width * random.NextDouble()), -0.5 + (height * random.NextDouble())];
            int axis = random.Next(2);
            int size = axis == 0 ? width : height;

            // Exactly half a pixel outside can be told of sides that are powers of two only.
            double least = (size & (size - 1)) == 0 ? 0 : 1e-3;
            double far = random.Next(4) switch { 0 => least, 1 => 1e-3 + random.NextDouble(), 2 => 1 + (10 * random.NextDouble()), _ => 1e5 * random.NextDouble() + 1 };
            point[axis] = random.Next(2) == 0 ? -1 - far : size + far;
            return (point[0], point[1]);
        }));
        return LawTrial.Of(input, result => Holds.Near(Output, Measured.Exact(result.Value(Output)), Measured.Exact(result.Value(Output).Shape, _ => 0)));
    }

    private static LawTrial ConstantField(LawCase c)
    {
        Random random = c.Random(4);
        Tensor<float> level = LawDraw.Numbers(c.Random(5), [c["N"], 1, c["M"], c["D"]], c.Family.Numbers);
        LawInput input = Draw(
            c, value: (Tensor<float>)Moves.Expand(LawDraw.Context, level, [c["N"], c.Tokens, c["M"], c["D"]]),
            locations: Locations(c, sample =>
            {
                (int height, int width) = LevelOf(c, sample);
                return (random.NextDouble() * (width - 1), random.NextDouble() * (height - 1));
            })) with
        {
            Rounded = ["sampling_locations"],
        };
        Measured expected = Sum(c, input, (sample, channel) => ValueAt(c, input, sample, 0, channel));
        return LawTrial.Of(input, result => Holds.Near(Output, ByHead(result, c), expected));
    }

    private static LawTrial Ramps(LawCase c)
    {
        Random random = c.Random(4);
        List<(double X, double Y)> places = [];
        int[] levelOf = [.. c.Levels.SelectMany((level, l) => Enumerable.Repeat(l, level.Height * level.Width))];
        int[] cellOf = [.. c.Levels.SelectMany(level => Enumerable.Range(0, level.Height * level.Width))];
        Tensor<float> value = LawDraw.Fill([c["N"], c.Tokens, c["M"], 3], at =>
        {
            int token = at / 3 / c["M"] % c.Tokens;
            int width = c.Levels[levelOf[token]].Width;
            return (at % 3) switch { 0 => cellOf[token] % width, 1 => cellOf[token] / width, _ => levelOf[token] };
        });
        LawInput input = Draw(c, value: value, locations: Locations(c, sample =>
        {
            (int height, int width) = LevelOf(c, sample);
            places.Add((random.NextDouble() * (width - 1), random.NextDouble() * (height - 1)));
            return places[^1];
        })) with
        {
            Rounded = ["sampling_locations"],
        };
        Measured expected = Sum(c, input, (sample, channel) => channel switch
        {
            0 => places[sample].X,
            1 => places[sample].Y,
            _ => sample / c["P"] % c.Levels.Count,
        });
        return LawTrial.Of(input, result => Holds.Near(Output, ByHead(result, c), expected));
    }

    private static LawTrial Continuous(LawCase c)
    {
        const double Step = 1.0 / 512;
        Random random = c.Random(4);
        List<(double X, double Y)> places = [];
        LawInput before = Draw(c, locations: Locations(c, sample =>
        {
            (int height, int width) = LevelOf(c, sample);
            places.Add((Line(width), Line(height)));
            return (places[^1].X - Step, places[^1].Y - Step);
        }));
        LawInput after = before.With(("sampling_locations", Locations(c, sample => (places[sample].X + Step, places[sample].Y + Step))));

        // A value may differ from its neighbour by twice the largest, and both coordinates move.
        double largest = 0;
        foreach (float v in before.Real("value").AsReadOnlySpan())
        {
            largest = Math.Max(largest, Math.Abs(v));
        }

        double[] weights = new double[c["N"] * c["Lq"] * c["M"]];
        for (int i = 0; i < before.Real("attention_weights").Length; i++)
        {
            weights[i / (c.Levels.Count * c["P"])] += Math.Abs(before.Real("attention_weights").AsReadOnlySpan()[i]);
        }

        return LawTrial.Of(before, after, (x, y) => Holds.Near(
            Output, ByHead(x, c), ByHead(y, c).Looser(at => weights[at / c["D"]] * largest * 2 * (2 * Step) * 2), "a jump across a line between pixels"));

        // A centre's line, the border, or half a pixel outside it, where samples fade to zero.
        double Line(int size) => random.Next(-1, size + 1);
    }

    private static LawTrial LinearInValue(LawCase c)
    {
        TensorShape shape = [c["N"], c.Tokens, c["M"], c["D"]];
        Tensor<float> u = LawDraw.Exact(c.Random(5), shape);
        Tensor<float> v = LawDraw.Exact(c.Random(6), shape);
        LawInput input = Draw(c, value: u);
        return new LawTrial(
            [input, input.With(("value", v)), input.Each("value", (i, x) => (3 * x) - (0.5 * v.AsReadOnlySpan()[i]))],
            r => Holds.Near(Output, r[2][Output], r[0][Output].Times(3).Minus(r[1][Output].Times(0.5))));
    }

    private static LawTrial LinearInWeights(LawCase c)
    {
        TensorShape shape = [c["N"], c["Lq"], c["M"], c.Levels.Count, c["P"]];
        Tensor<float> a = LawDraw.Exact(c.Random(5), shape);
        Tensor<float> b = LawDraw.Exact(c.Random(6), shape);
        LawInput input = Draw(c, weights: a);
        return new LawTrial(
            [input, input.With(("attention_weights", b)), input.Each("attention_weights", (i, x) => x + (2 * b.AsReadOnlySpan()[i]))],
            r => Holds.Near(Output, r[2][Output], r[0][Output].Plus(r[1][Output].Times(2))));
    }

    private static LawTrial Same(LawInput input, Func<LawInput, int[], LawInput> permuted, int count, int axis, LawCase c)
    {
        int[] order = LawDraw.Order(c.Random(7), count);
        return LawTrial.Of(input, permuted(input, order), (x, y) => Holds.Near(Output, ByHead(y, c), ByHead(x, c).Pick(axis, order)));
    }

    private static LawTrial PicturesAlone(LawCase c)
    {
        LawInput input = Draw(c);
        int n = c.Seed % c["N"];
        return LawTrial.Of(
            input.Pick(0, [n], "value", "sampling_locations", "attention_weights"), input,
            (alone, together) => Holds.Near(Output, together[Output].Pick(0, n), alone[Output]));
    }

    private static LawTrial Transposed(LawCase c)
    {
        LawInput input = Draw(c);
        int[] tokens = [];
        int start = 0;
        foreach ((int height, int width) in c.Levels)
        {
            int from = start;
            tokens = [.. tokens, .. Enumerable.Range(0, height * width).Select(cell => from + (cell % height * width) + (cell / height))];
            start += height * width;
        }

        LawInput turned = Make(
            [.. c.Levels.Select(level => (level.Width, level.Height))], input.Pick(1, tokens, "value").Real("value"),
            input.Pick(5, [1, 0], "sampling_locations").Real("sampling_locations"), input.Real("attention_weights"));
        return LawTrial.Of(input, turned, (x, y) => Holds.Near(Output, y, x));
    }

    private static LawTrial Framed(LawCase c)
    {
        Random random = c.Random(4);
        LawInput input = Draw(c) with { Rounded = ["sampling_locations"] };
        (int Top, int Bottom, int Left, int Right)[] frames = [.. c.Levels.Select(_ => (random.Next(3), random.Next(3), random.Next(3), random.Next(3)))];
        (int Height, int Width)[] larger = [.. c.Levels.Select((level, l) => (level.Height + frames[l].Top + frames[l].Bottom, level.Width + frames[l].Left + frames[l].Right))];
        Tensor<float> value = new([c["N"], larger.Sum(level => level.Height * level.Width), c["M"], c["D"]]);
        int row = c["M"] * c["D"];
        for (int n = 0; n < c["N"]; n++)
        {
            int from = n * c.Tokens;
            int to = n * value.Shape[1];
            for (int l = 0; l < c.Levels.Count; l++)
            {
                for (int cell = 0; cell < c.Levels[l].Height * c.Levels[l].Width; cell++)
                {
                    int target = to + ((frames[l].Top + (cell / c.Levels[l].Width)) * larger[l].Width) + frames[l].Left + (cell % c.Levels[l].Width);
                    input.Real("value").AsReadOnlySpan().Slice((from + cell) * row, row).CopyTo(value.AsSpan().Slice(target * row, row));
                }

                from += c.Levels[l].Height * c.Levels[l].Width;
                to += larger[l].Height * larger[l].Width;
            }
        }

        Tensor<float> locations = LawDraw.Fill(input.Real("sampling_locations").Shape, i =>
        {
            int l = i / 2 / c["P"] % c.Levels.Count;
            (int size, int grown, int shift) = i % 2 == 0
                ? (c.Levels[l].Width, larger[l].Width, frames[l].Left)
                : (c.Levels[l].Height, larger[l].Height, frames[l].Top);
            return ((input.Real("sampling_locations").AsReadOnlySpan()[i] * (double)size) + shift) / grown;
        });
        LawInput framed = Make(larger, value, locations, input.Real("attention_weights")) with { Rounded = ["sampling_locations"] };
        return LawTrial.Of(input, framed, (x, y) => Holds.Near(Output, y, x));
    }

    private static LawTrial Without(LawCase c, bool level)
    {
        // One more than the case says, so that something is left.
        LawCase more = level ? c with { Levels = [.. c.Levels, (2, 3)] } : c.With("P", c["P"] + 1);
        int count = level ? more.Levels.Count : more["P"];
        int none = c.Seed % count;
        LawInput input = Draw(more);
        input = input.Each("attention_weights", (i, weight) => (level ? i / more["P"] % more.Levels.Count : i % more["P"]) == none ? 0 : weight);
        int[] rest = [.. Enumerable.Range(0, count).Where(i => i != none)];
        LawInput fewer = level
            ? Levels(more, input, rest)
            : input.Pick(4, rest, "sampling_locations", "attention_weights");
        return LawTrial.Of(input, fewer, (x, y) => Holds.Near(Output, y, x));
    }

    private static LawTrial Halves(LawCase c, bool level)
    {
        LawInput input = Draw(c);
        int count = level ? c.Levels.Count : c["P"];
        int split = c.Seed % count;
        int[] twice = [.. Enumerable.Range(0, split + 1), .. Enumerable.Range(split, count - split)];
        LawInput halves = level ? Levels(c, input, twice) : input.Pick(4, twice, "sampling_locations", "attention_weights");
        int inner = level ? c["P"] : 1;
        halves = halves.Each("attention_weights", (i, weight) => i / inner % (count + 1) is int which && (which == split || which == split + 1) ? weight / 2 : weight);
        return LawTrial.Of(input, halves, (x, y) => Holds.Near(Output, y, x));
    }

    // The same with some of the levels, in some order.
    private static LawInput Levels(LawCase c, LawInput input, int[] order)
    {
        int[] starts = [.. input.Whole("level_start_index").AsReadOnlySpan().ToArray().Select(start => (int)start)];
        int[] tokens = [.. order.SelectMany(level => Enumerable.Range(starts[level], c.Levels[level].Height * c.Levels[level].Width))];
        LawInput picked = input.Pick(3, order, "sampling_locations", "attention_weights").Pick(1, tokens, "value");
        return Make([.. order.Select(level => c.Levels[level])], picked.Real("value"), picked.Real("sampling_locations"), picked.Real("attention_weights"));
    }

    private static LawTrial PointsPermuted(LawCase c)
    {
        LawInput input = Draw(c);
        return LawTrial.Of(
            input, input.Pick(4, LawDraw.Order(c.Random(7), c["P"]), "sampling_locations", "attention_weights"), (x, y) => Holds.Near(Output, y, x));
    }

    private static LawTrial LevelsPermuted(LawCase c)
    {
        LawInput input = Draw(c);
        return LawTrial.Of(input, Levels(c, input, LawDraw.Order(c.Random(7), c.Levels.Count)), (x, y) => Holds.Near(Output, y, x));
    }

    private static LawTrial OutOfReach(LawCase c)
    {
        LawInput input = Draw(c);
        HashSet<(int N, int Token, int Head)> touched = [];
        ReadOnlySpan<float> locations = input.Real("sampling_locations").AsReadOnlySpan();
        for (int sample = 0; sample < locations.Length / 2; sample++)
        {
            int item = sample / c["P"] / c.Levels.Count;
            int l = sample / c["P"] % c.Levels.Count;
            (int height, int width) = c.Levels[l];
            double x = (locations[2 * sample] * (double)width) - 0.5;
            double y = (locations[(2 * sample) + 1] * (double)height) - 0.5;
            for (int cell = 0; cell < height * width; cell++)
            {
                if (Math.Abs(x - (cell % width)) < 1.001 && Math.Abs(y - (cell / width)) < 1.001)
                {
                    touched.Add((item / c["M"] / c["Lq"], (int)input.Whole("level_start_index")[l] + cell, item % c["M"]));
                }
            }
        }

        int tokens = c.Tokens;
        LawInput changed = input.Each("value", (i, v) =>
        {
            int at = i / c["D"];
            return touched.Contains((at / c["M"] / tokens, at / c["M"] % tokens, at % c["M"])) ? v : v + 100;
        });
        return LawTrial.Of(input, changed, (x, y) => Holds.Near(Output, y, x));
    }

    private static LawTrial Dense(LawCase c)
    {
        // All levels alike, and as many points as pixels.
        (int height, int width) = c.Levels[0];
        LawCase all = c with { Levels = [.. c.Levels.Select(_ => c.Levels[0])] };
        all = all.With("P", height * width);
        LawInput input = Draw(all, locations: Locations(all, sample => (sample % (height * width) % width, sample % (height * width) / width))) with
        {
            Rounded = ["sampling_locations"],
        };
        Measured expected = Sum(all, input, (sample, channel) => ValueAt(all, input, sample, sample % (height * width), channel));
        return LawTrial.Of(input, result => Holds.Near(Output, ByHead(result, all), expected));
    }
}
