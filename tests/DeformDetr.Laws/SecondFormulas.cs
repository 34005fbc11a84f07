using System.Text.Json;
using DeformDetr.Independent;
using DeformDetr.Oracle;
using DeformDetr.Reference;
using DeformDetr.Reference.Tests;
using DeformDetr.Tensors;

namespace DeformDetr.Laws;

// Each operator is what another formula makes of its inputs, one that shares no code with ours and, where there is one, no idea.
internal static class SecondFormulas
{
    private const string Output = "output";

    public static IReadOnlyList<Law> All { get; } =
    [
        Of(
            CoreLaws.Target, "sum_of_tents", "f = Σ_pixels Σ_samples A · max(0, 1 − |px − i|) · max(0, 1 − |py − j|) · v[j, i]",
            "The output is the sum over all pixels, each weighted by a tent around every sample.", x =>
            {
                SamplingSizes s = Sizes(x);
                (double[] values, double[] magnitudes) = DeformableSampling.Forward(s, D(x, "value"), D(x, "sampling_locations"), D(x, "attention_weights"));
                return (values, [.. magnitudes.Zip(DeformableSampling.GeometryAllowance(s, D(x, "value"), D(x, "attention_weights")), (m, g) => m + (g * Math.ScaleB(1, 48)))]);
            }),
        Of(
            CoreLaws.Target, "one_hot_rows", "f = R · v, R[token] = Σ_samples A · |cell ∩ unit square around the sample|",
            "The output is ordinary attention with a dense row of weights: the shares in which samples select pixels.", x =>
            {
                SamplingSizes s = Sizes(x);
                (_, double[] magnitudes) = DeformableSampling.Forward(s, D(x, "value"), D(x, "sampling_locations"), D(x, "attention_weights"));
                double[] values = OneHotAttention.Forward(s, D(x, "value"), D(x, "sampling_locations"), D(x, "attention_weights"));
                return (values, [.. magnitudes.Zip(DeformableSampling.GeometryAllowance(s, D(x, "value"), D(x, "attention_weights")), (m, g) => m + (g * Math.ScaleB(1, 48)))]);
            }),
        .. Same("linear", "outer_products", "y = Σ_k x[:, k] ⊗ w[:, k] + b, to 106 bits", "A product is the sum of outer products.", x =>
            Products.OfRows(D(x, "input"), D(x, "weight"), D(x, "bias"), Shape(x, "input")[0], Shape(x, "weight")[0], Shape(x, "weight")[1])),
        Of("conv2d", "shifted_pictures", "y = Σ_taps w · the padded picture, shifted", "A convolution is the sum of the padded picture, shifted and scaled, over taps.", x =>
        {
            TensorShape s = Shape(x, "input");
            TensorShape w = Shape(x, "weight");
            return Of(Convolution.Of(
                D(x, "input"), D(x, "weight"), D(x, "bias"), (s[0], s[1], s[2], s[3]), (w[0], w[2], w[3]), Setting(x, "stride"), Setting(x, "padding"),
                Setting(x, "dilation"), Setting(x, "groups")));
        }),
        Of("conv2d", "spectra", "y = F⁻¹(F(x) · F(w)*)", "A convolution is a product of spectra.", x =>
        {
            TensorShape s = Shape(x, "input");
            TensorShape w = Shape(x, "weight");
            int padding = Setting(x, "padding");
            (double[] input, double[] weight, double[] bias) = (D(x, "input"), D(x, "weight"), D(x, "bias"));
            List<double> values = [];
            double largest = 1;
            for (int n = 0; n < s[0]; n++)
            {
                for (int o = 0; o < w[0]; o++)
                {
                    double[]? sum = null;
                    for (int i = 0; i < s[1]; i++)
                    {
                        double[] map = Fourier.Convolve(
                            input.AsSpan(((n * s[1]) + i) * s[2] * s[3], s[2] * s[3]).ToArray(), s[2], s[3],
                            weight.AsSpan(((o * w[1]) + i) * w[2] * w[3], w[2] * w[3]).ToArray(), w[2], w[3], padding);
                        sum = sum is null ? map : [.. sum.Zip(map, (a, b) => a + b)];
                    }

                    values.AddRange(sum!.Select(v => v + bias[o]));
                    largest = Math.Max(largest, input.Max(Math.Abs) * weight.Max(Math.Abs) * s[1] * 64);
                }
            }

            return ([.. values], [.. values.Select(_ => largest)]);
        }, c => c["G"] == 1 && c["stride"] == 1 && c["dilation"] == 1),
        Of("layer_norm", "two_passes", "(x − mean) / √(Σ(x − mean)² / C + ε) · w + b, to 106 bits", "A norm is two passes of compensated sums.", x =>
            Of(Norms.OfRuns(D(x, "input"), Shape(x, "input")[1], i => i % Shape(x, "input")[1], D(x, "weight"), D(x, "bias"), 1e-5))),
        Of("group_norm", "two_passes", "(x − mean) / √(Σ(x − mean)² / size + ε) · w + b, to 106 bits", "A norm is two passes of compensated sums.", x =>
        {
            TensorShape s = Shape(x, "input");
            int pixels = s[2] * s[3];
            return Of(Norms.OfRuns(
                D(x, "input"), s[1] / Setting(x, "num_groups") * pixels, i => i / pixels % s[1], D(x, "weight"), D(x, "bias"), 1e-5));
        }),
        Of("frozen_batch_norm", "unfolded", "(x − μ) / √(σ² + ε) · w + b, to 106 bits", "The frozen norm, not folded into scale and shift.", x =>
        {
            TensorShape s = Shape(x, "input");
            return Of(Norms.Frozen(
                D(x, "input"), s[1], s[2] * s[3], D(x, "weight"), D(x, "bias"), D(x, "running_mean"), D(x, "running_var"), 1e-5));
        }),
        Of("softmax", "logarithm_of_the_sum", "exp(x − log Σ exp x), to 106 bits", "The share is e to the power of the logit less the logarithm of the sum.", x =>
            Of(Functions.Softmax(D(x, "input"), Shape(x, "input")[1]))),
        Of("sigmoid", "by_series", "1 / (1 + e⁻ˣ), to 106 bits", "The sigmoid by its series.", x => Each(x, v => Functions.Sigmoid(v))),
        Of("gelu", "by_series", "x · ½ (1 + erf(x / √2)), to 106 bits", "GELU by the series of erf.", x => Each(x, v => Functions.Gelu(v))),
        Of("inverse_sigmoid", "two_logarithms", "log p − log q, to 106 bits", "The logit is the difference of two logarithms.", x =>
            Each(x, v => Functions.InverseSigmoid(v, 1e-5), 12)),
        Of("multihead_attention", "row_by_row", "softmax(QKᵀ / √d) V", "Attention row by row, head by head.", x =>
        {
            int channels = Shape(x, "query")[2];
            double[] values = Dense.MultiHead(
                Shape(x, "query")[0], Setting(x, "nheads"), D(x, "query"), D(x, "key"), D(x, "value"), D(x, "in_proj_weight"), D(x, "in_proj_bias"),
                D(x, "out_proj.weight"), D(x, "out_proj.bias"));
            double largest = 1 + values.Max(Math.Abs);
            return (values, [.. values.Select(_ => channels * channels * largest)]);
        }),
        Of("box_refinement", "by_hand", "σ(δ + log r − log(1 − r))", "Refinement through the machine's own exp and log.", x =>
        {
            double[] values = Geometry.Refine(D(x, "delta"), D(x, "reference"), Shape(x, "reference")[2]);
            return (values, [.. values.Select(_ => 32.0)]);
        }),
        Of("encoder_output_proposals", "counted", "valid sizes by counting", "Proposals by counting what is valid.", x =>
        {
            bool[] mask = ((Tensor<bool>)x.Tensors["memory_padding_mask"]).AsReadOnlySpan().ToArray();
            (double[] logits, _) = Geometry.Proposals(Shape(x, "memory_padding_mask")[0], LevelsOf((Tensor<long>)x.Tensors["spatial_shapes"]), mask);
            return (logits, [.. logits.Select(_ => 32.0)]);
        }),
        Of("proposal_position_encoding", "by_hand", "sines of 2πσ(p)", "Proposals encoded through the machine's own functions.", x =>
        {
            double[] values = Geometry.ProposalEncoding(D(x, "coords"));
            return (values, [.. values.Select(_ => 256.0)]);
        }),
        Whole(),
    ];

