using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Laws of products, convolutions and what works on maps.
internal static partial class OperatorLaws
{
    private static readonly LawSpace Linears = new() { Symbols = [("R", 1, 9), ("I", 1, 40), ("O", 1, 40)], Different = ["I", "O"] };

    // More terms than a block of the fast kernels has.
    private static readonly LawSpace LongLinears = new() { Symbols = [("R", 1, 4), ("I", 200, 800), ("O", 1, 40)] };

    // Few kernels and many take different ways through the fast body; so do small maps and larger ones.
    private static readonly LawSpace Convolutions = new()
    {
        Symbols = [("N", 1, 2), ("G", 1, 2), ("I", 1, 5), ("O", 1, 80), ("H", 1, 12), ("W", 1, 40), ("kh", 1, 3), ("kw", 1, 3), ("stride", 1, 3), ("padding", 0, 2), ("dilation", 1, 2)],
        Different = ["I", "O"],
        Allowed = c => c["H"] + (2 * c["padding"]) > c["dilation"] * (c["kh"] - 1) && c["W"] + (2 * c["padding"]) > c["dilation"] * (c["kw"] - 1),
    };

    private static LawInput Linear(LawCase c) => LawInput.Of(
        "linear", "{}", ("input", LawDraw.Exact(c.Random(1), [c["R"], c["I"]])),
        ("weight", LawDraw.Numbers(c.Random(2), [c["O"], c["I"]])), ("bias", LawDraw.Numbers(c.Random(3), [c["O"]])));

    private static LawInput Convolution(LawCase c) => LawInput.Of(
        "conv2d",
        FormattableString.Invariant($"{{\"stride\": {c["stride"]}, \"padding\": {c["padding"]}, \"dilation\": {c["dilation"]}, \"groups\": {c["G"]}}}"),
        ("input", LawDraw.Exact(c.Random(1), [c["N"], c["G"] * c["I"], c["H"], c["W"]])),
        ("weight", LawDraw.Numbers(c.Random(2), [c["G"] * c["O"], c["I"], c["kh"], c["kw"]])), ("bias", LawDraw.Numbers(c.Random(3), [c["G"] * c["O"]])));

