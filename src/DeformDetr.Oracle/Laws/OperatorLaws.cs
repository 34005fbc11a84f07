using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Oracle;

// Laws of the operators that the targets are made of.
internal static partial class OperatorLaws
{
    private const string Output = "output";

    private static readonly LawNumbers[] AllNumbers =
        [LawNumbers.Plain, LawNumbers.NearlyConstant, LawNumbers.Huge, LawNumbers.Tiny, LawNumbers.Equal];

    private static readonly LawSpace Rows = new() { Symbols = [("R", 1, 5), ("C", 1, 70)], Numbers = AllNumbers };

    private static readonly LawSpace PlainRows = Rows with { Numbers = [LawNumbers.Plain] };

    public static IReadOnlyList<Law> All => [.. Elements(), .. Norms(), .. Products(), .. Maps(), .. Positions(), .. Rankings()];

    private static Law Law(string target, string name, string mathematics, string words, LawSpace space, Func<LawCase, LawTrial> trial) =>
        new(target, name, mathematics, words, space, trial);

    private static Law Agrees(string target, LawSpace space, Func<LawCase, LawInput> draw) => Agreement.Law(target, space, draw);

    private static LawInput RowsOf(LawCase c, string target, string config = "{}") =>
        LawInput.Of(target, config, ("input", LawDraw.Numbers(c.Random(1), [c["R"], c["C"]], c.Family.Numbers)));

    private static LawTrial OneRun(LawInput input, Func<LawResult, LawBreach?> judge) => LawTrial.Of(input, judge);

    // y(−x) by y(x).
    private static LawTrial Mirrored(LawInput input, string tensor, Func<Measured, Measured> expected) =>
        LawTrial.Of(input, input.Each(tensor, (_, x) => -x), (x, y) => Holds.Near(Output, y[Output], expected(x[Output])));

    // Chances, near and beyond 0 and 1 too.
    private static Tensor<float> Chances(Random random, TensorShape shape) => LawDraw.Fill(shape, _ => random.Next(6) switch
    {
        0 => random.Next(2),
        1 => 2e-5 * random.NextDouble(),
        2 => 1 - (2e-5 * random.NextDouble()),
        3 => -0.5 + (2 * random.NextDouble()),
        _ => random.NextDouble(),
    });

