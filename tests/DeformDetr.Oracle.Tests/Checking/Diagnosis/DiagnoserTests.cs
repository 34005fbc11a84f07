using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Diagnosis;

/// <summary>General mistakes, compounds, and what is nobody's mistake.</summary>
public class DiagnoserTests
{
    private const string Layer = "transformer.decoder.layers.1";

    private readonly SmallModel _model = SmallModel.Of("model-basic");

    private Diagnoser Diagnoser => new(_model.Noise, MistakeCatalogue.All, _model.Graph);

    [Fact]
    public void ARightTensorHasNoFindings()
    {
        foreach (Step step in _model.Graph.Steps)
        {
            Oracle.Diagnosis diagnosis = Diagnoser.Diagnose(step, _model.Inputs(step), _model.Right(step), Rounded(_model[step.Name]));
            Assert.Empty(diagnosis.Findings);
        }
    }

    [Theory]
    [InlineData($"{Layer}.self_attn")]
    [InlineData($"{Layer}.cross_attn.sampling_offsets")]
    [InlineData($"{Layer}.cross_attn.sampled")]
    [InlineData("transformer.encoder.layers.0.norm1")]
    [InlineData("pred_boxes")]
    [InlineData("backbone.0.body.layer1.0.conv1")]
    public void GarbageIsNobodysMistake(string name)
    {
        Step step = _model.Graph[name];
        Tensor<double> port = new(_model[name].Shape);
        for (int i = 0; i < port.Length; i++)
        {
            port.AsSpan()[i] = (float)Recipe.Uniform(5, name, i);
        }

        Oracle.Diagnosis diagnosis = Diagnose(name, port);
        Assert.Empty(diagnosis.Findings);
        Assert.True(diagnosis.Tried > 50, $"only {diagnosis.Tried} were tried on {step}");
    }

    [Theory]
    [InlineData("constant factor", "factor 2")]
    [InlineData("constant factor", "factor 1/255")]
    [InlineData("constant factor", "factor sqrt(2)")]
    [InlineData("constant offset", "offset 1/2")]
    [InlineData("constant factor and offset", "factor 2, offset -1")]
    public void ConstantsAreFitted(string name, string detail)
    {
        (double factor, double offset) = detail switch
        {
            "factor 2" => (2, 0),
            "factor 1/255" => (1.0 / 255, 0),
            "factor sqrt(2)" => (Math.Sqrt(2), 0),
            "offset 1/2" => (1, 0.5),
            _ => (2.0, -1.0),
        };
        Finding finding = First($"{Layer}.norm1", _ => (value, _) => (value * factor) + offset);
        Assert.Equal(name, finding.Mistake);
        Assert.Equal(detail, finding.Detail);
    }

    [Fact]
    public void ChannelsMayHaveFactorsAndOffsetsOfTheirOwn()
    {
        int channels = _model[$"{Layer}.norm1"].Shape[2];
        Assert.Equal("factor per channel", First($"{Layer}.norm1", _ => (value, i) => value * (1 + (i % channels))).Mistake);
        Assert.Equal("offset per channel", First($"{Layer}.norm1", _ => (value, i) => value + (0.1 * (i % channels))).Mistake);
    }

    [Fact]
    public void OtherPlacesAreSeen()
    {
        const string Offsets = $"{Layer}.cross_attn.sampling_offsets";
        int points = _model[Offsets].Shape[4];
        Assert.Equal("point flipped", First(Offsets, right => (_, i) =>
        {
            int point = i / 2 % points;
            return right[i + (2 * (points - 1 - point - point))];
        }).Mistake);
        const string Norm = $"{Layer}.norm1";
        int channels = _model[Norm].Shape[2];
        Assert.Equal(
            "channel halves exchanged",
            First(Norm, right => (_, i) => right[(i / channels * channels) + (((i % channels) + (channels / 2)) % channels)]).Mistake);
        Assert.Equal("query off by one (forward)", First(Norm, right => (_, i) =>
        {
            int queries = _model[Norm].Shape[1];
            int query = i / channels % queries;
            return right[i + ((((query + queries - 1) % queries) - query) * channels)];
        }).Mistake);
    }