    private static IEnumerable<Law> Products()
    {
        foreach ((string suffix, LawSpace space) in new[] { ("", Linears), ("_long", LongLinears) })
        {
            yield return Law(
                "linear", $"additive{suffix}", "f(x + y) = f(x) + f(y) − b", "The output is linear in the input, beside the bias.", space, c =>
                {
                    LawInput input = Linear(c);
                    Tensor<float> other = LawDraw.Exact(c.Random(4), [c["R"], c["I"]]);
                    Tensor<float> bias = input.Real("bias");
                    return new LawTrial(
                        [input, input.With(("input", other)), input.Each("input", (i, x) => x + other.AsReadOnlySpan()[i])],
                        r => Holds.Near(
                            Output, r[2][Output].Plus(Measured.Exact(r[2][Output].Shape, at => bias.AsReadOnlySpan()[at % c["O"]])), r[0][Output].Plus(r[1][Output])));
                });
            yield return Law(
                "linear", $"one_hot{suffix}", "f(eᵢ) = W[:, i] + b", "One input at a time reads one column of the weight.", space, c =>
                {
                    Random random = c.Random(5);
                    int[] columns = [.. Enumerable.Range(0, c["R"]).Select(_ => random.Next(c["I"]))];
                    LawInput input = Linear(c).Each("input", (i, _) => i % c["I"] == columns[i / c["I"]] ? 1 : 0);
                    (Tensor<float> weight, Tensor<float> bias) = (input.Real("weight"), input.Real("bias"));
                    return OneRun(input, y => Holds.Near(
                        Output, y[Output],
                        Measured.Exact([c["R"], c["O"]], at => (double)weight[at % c["O"], columns[at / c["O"]]] + bias.AsReadOnlySpan()[at % c["O"]])));
                });
            yield return Law(
                "linear", $"inputs_permuted{suffix}", "f(x∘π; W∘π) = f(x; W)", "The order of the inputs does not matter.", space, c =>
                {
                    LawInput input = Linear(c);
                    return LawTrial.Of(input, input.Pick(1, LawDraw.Order(c.Random(7), c["I"]), "input", "weight"), (x, y) => Holds.Near(Output, y, x));
                });
            yield return Agreement.Law("linear", space, Linear, suffix: suffix);
        }

        yield return Law(
            "matmul", "identity", "A · 1 = A", "The product with the identity is the matrix.", Linears, c =>
            {
                Tensor<float> a = LawDraw.Numbers(c.Random(1), [2, c["R"], c["I"]]);
                LawInput input = LawInput.Of(
                    "matmul", "{}", ("a", a), ("b", LawDraw.Fill([2, c["I"], c["I"]], at => at / c["I"] % c["I"] == at % c["I"] ? 1 : 0)));
                return OneRun(input, y => Holds.Near(Output, y[Output], Measured.Exact(a)));
            });
        yield return Law(
            "matmul", "transposed", "(AB)ᵀ = BᵀAᵀ", "The transposed product is the product of the transposed, the other way round.", Linears, c =>
            {
                Tensor<float> a = LawDraw.Numbers(c.Random(1), [2, c["R"], c["I"]]);
                Tensor<float> b = LawDraw.Numbers(c.Random(2), [2, c["I"], c["O"]]);
                Tensor T(Tensor x) => Moves.Permute(LawDraw.Context, x, [0, 2, 1]);
                return LawTrial.Of(
                    LawInput.Of("matmul", "{}", ("a", a), ("b", b)), LawInput.Of("matmul", "{}", ("a", T(b)), ("b", T(a))),
                    (x, y) => Holds.Near(Output, y[Output].Permute(0, 2, 1), x[Output]));
            });
        yield return Law(
            "multihead_attention", "keys_permuted", "f(q, k∘π, v∘π) = f(q, k, v)", "The order of keys with their values does not matter.", Attentions, c =>
            {
                LawInput input = Attention(c);
                return LawTrial.Of(input, input.Pick(1, LawDraw.Order(c.Random(7), c["J"]), "key", "value"), (x, y) => Holds.Near(Output, y, x));
            });
        yield return Law(
            "multihead_attention", "one_value", "v = const ⇒ f = U(Vv + b) + c", "Where all values are alike, what is attended to does not matter.", Attentions, c =>
            {
                LawInput input = Attention(c);
                input = input.With(("value", Moves.Pick(LawDraw.Context, input.Real("value"), 1, new int[c["J"]])));
                LawInput other = input.With(("query", LawDraw.Numbers(c.Random(8), input.Real("query").Shape)));
                return LawTrial.Of(input, other, (x, y) => Holds.Near(Output, y, x));
            });
        yield return Law(
            "multihead_attention", "queries_alone", "f(q)ᵢ = f(qᵢ)", "A query gives beside others what it gives alone.", Attentions, c =>
            {
                LawInput input = Attention(c);
                int query = c.Seed % c["Q"];
                return LawTrial.Of(input.Pick(1, [query], "query"), input, (x, y) => Holds.Near(Output, y[Output].Pick(1, query), x[Output]));
            });
        yield return Law(
            "multihead_attention", "temperature", "wq · √2, wk / √2 … ⇒ the same: (2q)·k = q·(2k)",
            "A factor may go from the queries' projection to the keys'.", Attentions, c =>
            {
                LawInput input = Attention(c);
                int channels = c["M"] * c["D"];
                LawInput moved = input
                    .Each("in_proj_weight", (i, w) => (i / channels / channels) switch { 0 => 2 * w, 1 => w / 2, _ => w })
                    .Each("in_proj_bias", (i, b) => (i / channels) switch { 0 => 2 * b, 1 => b / 2, _ => b });
                return LawTrial.Of(input, moved, (x, y) => Holds.Near(Output, y, x));
            });
        yield return Agrees("multihead_attention", Attentions, Attention);
    }

    private static readonly LawSpace Attentions = new()
    {
        Symbols = [("N", 1, 2), ("Q", 1, 5), ("J", 1, 6), ("M", 1, 4), ("D", 1, 5)],
        Different = ["Q", "J", "M", "D"],
    };