    private static IEnumerable<Law> Elements()
    {
        yield return Law(
            "sigmoid", "mirrored", "σ(−x) = 1 − σ(x)", "The sigmoid of the opposite is what is missing to one.", Rows,
            c => Mirrored(RowsOf(c, "sigmoid"), "input", y => y.Apply(v => 1 - v, _ => 1)));
        yield return Law(
            "sigmoid", "odds", "σ(x + ln 2) / (1 − σ(x + ln 2)) = 2 σ(x) / (1 − σ(x))", "Adding ln 2 doubles the odds.", PlainRows, c =>
            {
                LawInput input = RowsOf(c, "sigmoid");
                return LawTrial.Of(
                    input, input.Each("input", (_, x) => x + Math.ScaleB(11629080, -24)) with { Rounded = ["input"] },
                    (x, y) =>
                    {
                        Measured odds = Odds(x[Output]).Times(2);

                        // ln 2 is added as a float32.
                        return Holds.Near("odds", Odds(y[Output]), odds.Looser(at => Math.ScaleB(Math.Abs(odds.Value.AsReadOnlySpan()[at]), -24)));
                    });

                static Measured Odds(Measured p) => p.Apply(v => v / (1 - v), v => 1 / ((1 - v) * (1 - v)));
            });
        yield return Law(
            "inverse_sigmoid", "undoes_sigmoid", "σ⁻¹(σ(x)) = x, |x| ≤ ln(1/ε)", "Inverse sigmoid undoes sigmoid within its clamp.",
            PlainRows, c =>
            {
                Tensor<float> x = LawDraw.Between(c.Random(1), [c["R"], c["C"]], -11, 11);
                Tensor<float> p = LawDraw.Fill(x.Shape, i => Elementary.Sigmoid((double)x.AsReadOnlySpan()[i]));
                LawInput input = LawInput.Of("inverse_sigmoid", "{}", ("input", p)) with { Rounded = ["input"] };
                return OneRun(input, y => Holds.Near(Output, y[Output], Measured.Exact(x)));
            });
        yield return Law(
            "inverse_sigmoid", "mirrored", "σ⁻¹(1 − p) = −σ⁻¹(p)", "The logit of the opposite chance is the opposite logit.", PlainRows, c =>
            {
                LawInput input = LawInput.Of(
                    "inverse_sigmoid", "{}", ("input", LawDraw.Fill([c["R"], c["C"]], _ => c.Random(1).Next(0, 1 << 20) / (double)(1 << 20))));
                Random random = c.Random(1);
                input = input.Each("input", (_, _) => random.Next(0, 257) / 256.0);
                return LawTrial.Of(input, input.Each("input", (_, p) => 1 - p), (x, y) => Holds.Near(Output, y[Output], x[Output].Times(-1)));
            });
        yield return Law(
            "inverse_sigmoid", "clamped", "p ≤ ε ⇒ σ⁻¹(p) = ln(max(ε, 0) / (1 − p)); p < 0 as 0, p > 1 as 1",
            "Chances outside [0, 1] count as 0 and 1, whose logits are ±ln(1/ε).", PlainRows, c =>
            {
                Random random = c.Random(1);
                LawInput input = LawInput.Of(
                    "inverse_sigmoid", "{}", ("input", LawDraw.Fill([c["R"], c["C"]], _ => random.Next(4) switch { 0 => 0, 1 => 1, 2 => -5 * random.NextDouble(), _ => 1 + random.NextDouble() })));
                Tensor<float> p = input.Real("input");
                const double LogOfEpsilon = 11.512925464970229;
                return OneRun(input, y => Holds.Near(
                    Output, y[Output], Measured.Exact(p.Shape, at => p.AsReadOnlySpan()[at] <= 0 ? -LogOfEpsilon : LogOfEpsilon)));
            });
        yield return Law(
            "gelu", "mirrored", "gelu(x) − gelu(−x) = x", "GELU of x less GELU of −x is x.", Rows, c =>
            {
                LawInput input = RowsOf(c, "gelu");
                Tensor<float> x = input.Real("input");
                return LawTrial.Of(
                    input, input.Each("input", (_, v) => -v), (a, b) => Holds.Near(Output, a[Output].Minus(b[Output]), Measured.Exact(x)));
            });
        yield return Law(
            "relu", "parts", "relu(x) − relu(−x) = x, relu(x) ≥ 0", "ReLU is the positive part.", Rows, c =>
            {
                LawInput input = RowsOf(c, "relu");
                Tensor<float> x = input.Real("input");
                return LawTrial.Of(
                    input, input.Each("input", (_, v) => -v),
                    (a, b) => Holds.Near(Output, a[Output].Minus(b[Output]), Measured.Exact(x)) ?? Holds.Between(Output, a[Output], 0, double.MaxValue));
            });
        yield return Law(
            "masked_fill", "fills", "y = mask ? value : x", "Only what is masked is filled, also where it is NaN.", PlainRows, c =>
            {
                Random random = c.Random(2);
                Tensor<bool> mask = new([c["R"]]);
                foreach (ref bool masked in mask.AsSpan())
                {
                    masked = random.Next(2) == 0;
                }

                LawInput input = RowsOf(c, "masked_fill", "{\"value\": 2.5}").With(("mask", mask));
                input = input.Each("input", (i, x) => mask.AsReadOnlySpan()[i / c["C"]] && i % 3 == 0 ? double.NaN : x);
                Tensor<float> from = input.Real("input");
                return OneRun(input, y => Holds.Near(
                    Output, Measured.Exact(y.Value(Output)), Measured.Exact(from.Shape, at => mask.AsReadOnlySpan()[at / c["C"]] ? 2.5 : from.AsReadOnlySpan()[at])));
            });
        yield return Law(
            "embedding", "rows", "y[i] = table[index[i]]", "An embedding is the table's rows by index.", PlainRows, c =>
            {
                Random random = c.Random(2);
                Tensor<long> indices = new([2, 3]);
                foreach (ref long index in indices.AsSpan())
                {
                    index = random.Next(c["R"]);
                }

                Tensor<float> table = LawDraw.Numbers(c.Random(1), [c["R"], c["C"]]);
                return OneRun(
                    LawInput.Of("embedding", "{}", ("indices", indices), ("weight", table)), y => Holds.Near(
                        Output, Measured.Exact(y.Value(Output)),
                        Measured.Exact([2, 3, c["C"]], at => table[(int)indices.AsReadOnlySpan()[at / c["C"]], at % c["C"]])));
            });
        yield return Law(
            "gather", "rows", "y[n, q] = x[n, index[n, q]]", "Gathering takes each picture's own rows by index.", PlainRows, c =>
            {
                Random random = c.Random(2);
                Tensor<long> indices = new([2, 4]);
                foreach (ref long index in indices.AsSpan())
                {
                    index = random.Next(c["R"]);
                }

                Tensor<float> x = LawDraw.Numbers(c.Random(1), [2, c["R"], c["C"]]);
                return OneRun(
                    LawInput.Of("gather", "{}", ("input", x), ("indices", indices)), y => Holds.Near(
                        Output, Measured.Exact(y.Value(Output)),
                        Measured.Exact(
                            [2, 4, c["C"]], at => x[at / c["C"] / 4, (int)indices.AsReadOnlySpan()[at / c["C"]], at % c["C"]])));
            });
        yield return Law(
            "cumulative_sum", "differences", "y[i] − y[i − 1] = x[i]", "The differences of running sums are the terms.", PlainRows, c =>
            {
                Random random = c.Random(2);
                Tensor<bool> mask = new([c["R"], c["C"]]);
                foreach (ref bool masked in mask.AsSpan())
                {
                    masked = random.Next(2) == 0;
                }

                int axis = c.Seed % 2;
                int step = axis == 0 ? c["C"] : 1;
                return OneRun(LawInput.Of("cumulative_sum", $"{{\"axis\": {axis}}}", ("input", mask)), y =>
                {
                    Tensor<double> sums = y.Value(Output);
                    Measured differences = Measured.Exact(
                        sums.Shape, at => sums.AsReadOnlySpan()[at] - ((axis == 0 ? at / step : at % c["C"]) == 0 ? 0 : sums.AsReadOnlySpan()[at - step]));
                    return Holds.Near(Output, differences, Measured.Exact(sums.Shape, at => mask.AsReadOnlySpan()[at] ? 1 : 0));
                });
            });
        yield return Law(
            "linspace", "equal_steps", "y[i] = a + i (b − a) / (n − 1), y[0] = a, y[n − 1] = b", "Equal steps from one number to the other, both included.",
            new LawSpace { Symbols = [("steps", 1, 40)] }, c =>
            {
                Random random = c.Random(1);
                (double a, double b) = (random.Next(-64, 64) / 8.0, random.Next(-64, 64) / 8.0);
                int steps = c["steps"];
                return OneRun(
                    LawInput.Of("linspace", FormattableString.Invariant($"{{\"start\": {a}, \"end\": {b}, \"steps\": {steps}}}")),
                    y => Holds.Near(Output, y[Output], Measured.Computed([steps], i => steps == 1 ? a : a + (i * (b - a) / (steps - 1)), _ => Math.Abs(a) + Math.Abs(b))));
            });
        yield return Agrees(
            "inverse_sigmoid", PlainRows, c => LawInput.Of("inverse_sigmoid", "{}", ("input", Chances(c.Random(1), [c["R"], c["C"]]))));
        foreach (string target in new[] { "sigmoid", "gelu", "relu" })
        {
            yield return Agrees(target, Rows, c => RowsOf(c, target));
        }
    }