    [Fact]
    public void QueriesInAnotherOrderAreSeen()
    {
        const string Norm = $"{Layer}.norm1";
        int channels = _model[Norm].Shape[2];
        int[] order = [3, 0, 2, 1, 8, 7, 4, 6, 5];
        Finding finding = First(Norm, right => (_, i) =>
        {
            int query = i / channels % 9;
            return right[i + ((order[query] - query) * channels)];
        });
        Assert.Equal("queries in another order", finding.Mistake);
        Assert.True(finding.After <= 1);
    }

    [Theory]
    [InlineData("bias missing", $"{Layer}.linear1")]
    [InlineData("weight transposed", $"{Layer}.cross_attn")]
    [InlineData("weight transposed", "class_embed.1")]
    [InlineData("epsilon 1e-4 instead of 1e-5", "input_proj.1.1")]
    [InlineData("weights of transformer.decoder.layers.0.linear1", $"{Layer}.linear1")]
    [InlineData("weights of backbone.0.body.layer2.0.bn2", "backbone.0.body.layer2.0.bn1")]
    [InlineData("content of transformer.decoder.layers.0.linear1", $"{Layer}.linear1")]
    [InlineData("in_proj_bias missing", $"{Layer}.self_attn")]
    [InlineData("x returned as it is", $"{Layer}.norm2")]
    [InlineData("tf32 inputs", $"{Layer}.linear1")]
    [InlineData("bfloat16 weights", $"{Layer}.linear1")]
    public void GeneralMistakesAreNamed(string name, string tensor)
    {
        Step step = _model.Graph[tensor];
        Mistake mistake = GeneralMistakes.Of(step, _model.Graph).Concat(GeneralMistakes.Halves(step))
            .Single(mistake => mistake.Name == name);
        Oracle.Diagnosis diagnosis = Diagnose(tensor, SmallModel.Dumped(mistake.Evaluate(_model.Algebra, _model.Inputs(step)).Tensor));
        Assert.NotEmpty(diagnosis.Findings);
        Assert.Equal(name, diagnosis.Findings[0].Mistake);
        Assert.True(diagnosis.Findings[0].After <= 1);
    }

    [Theory]
    [InlineData("float16 result")]
    [InlineData("bfloat16 result")]
    [InlineData("zero tensor")]
    public void ResultsAreNamed(string name)
    {
        Finding finding = First($"{Layer}.linear1", _ => (value, _) => name switch
        {
            "float16 result" => (double)(Half)value,
            "bfloat16 result" => NumberFormat.Halves[2].Round(value),
            _ => 0,
        });
        Assert.Equal(name, finding.Mistake);
    }

    [Fact]
    public void ArithmeticInHalfPrecisionIsNamed()
    {
        // Noise as of sums in half precision: no two elements alike.
        Quantity right = _model.Right(_model.Graph[$"{Layer}.linear1"]);
        Finding finding = First(
            $"{Layer}.linear1", _ => (value, i) => value + (Recipe.Uniform(9, "half", i) * 200 * right.Noise!.AsReadOnlySpan()[i]));
        Assert.Equal("tf32 arithmetic", finding.Mistake);
    }

    [Fact]
    public void WholeNumbersAreDiagnosedToo()
    {
        Step step = _model.Graph["transformer.spatial_shapes"];
        Tensor<long> shapes = (Tensor<long>)_model[step.Name];
        Tensor<long> port = new(shapes.Shape);
        for (int level = 0; level < shapes.Shape[0]; level++)
        {
            (port[level, 0], port[level, 1]) = (shapes[level, 1], shapes[level, 0]);
        }

        Oracle.Diagnosis diagnosis = Diagnoser.Diagnose(step, _model.Inputs(step), _model.Right(step), port);
        Assert.Equal("spatial shapes as (W, H)", diagnosis.Findings[0].Mistake);
        for (int i = 0; i < port.Length; i++)
        {
            port.AsSpan()[i] = shapes.AsSpan()[i] + 1;
        }

        Assert.Equal("constant offset", Diagnoser.Diagnose(step, _model.Inputs(step), _model.Right(step), port).Findings[0].Mistake);
    }