    private static Law Of(
        string target, string name, string mathematics, string words, Func<LawInput, (double[] Values, double[] Magnitudes)> formula,
        Func<LawCase, bool>? only = null)
    {
        // Cases of the target's comparison with the reference.
        Law agreement = LawSuite.Of(target).FirstOrDefault(law => law.Name == "agrees_with_float64") ?? LawSuite.Of(target)[0];
        LawSpace space = only is null ? agreement.Space : agreement.Space with { Allowed = c => only(c) && (agreement.Space.Allowed is null || agreement.Space.Allowed(c)) };
        return new Law(target, name, mathematics, words, space, c =>
        {
            LawInput input = agreement.Trial(c).Inputs[0];
            return LawTrial.Of(input, result =>
            {
                (double[] values, double[] magnitudes) = formula(input);
                string output = LawTargets.Outputs(input)[0];
                Measured actual = result[output];
                return Oracle.Holds.Near(output, actual, Measured.Around(actual.Shape, i => values[i], i => Math.ScaleB(magnitudes[i], -48)));
            });
        });
    }

    private static IEnumerable<Law> Same(string target, string name, string mathematics, string words, Func<LawInput, Truth> formula) =>
        LawSuite.Of(target).Where(law => law.Name.StartsWith("agrees_with_float64", StringComparison.Ordinal)).Select(law => new Law(
            target, law.Name.Replace("agrees_with_float64", name, StringComparison.Ordinal), mathematics, words, law.Space, c =>
            {
                LawInput input = law.Trial(c).Inputs[0];
                return LawTrial.Of(input, result =>
                {
                    Truth truth = formula(input);
                    return Oracle.Holds.Near(Output, result[Output], Measured.Around(
                        result[Output].Shape, i => truth.Values[i].High, i => Math.ScaleB(truth.Magnitudes[i], -52)));
                });
            }));

