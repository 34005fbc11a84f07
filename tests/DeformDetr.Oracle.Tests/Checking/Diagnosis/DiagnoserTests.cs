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