    [Theory]
    [InlineData($"{Layer}.cross_attn.sampling_locations", "offsets divided by (H, W)", "x and y of the locations exchanged")]
    [InlineData($"{Layer}.cross_attn.sampling_locations", "offsets divided by (H, W)", "locations clamped to [0, 1]")]
    [InlineData($"{Layer}.cross_attn.sampled", "align_corners=True", "levels of the weights reversed")]
    [InlineData($"{Layer}.cross_attn.sampled", "border clamp", "heads interleaved in the output")]
    [InlineData($"{Layer}.norm1", "weights of norm2", "residual missing")]
    [InlineData($"{Layer}.self_attn", "scores not scaled", "in_proj read as (k, q, v)")]
    [InlineData($"{Layer}.linear2", "GELU for ReLU", "bias missing")]
    public void CompoundsOfTwoAreNamed(string tensor, string first, string second)
    {
        Step step = _model.Graph[tensor];
        Mistake[] all = [.. MistakeCatalogue.All, .. GeneralMistakes.Of(step, _model.Graph)];
        Mistake inner = all.First(mistake => mistake.Name == first);
        Mistake outer = all.First(mistake => mistake.Name == second);
        Quantity wrong = outer.Around(inner.Evaluate)(_model.Algebra, _model.Inputs(step));
        Oracle.Diagnosis diagnosis = Diagnose(tensor, SmallModel.Dumped(wrong.Tensor));
        Assert.NotEmpty(diagnosis.Findings);
        Assert.Equal([first, second], diagnosis.Findings[0].Mistake.Split(" + ").Order(StringComparer.Ordinal).SequenceEqual(
            new[] { first, second }.Order(StringComparer.Ordinal)) ? [first, second] : [diagnosis.Findings[0].Mistake]);
    }

    [Fact]
    public void AMistakeMayComeWithAFactor()
    {
        Step step = _model.Graph[$"{Layer}.cross_attn.attention_weights"];
        Mistake mistake = AttentionMistakes.All.Single(mistake => mistake.Name == "softmax over points only");
        Tensor<double> port = SmallModel.Dumped(mistake.Evaluate(_model.Algebra, _model.Inputs(step)).Tensor);
        foreach (ref double value in port.AsSpan())
        {
            value /= 4;
        }

        Finding finding = Diagnose(step.Name, port).Findings[0];
        Assert.Equal("softmax over points only + constant factor", finding.Mistake);
        Assert.Equal("factor 1/4", finding.Detail);
    }

    [Fact]
    public void ACompoundIsTriedThoughOneOfItsPartsIsNearAlone()
    {
        Step step = _model.Graph[$"{Layer}.linear1"];
        Mistake large = Made("large", (a, _, right) => a.Apply(right, value => value < 0 ? value : value * value));
        Mistake small = Made("small", (_, _, right) => Moved(right, 1.5));
        Diagnoser diagnoser = new(_model.Noise, [large, small], null);
        Quantity both = small.Around(large.Evaluate)(_model.Noise, _model.Inputs(step));
        Oracle.Diagnosis diagnosis = diagnoser.Diagnose(step, _model.Inputs(step), _model.Right(step), both.Tensor);
        Assert.Equal("large + small", diagnosis.Findings[0].Mistake);
        Assert.InRange(diagnosis.Findings[0].After, 0, 1);
        Finding near = diagnosis.Findings.Single(finding => finding.Mistake == "large");
        Assert.InRange(near.After, 1, 2);
    }

    [Fact]
    public void ASecondMistakeThatDoesNotShowIsNotSaid()
    {
        // The port is near to the first, and what is left is nobody's: the second one alone would bring noise enough to cover it.
        Step step = _model.Graph[$"{Layer}.linear1"];
        Mistake large = Made("large", (a, _, right) => a.Apply(right, value => value * value));
        Mistake noisy = Made("noisy", (a, _, right) =>
            new Quantity(
                a.Apply(right, value => value < 0 ? 2 * value : value).Tensor, a.Apply(new Quantity(right.Noise!), noise => 3 * noise).Real));
        Diagnoser diagnoser = new(_model.Noise, [large, noisy], null);
        Quantity port = Moved(large.Evaluate(_model.Noise, _model.Inputs(step)), -1.2);
        Oracle.Diagnosis diagnosis = diagnoser.Diagnose(step, _model.Inputs(step), _model.Right(step), port.Tensor);
        Assert.Equal("large", diagnosis.Findings[0].Mistake);
        Assert.DoesNotContain(diagnosis.Findings, finding => finding.Mistake.Contains("noisy", StringComparison.Ordinal));
    }