    private static IEnumerable<Law> Norms()
    {
        LawSpace norm = Rows with { Symbols = [("R", 1, 4), ("C", 1, 70)] };
        LawInput LayerNorm(LawCase c) => RowsOf(c, "layer_norm").With(
            ("weight", LawDraw.Numbers(c.Random(2), [c["C"]])), ("bias", LawDraw.Numbers(c.Random(3), [c["C"]])));
        LawSpace exact = norm with { Numbers = [LawNumbers.Plain] };
        LawInput ExactLayerNorm(LawCase c) => LayerNorm(c).With(("input", LawDraw.Exact(c.Random(1), [c["R"], c["C"]])));

        yield return Law(
            "layer_norm", "shift", "LN(x + c) = LN(x)", "A constant added to a row changes nothing.", exact, c =>
            {
                LawInput input = ExactLayerNorm(c);
                return LawTrial.Of(input, input.Each("input", (_, x) => x + 8), (x, y) => Holds.Near(Output, y, x));
            });
        yield return Law(
            "layer_norm", "scale", "LN(λx; λ²ε) = LN(x; ε)", "A row λ times as large, with an epsilon λ² times as large, changes nothing.", norm, c =>
            {
                LawInput input = LayerNorm(c).Configured("eps", 0.03125);
                return LawTrial.Of(
                    input, input.Each("input", (_, x) => 4 * x).Configured("eps", 0.5), (x, y) => Holds.Near(Output, y, x));
            });
        yield return Law(
            "layer_norm", "moments", "mean(y) = 0, var(y) = σ² / (σ² + ε), w = 1, b = 0",
            "Normed rows have mean zero, and the biased variance of the row over that plus epsilon.", norm, c =>
            {
                int channels = c["C"];
                LawInput input = LayerNorm(c).Each("weight", (_, _) => 1).Each("bias", (_, _) => 0);
                Tensor<float> x = input.Real("input");
                return OneRun(input, y => Moments(y[Output], x, channels, 1e-5));
            });
        yield return Law(
            "layer_norm", "channels_permuted", "LN(x∘π; w∘π, b∘π) = LN(x; w, b)∘π", "Channels in another order give their outputs in that order.", norm, c =>
            {
                LawInput input = LayerNorm(c);
                int[] order = LawDraw.Order(c.Random(7), c["C"]);
                return LawTrial.Of(
                    input, input.Pick(1, order, "input").Pick(0, order, "weight", "bias"), (x, y) => Holds.Near(Output, y[Output], x[Output].Pick(1, order)));
            });
        yield return Law(
            "layer_norm", "constant_row", "x = c ⇒ LN(x) = b", "A constant row gives the bias.", exact, c =>
            {
                LawInput input = ExactLayerNorm(c).Each("input", (_, _) => 2.25);
                Tensor<float> bias = input.Real("bias");
                return OneRun(input, y => Holds.Near(Output, y[Output], Measured.Exact(y[Output].Shape, at => bias.AsReadOnlySpan()[at % c["C"]])));
            });
        yield return Agrees("layer_norm", norm, LayerNorm);

        LawSpace groups = new() { Symbols = [("N", 1, 3), ("G", 1, 4), ("D", 1, 4), ("H", 1, 5), ("W", 1, 5)], Different = ["G", "D"], Numbers = AllNumbers };
        LawInput GroupNorm(LawCase c) => LawInput.Of(
            "group_norm", FormattableString.Invariant($"{{\"num_groups\": {c["G"]}}}"),
            ("input", LawDraw.Numbers(c.Random(1), [c["N"], c["G"] * c["D"], c["H"], c["W"]], c.Family.Numbers)),
            ("weight", LawDraw.Numbers(c.Random(2), [c["G"] * c["D"]])), ("bias", LawDraw.Numbers(c.Random(3), [c["G"] * c["D"]])));
        yield return Law(
            "group_norm", "shift_of_a_group", "GN(x + c_g) = GN(x)", "A constant added to a whole group of a picture changes nothing.",
            groups with { Numbers = [LawNumbers.Plain] }, c =>
            {
                int size = c["D"] * c["H"] * c["W"];
                LawInput input = GroupNorm(c).With(("input", LawDraw.Exact(c.Random(1), [c["N"], c["G"] * c["D"], c["H"], c["W"]])));
                return LawTrial.Of(
                    input, input.Each("input", (i, x) => x + (i / size % 3)), (x, y) => Holds.Near(Output, y, x));
            });
        yield return Law(
            "group_norm", "moments", "mean(y_g) = 0, var(y_g) = σ² / (σ² + ε), w = 1, b = 0",
            "Normed groups have mean zero, and the biased variance of the group over that plus epsilon.", groups, c =>
            {
                LawInput input = GroupNorm(c).Each("weight", (_, _) => 1).Each("bias", (_, _) => 0);
                int size = c["D"] * c["H"] * c["W"];
                Tensor<float> x = input.Real("input");
                return OneRun(input, y => Moments(y[Output].Reshape([c["N"] * c["G"], size]), x, size, 1e-5));
            });
        yield return Law(
            "group_norm", "groups_alone", "GN(x)_g = GN(x_g)", "A group gives beside others what it gives alone.", groups, c =>
            {
                LawInput input = GroupNorm(c);
                int group = c.Seed % c["G"];
                int[] channels = [.. Enumerable.Range(group * c["D"], c["D"])];
                LawInput alone = input.Pick(1, channels, "input").Pick(0, channels, "weight", "bias").Configured("num_groups", 1);
                return LawTrial.Of(alone, input, (x, y) => Holds.Near(Output, y[Output].Pick(1, channels), x[Output]));
            });
        yield return Law(
            "group_norm", "pixels_permuted", "GN(x∘π) = GN(x)∘π, π over pixels", "Rows of pixels in another order give their outputs in that order.", groups, c =>
            {
                LawInput input = GroupNorm(c);
                int[] order = LawDraw.Order(c.Random(7), c["H"]);
                return LawTrial.Of(input, input.Pick(2, order, "input"), (x, y) => Holds.Near(Output, y[Output], x[Output].Pick(2, order)));
            });
        yield return Agrees("group_norm", groups, GroupNorm);

        LawSpace frozen = new() { Symbols = [("N", 1, 3), ("C", 1, 9), ("H", 1, 5), ("W", 1, 5)], Numbers = [LawNumbers.Plain, LawNumbers.NearlyConstant] };
        LawInput Frozen(LawCase c) => LawInput.Of(
            "frozen_batch_norm", "{}",
            ("input", LawDraw.Numbers(c.Random(1), [c["N"], c["C"], c["H"], c["W"]], c.Family.Numbers)),
            ("weight", LawDraw.Numbers(c.Random(2), [c["C"]])), ("bias", LawDraw.Numbers(c.Random(3), [c["C"]])),
            ("running_mean", LawDraw.Numbers(c.Random(4), [c["C"]])), ("running_var", LawDraw.Between(c.Random(5), [c["C"]], 0, 2)));
        yield return Law(
            "frozen_batch_norm", "mean_gives_bias", "x = μ ⇒ y = b", "A map that is the stored mean everywhere gives the bias.", frozen, c =>
            {
                LawInput input = Frozen(c);
                (Tensor<float> mean, Tensor<float> bias) = (input.Real("running_mean"), input.Real("bias"));
                int pixels = c["H"] * c["W"];
                input = input.Each("input", (i, _) => mean.AsReadOnlySpan()[i / pixels % c["C"]]);
                return OneRun(input, y => Holds.Near(Output, y[Output], Measured.Exact(y[Output].Shape, at => bias.AsReadOnlySpan()[at / pixels % c["C"]])));
            });
        yield return Law(
            "frozen_batch_norm", "one_deviation", "x = μ + 1, σ² = ¼ − ε, w = 1 ⇒ y = b + 2", "One more than the mean gives the scale 1/√(σ² + ε) more.", frozen, c =>
            {
                LawInput input = Frozen(c).Configured("eps", 0.0625);
                (Tensor<float> mean, Tensor<float> bias) = (LawDraw.Exact(c.Random(4), [c["C"]]), input.Real("bias"));
                int pixels = c["H"] * c["W"];
                input = input.With(("running_mean", mean)).Each("input", (i, _) => mean.AsReadOnlySpan()[i / pixels % c["C"]] + 1)
                    .Each("weight", (_, _) => 1).Each("running_var", (_, _) => 0.25 - 0.0625);
                return OneRun(
                    input, y => Holds.Near(Output, y[Output], Measured.Exact(y[Output].Shape, at => bias.AsReadOnlySpan()[at / pixels % c["C"]] + 2.0)));
            });
        yield return Agrees("frozen_batch_norm", frozen, Frozen);

        LawSpace soft = Rows with { Numbers = [LawNumbers.Plain, LawNumbers.NearlyConstant, LawNumbers.Tiny, LawNumbers.Equal] };
        yield return Law(
            "softmax", "sums_to_one", "Σ y = 1, y ≥ 0", "The shares of a row are not negative and sum to one.", Rows, c => OneRun(RowsOf(c, "softmax"), y =>
                Holds.Between(Output, y[Output], 0, 1) ?? Holds.Near("Σ output", y[Output].SumLast(), Measured.Exact([c["R"]], _ => 1))));
        yield return Law(
            "softmax", "shift", "softmax(x + c) = softmax(x)", "A constant added to a row changes nothing, also a large one.", PlainRows, c =>
            {
                LawInput input = RowsOf(c, "softmax").With(("input", LawDraw.Exact(c.Random(1), [c["R"], c["C"]])));
                return LawTrial.Of(input, input.Each("input", (_, x) => x + 1024), (x, y) => Holds.Near(Output, y, x));
            });
        yield return Law(
            "softmax", "permuted", "softmax(x∘π) = softmax(x)∘π", "Logits in another order give their shares in that order.", soft, c =>
            {
                LawInput input = RowsOf(c, "softmax");
                int[] order = LawDraw.Order(c.Random(7), c["C"]);
                return LawTrial.Of(input, input.Pick(1, order, "input"), (x, y) => Holds.Near(Output, y[Output], x[Output].Pick(1, order)));
            });
        yield return Law(
            "softmax", "doubled", "softmax of x twice = ½ softmax(x) twice", "A row that is written twice has half of each share.", soft, c =>
            {
                LawInput input = RowsOf(c, "softmax");
                int[] twice = [.. Enumerable.Range(0, 2 * c["C"]).Select(i => i % c["C"])];
                return LawTrial.Of(input, input.Pick(1, twice, "input"), (x, y) => Holds.Near(Output, y[Output].Times(2), x[Output].Pick(1, twice)));
            });
        yield return Agrees("softmax", soft, c => RowsOf(c, "softmax"));
    }

    // Mean zero and variance σ² / (σ² + ε) of normed rows.
    private static LawBreach? Moments(Measured y, Tensor<float> x, int size, double epsilon)
    {
        int rows = x.Length / size;
        double[] variances = new double[rows];
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> values = x.AsReadOnlySpan().Slice(row * size, size);
            double mean = 0;
            foreach (float value in values)
            {
                mean += value / (double)size;
            }

            foreach (float value in values)
            {
                variances[row] += (value - mean) * (value - mean) / size;
            }
        }

        Measured flat = y.Reshape([rows, size]);
        Measured means = flat.SumLast().Times(1.0 / size);
        Measured squares = flat.Apply(v => v * v, v => 2 * v).SumLast().Times(1.0 / size);
        return Holds.Near("mean of output", means, Measured.Exact(means.Shape, _ => 0))
            ?? Holds.Near("variance of output", squares, Measured.Around(
                squares.Shape, row => variances[row] / (variances[row] + epsilon), row => 1e-12 * variances[row] / (variances[row] + epsilon)));
    }
}