    // Every tensor of a whole model from those before it, in float64.
    private static Law Whole() => new(
        ModelLaws.Target, "every_step", "tensor = second formula of the tensors before it", "Every named tensor is what an independent formula makes of those before it.",
        ModelLaws.Anything, c =>
        {
            LawInput input = ModelLaws.Draw(c);
            return new LawTrial([], _ =>
            {
                DeformableDetrConfig config = LawModels.Config(c);
                ReferenceSubject subject = OwnSubjects.Wide(c);
                try
                {
                    new Chain(config, subject.Run(input), new Weights(input, config.WithBoxRefine)).Verify();
                    return null;
                }
                catch (Xunit.Sdk.XunitException exception)
                {
                    return new LawBreach("a tensor", [], 0, 0, 0, exception.Message.ReplaceLineEndings(" "));
                }
            });
        })
    {
        Cost = 10,
    };

    private sealed class Weights(LawInput input, bool withBoxRefine) : INamedWeights
    {
        public double[] this[string name] => D(input, WeightNames.Canonical(name, withBoxRefine));
    }

    private static (double[] Values, double[] Magnitudes) Of(Truth truth) => ([.. truth.Values.Select(v => v.High)], truth.Magnitudes);

    private static (double[] Values, double[] Magnitudes) Each(LawInput x, Func<double, DoubleDouble> function, double magnitude = 0)
    {
        double[] values = [.. D(x, "input").Select(v => function(v).High)];
        return (values, [.. values.Select(v => Math.Abs(v) + magnitude)]);
    }

    private static SamplingSizes Sizes(LawInput x)
    {
        TensorShape value = Shape(x, "value");
        TensorShape locations = Shape(x, "sampling_locations");
        return new SamplingSizes(value[0], locations[1], value[2], value[3], locations[4], LevelsOf(x.Whole("spatial_shapes")));
    }

    private static Level[] LevelsOf(Tensor<long> shapes) =>
        Level.Of([.. Enumerable.Range(0, shapes.Shape[0]).Select(l => ((int)shapes[l, 0], (int)shapes[l, 1]))]);

    private static double[] D(LawInput input, string name) => input.Real(name).Doubles();

    private static TensorShape Shape(LawInput input, string name) => input.Tensors[name].Shape;

    private static int Setting(LawInput input, string key) => input.Setting(key) is { ValueKind: JsonValueKind.Number } number ? number.GetInt32() : 1;
}