    [Fact]
    public void WhatWorkIsLeftDecidesHowManyAreTriedAndTheReportSaysSo()
    {
        Step step = _model.Graph[$"{Layer}.linear1"];
        Tensor<double> port = new(_model[step.Name].Shape);
        for (int i = 0; i < port.Length; i++)
        {
            port.AsSpan()[i] = (float)Recipe.Uniform(5, step.Name, i);
        }

        long each = Effort.Evaluation(_model.Inputs(step), port.Shape);
        Oracle.Diagnosis all = Diagnose(step.Name, port);
        Diagnoser little = new(_model.Noise, MistakeCatalogue.All, _model.Graph) { Total = 20 * each, Least = 3 * each };
        int[] tried = [.. Enumerable.Range(0, 4).Select(_ => Run(little).Tried)];
        Oracle.Diagnosis first = Run(new(_model.Noise, MistakeCatalogue.All, _model.Graph) { Total = 20 * each, Least = 3 * each });
        Assert.Equal(0, all.Skipped);
        Assert.True(first.Skipped > 0 && first.Tried <= 10 && first.Tried < all.Tried, $"{first.Tried} of {all.Tried}");
        Assert.Equal(first.Tried, tried[0]);
        Assert.True(tried[1] < tried[0] && tried[2] <= tried[1] && tried[3] is > 0 and <= 3, string.Join(", ", tried));
        Assert.Contains(
            $"tried {first.Tried} of {CheckNumbers.Count(first.Tried + first.Skipped)}", CheckWords.NotExplained(first), StringComparison.Ordinal);
        Assert.DoesNotContain("tried", CheckWords.NotExplained(all), StringComparison.Ordinal);

        Oracle.Diagnosis Run(Diagnoser diagnoser) => diagnoser.Diagnose(step, _model.Inputs(step), _model.Right(step), port);
    }

    [Theory]
    [InlineData("top-k by the best class")]
    [InlineData("top-k by the sum of the classes")]
    [InlineData("top-k in the order of tokens")]
    public void ProposalsThatTieMayStandInAnyOrder(string name)
    {
        // Tokens 1 and 2 tie for the right ranking and for the wrong one, 4 and 5 too, across the cut.
        SmallModel model = SmallModel.Of("model-two-stage");
        Step step = model.Graph["transformer.topk_proposals"];
        Tensor<double> logits = new([1, 7, 3]);
        double[][] rows = [[1, 6, 2], [5, 8, 1], [5, 8, 1], [3, 2, 1], [2, 3, 2], [2, 2, 3], [-1, -2, 0.5]];
        rows.SelectMany(row => row).ToArray().CopyTo(logits.AsSpan());
        StepInputs inputs = model.Inputs(step);
        inputs = inputs.With("enc_outputs_class", new(logits)).WithOptions(step.Options with { Queries = 4 });
        Quantity right = step.Kind.Evaluate(model.Noise, inputs);
        Assert.Equal([1L, 2, 3, 4], right.Whole.AsReadOnlySpan().ToArray());
        long[] port = name switch
        {
            "top-k in the order of tokens" => [1, 2, 3, 5],
            "top-k by the best class" => [2, 1, 0, 5],
            _ => [2, 1, 5, 4],
        };
        Diagnoser diagnoser = new(model.Noise, MistakeCatalogue.All, model.Graph);
        Oracle.Diagnosis diagnosis = Diagnose(port);
        if (name == "top-k in the order of tokens")
        {
            // Which isn't wrong at all here.
            Assert.Empty(diagnosis.Findings);
            logits[0, 3, 0] = 7;
            diagnosis = Diagnose(port);
        }

        Assert.Equal(name, diagnosis.Findings[0].Mistake);
        Assert.InRange(diagnosis.Findings[0].After, 0, 1);

        // Beyond the ties.
        Assert.DoesNotContain(Diagnose([port[0], port[2], port[1], 6]).Findings, finding => finding.Mistake == name);

        Oracle.Diagnosis Diagnose(long[] indices) => diagnoser.Diagnose(
            step, inputs, step.Kind.Evaluate(model.Noise, inputs), Tensor<long>.FromArray([1, 4], indices));
    }