    private static LawInput Attention(LawCase c)
    {
        int channels = c["M"] * c["D"];
        return LawInput.Of(
            "multihead_attention", FormattableString.Invariant($"{{\"nheads\": {c["M"]}}}"),
            ("query", LawDraw.Numbers(c.Random(1), [c["N"], c["Q"], channels])), ("key", LawDraw.Numbers(c.Random(2), [c["N"], c["J"], channels])),
            ("value", LawDraw.Numbers(c.Random(3), [c["N"], c["J"], channels])),
            ("in_proj_weight", LawDraw.Between(c.Random(4), [3 * channels, channels], -0.7, 0.7)),
            ("in_proj_bias", LawDraw.Numbers(c.Random(5), [3 * channels])),
            ("out_proj.weight", LawDraw.Numbers(c.Random(6), [channels, channels])), ("out_proj.bias", LawDraw.Numbers(c.Random(9), [channels])));
    }

    private static IEnumerable<Law> Maps()
    {
        LawSpace single = Convolutions with { Symbols = [.. Convolutions.Symbols.Select(size => size.Symbol == "G" ? ("G", 1, 1) : size)] };
        yield return Law(
            "conv2d", "impulse", "f(δ) = the flipped kernel", "An impulse shows the kernel, flipped, around its place.", single, c =>
            {
                Random random = c.Random(5);
                (int channel, int row, int column) = (random.Next(c["I"]), random.Next(c["H"]), random.Next(c["W"]));
                LawInput input = Convolution(c).Each("input", (i, _) => i % (c["I"] * c["H"] * c["W"]) == (((channel * c["H"]) + row) * c["W"]) + column ? 1 : 0);
                (Tensor<float> weight, Tensor<float> bias) = (input.Real("weight"), input.Real("bias"));
                return OneRun(input, y =>
                {
                    TensorShape s = y[Output].Shape;
                    return Holds.Near(Output, y[Output], Measured.Exact(s, at =>
                    {
                        (int o, int i, int j) = (at / s[3] / s[2] % s[1], at / s[3] % s[2], at % s[3]);
                        int down = row + c["padding"] - (i * c["stride"]);
                        int right = column + c["padding"] - (j * c["stride"]);
                        bool seen = down >= 0 && right >= 0 && down % c["dilation"] == 0 && right % c["dilation"] == 0
                            && down / c["dilation"] < c["kh"] && right / c["dilation"] < c["kw"];
                        return (seen ? weight[o, channel, down / c["dilation"], right / c["dilation"]] : 0.0) + bias.AsReadOnlySpan()[o];
                    }));
                });
            });
        yield return Law(
            "conv2d", "additive", "f(x + y) = f(x) + f(y) − b", "The output is linear in the map, beside the bias.", Convolutions, c =>
            {
                LawInput input = Convolution(c);
                Tensor<float> other = LawDraw.Exact(c.Random(4), input.Real("input").Shape);
                Tensor<float> bias = input.Real("bias");
                return new LawTrial(
                    [input, input.With(("input", other)), input.Each("input", (i, x) => x + other.AsReadOnlySpan()[i])],
                    r =>
                    {
                        TensorShape s = r[2][Output].Shape;
                        int pixels = s[2] * s[3];
                        return Holds.Near(
                            Output, r[2][Output].Plus(Measured.Exact(s, at => bias.AsReadOnlySpan()[at / pixels % s[1]])), r[0][Output].Plus(r[1][Output]));
                    });
            });
        yield return Law(
            "conv2d", "stride", "f_s(x)[i, j] = f₁(x)[s i, s j]", "A stride keeps every s-th window.", Convolutions, c =>
            {
                LawInput input = Convolution(c);
                return LawTrial.Of(input, input.Configured("stride", 1), (x, y) =>
                {
                    TensorShape s = x[Output].Shape;
                    int[] rows = [.. Enumerable.Range(0, s[2]).Select(i => i * c["stride"])];
                    int[] columns = [.. Enumerable.Range(0, s[3]).Select(i => i * c["stride"])];
                    return Holds.Near(Output, x[Output], y[Output].Pick(2, rows).Pick(3, columns));
                });
            });
        yield return Law(
            "conv2d", "padding", "f_p(x) = f₀(0 ⊕ x ⊕ 0)", "Padding is a frame of zeros.", Convolutions, c =>
            {
                LawInput input = Convolution(c);
                int p = c["padding"];
                LawInput framed = input.With(("input", Moves.Pad2d(LawDraw.Context, input.Real("input"), p, p, p, p, 0))).Configured("padding", 0);
                return LawTrial.Of(input, framed, (x, y) => Holds.Near(Output, y, x));
            });
        yield return Law(
            "conv2d", "dilation", "f_d(x; w) = f₁(x; w with d − 1 zeros between taps)", "Dilation is zeros between the taps.", Convolutions, c =>
            {
                LawInput input = Convolution(c);
                (int kh, int kw, int d) = (c["kh"], c["kw"], c["dilation"]);
                Tensor<float> weight = input.Real("weight");
                Tensor<float> spread = new([weight.Shape[0], weight.Shape[1], (d * (kh - 1)) + 1, (d * (kw - 1)) + 1]);
                for (int i = 0; i < weight.Length; i++)
                {
                    (int map, int row, int column) = (i / kh / kw, i / kw % kh, i % kw);
                    spread[map / weight.Shape[1], map % weight.Shape[1], row * d, column * d] = weight.AsReadOnlySpan()[i];
                }

                return LawTrial.Of(input, input.With(("weight", spread)).Configured("dilation", 1), (x, y) => Holds.Near(Output, y, x));
            });
        yield return Law(
            "conv2d", "groups_alone", "f(x)_g = f(x_g)", "A group gives beside others what it gives alone.", Convolutions, c =>
            {
                LawInput input = Convolution(c);
                int g = c.Seed % c["G"];
                int[] inputs = [.. Enumerable.Range(g * c["I"], c["I"])];
                int[] outputs = [.. Enumerable.Range(g * c["O"], c["O"])];
                LawInput alone = input.Pick(1, inputs, "input").Pick(0, outputs, "weight", "bias").Configured("groups", 1);
                return LawTrial.Of(alone, input, (x, y) => Holds.Near(Output, y[Output].Pick(1, outputs), x[Output]));
            });
        yield return Law(
            "conv2d", "transposed", "f(xᵀ; wᵀ) = f(x; w)ᵀ", "Transposed maps and kernels give transposed maps.", Convolutions, c =>
            {
                LawInput input = Convolution(c);
                Tensor T(string name) => Moves.Permute(LawDraw.Context, input.Real(name), [0, 1, 3, 2]);
                return LawTrial.Of(
                    input, input.With(("input", T("input")), ("weight", T("weight"))), (x, y) => Holds.Near(Output, y[Output].Permute(0, 1, 3, 2), x[Output]));
            });
        yield return Agrees("conv2d", Convolutions, Convolution);
        LawSpace pools = new()
        {
            Symbols = [("N", 1, 2), ("C", 1, 3), ("H", 1, 9), ("W", 1, 9), ("k", 1, 3), ("stride", 1, 3), ("padding", 0, 1)],
            Allowed = c => c["H"] + (2 * c["padding"]) >= c["k"] && c["W"] + (2 * c["padding"]) >= c["k"] && 2 * c["padding"] <= c["k"],
            Numbers = [LawNumbers.Plain, LawNumbers.Equal],
        };
        yield return Law(
            "max_pool2d", "windows", "y[i, j] = max of the window at (s i − p, s j − p)", "Each output is the largest of its window, of which the frame is no part.", pools, c =>
            {
                Tensor<float> x = LawDraw.Fill([c["N"], c["C"], c["H"], c["W"]], _ => 0);
                x = LawDraw.Numbers(c.Random(1), x.Shape, c.Family.Numbers);
                foreach (ref float value in x.AsSpan())
                {
                    // Below zero, so that a frame of zeros would win.
                    value -= 5;
                }

                LawInput input = LawInput.Of(
                    "max_pool2d", FormattableString.Invariant($"{{\"kernel_size\": {c["k"]}, \"stride\": {c["stride"]}, \"padding\": {c["padding"]}}}"), ("input", x));
                return OneRun(input, y =>
                {
                    TensorShape s = y[Output].Shape;
                    return Holds.Near(Output, Measured.Exact(y.Value(Output)), Measured.Exact(s, at =>
                    {
                        (int n, int channel, int i, int j) = (at / s[3] / s[2] / s[1], at / s[3] / s[2] % s[1], at / s[3] % s[2], at % s[3]);
                        double largest = double.NegativeInfinity;
                        for (int tap = 0; tap < c["k"] * c["k"]; tap++)
                        {
                            int row = (i * c["stride"]) - c["padding"] + (tap / c["k"]);
                            int column = (j * c["stride"]) - c["padding"] + (tap % c["k"]);
                            if (row >= 0 && row < c["H"] && column >= 0 && column < c["W"])
                            {
                                largest = Math.Max(largest, x[n, channel, row, column]);
                            }
                        }

                        return largest;
                    }));
                });
            });
        LawSpace resizes = new() { Symbols = [("H", 1, 20), ("W", 1, 20), ("factor", 1, 4)] };
        yield return Law(
            "nearest_resize", "whole_factors", "y[i, j] = x[f i, f j] downwards, x[i / f, j / f] upwards",
            "By a whole factor, the nearest pixel is the first of each block; the same size changes nothing.", resizes, c =>
            {
                int f = c["factor"];
                bool up = c.Seed % 2 == 0;
                (int height, int width) = up ? (c["H"], c["W"]) : (c["H"] * f, c["W"] * f);
                Random random = c.Random(1);
                Tensor<bool> mask = new([1, height, width]);
                foreach (ref bool masked in mask.AsSpan())
                {
                    masked = random.Next(2) == 0;
                }

                (int rows, int columns) = up ? (height * f, width * f) : (c["H"], c["W"]);
                LawInput input = LawInput.Of("nearest_resize", FormattableString.Invariant($"{{\"height\": {rows}, \"width\": {columns}}}"), ("mask", mask));
                return OneRun(input, y =>
                {
                    Tensor<bool> made = (Tensor<bool>)y.Raw(Output);
                    Measured Of(Func<int, bool> at) => Measured.Exact(made.Shape, i => at(i) ? 1 : 0);
                    return Holds.Near(Output, Of(i => made.AsReadOnlySpan()[i]), Of(i =>
                    {
                        (int row, int column) = (i / columns, i % columns);
                        return up ? mask[0, row / f, column / f] : mask[0, row * f, column * f];
                    }));
                });
            });
        foreach (bool align in new[] { false, true })
        {
            yield return Law(
                "grid_sample", align ? "pixel_centres_aligned" : "pixel_centres", align ? "g = 2(i, j)/(W − 1, H − 1) − 1 ⇒ y = x[j, i]" : "g = (2(i, j) + 1)/(W, H) − 1 ⇒ y = x[j, i]",
                "A sample at a pixel's centre gives that pixel.", GridSamples, c =>
                {
                    Random random = c.Random(4);
                    List<(int X, int Y)> places = [.. Enumerable.Range(0, c["N"] * 6).Select(_ => (random.Next(c["W"]), random.Next(c["H"])))];
                    Tensor<float> x = LawDraw.Numbers(c.Random(1), [c["N"], c["C"], c["H"], c["W"]]);
                    Tensor<float> grid = LawDraw.Fill([c["N"], 2, 3, 2], i =>
                    {
                        (int place, int size) = i % 2 == 0 ? (places[i / 2].X, c["W"]) : (places[i / 2].Y, c["H"]);
                        return align ? (size == 1 ? 0 : (2.0 * place / (size - 1)) - 1) : (((2.0 * place) + 1) / size) - 1;
                    });
                    LawInput input = LawInput.Of("grid_sample", $"{{\"align_corners\": {(align ? "true" : "false")}}}", ("input", x), ("grid", grid)) with { Rounded = ["grid"] };
                    return OneRun(input, y => Holds.Near(Output, y[Output], Measured.Exact(y[Output].Shape, at =>
                    {
                        (int n, int channel, int place) = (at / 6 / c["C"], at / 6 % c["C"], at % 6);
                        return x[n, channel, places[(n * 6) + place].Y, places[(n * 6) + place].X];
                    })));
                });
        }

        yield return Law(
            "grid_sample", "quarter_at_the_corner", "x = 1, g = (±1, ±1), not aligned ⇒ ¼", "Of a field of ones, a sample at a corner gives 0.25.", GridSamples, c =>
            {
                LawInput input = LawInput.Of(
                    "grid_sample", "{}", ("input", LawDraw.Constant([c["N"], c["C"], c["H"], c["W"]], 1)),
                    ("grid", LawDraw.Fill([c["N"], 2, 2, 2], i => (i / (i % 2 == 0 ? 2 : 4) % 2 * 2) - 1)));
                return OneRun(input, y => Holds.Near(Output, y[Output], Measured.Exact(y[Output].Shape, _ => 0.25)));
            });
    }

    private static readonly LawSpace GridSamples = new() { Symbols = [("N", 1, 2), ("C", 1, 3), ("H", 1, 6), ("W", 1, 6)] };
}