    [Theory]
    [InlineData("pos.0", "sine positions without the half")]
    [InlineData("pos.1", "frequencies by float division")]
    [InlineData("transformer.encoder.reference_points", "reference points without the half")]
    [InlineData("transformer.valid_ratios", "valid ratios over the area")]
    [InlineData("transformer.output_proposals", "proposals over the padded size")]
    [InlineData("transformer.output_proposals", "proposals' sides from 0.1")]
    [InlineData("transformer.proposal_pos_embed", "proposal encoding with temperature 20")]
    public void AMistakeWithAFaultOfItsOwnIsNotExplained(string name, string mistake)
    {
        SmallModel model = SmallModel.Of("model-two-stage");
        Step step = model.Graph[name];
        Diagnoser diagnoser = new(model.Noise, MistakeCatalogue.All, model.Graph);
        Quantity right = model.Right(step);
        double[] noise = right.Noise!.AsReadOnlySpan().ToArray();
        double[] wrong = Sheet.Numbers(
            MistakeCatalogue.All.Single(known => known.Name == mistake).Evaluate(model.Algebra, model.Inputs(step)).Tensor);
        Assert.Equal(mistake, Diagnose(wrong).First().Mistake);

        // On every second element, and on one.
        foreach (int stride in (int[])[2, wrong.Length])
        {
            int at = Array.FindIndex(noise, wrong.Length / 3, size => size > 0) % stride;
            double[] port = [.. wrong.Select((value, i) =>
                i % stride == at ? value + (8 * noise[i] * Math.Sign(Recipe.Uniform(6, name, i))) : value)];
            Assert.DoesNotContain(Diagnose(port), finding => finding.After <= 1);
        }

        IReadOnlyList<Finding> Diagnose(double[] port) => diagnoser.Diagnose(
            step, model.Inputs(step), right, Tensor<double>.FromArray(right.Shape, [.. port.Select(value => (double)(float)value)])).Findings;
    }

    private static Mistake Made(string name, Func<Algebra, StepInputs, Quantity, Quantity> result) => new()
    {
        Name = name,
        Explanation = "Made.",
        Fix = "None.",
        References = ["H11"],
        Kinds = [StepKinds.Linear],
        Result = result,
    };

    // Every element by so many times its noise, up and down.
    private static Quantity Moved(Quantity right, double noises)
    {
        double[] values = Sheet.Numbers(right.Tensor);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] += (i % 3 == 0 ? noises : -noises) * right.Noise!.AsReadOnlySpan()[i];
        }

        return new(Tensor<double>.FromArray(right.Shape, values), right.Noise);
    }

    private static Tensor Rounded(Tensor tensor) => tensor is Tensor<double> ? SmallModel.Dumped(tensor) : tensor;

    private Oracle.Diagnosis Diagnose(string name, Tensor<double> port) =>
        Diagnoser.Diagnose(_model.Graph[name], _model.Inputs(_model.Graph[name]), _model.Right(_model.Graph[name]), port);

    // What is said of the right tensor with every element changed.
    private Finding First(string name, Func<double[], Func<double, int, double>> change)
    {
        double[] right = Sheet.Numbers(_model[name]);
        Func<double, int, double> each = change(right);
        Tensor<double> port = Tensor<double>.FromArray(_model[name].Shape, [.. right.Select((value, i) => (double)(float)each(value, i))]);
        Oracle.Diagnosis diagnosis = Diagnose(name, port);
        return Assert.IsType<Finding>(diagnosis.Findings.FirstOrDefault());
    }
}
