using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Diagnosis;

/// <summary>Errors planted in one place are said to be there.</summary>
public class ErrorAnatomistTests
{
    private const string Layer = "transformer.encoder.layers.0";

    private readonly SmallModel _model = SmallModel.Of("model-basic");

    [Fact]
    public void OneHead() => Says($"{Layer}.self_attn.value", (at, error) => at[2] == 1 ? error : 0, "only the last head, 1 of 2");

    [Fact]
    public void OneLevelOfTheSamples() =>
        Says($"{Layer}.self_attn.attention_weights", (at, error) => at[3] == 1 ? error : 0, "only level 1 of 4");

    [Fact]
    public void OnlyX() => Says($"{Layer}.self_attn.sampling_offsets", (at, error) => at[5] == 0 ? error : 0, "only x");

    [Fact]
    public void TheLastChannel() => Says($"{Layer}.norm1", (at, error) => at[2] == 63 ? error : 0, "only the last channel, 63 of 64");

    [Fact]
    public void OddChannels() => Says($"{Layer}.norm1", (at, error) => at[2] % 2 == 1 ? error : 0, "only every odd channel");

    [Fact]
    public void Padding()
    {
        Tensor<bool> mask = Mask;
        Says($"{Layer}.self_attn.value", (at, error) => mask[at[0], at[1]] ? error : 0, "only padding");
        Says($"{Layer}.self_attn.value", (at, error) => mask[at[0], at[1]] ? 0 : error, "everything but padding");
    }

    [Fact]
    public void LevelsAndBordersOfTokens()
    {
        Tensor<long> shapes = Shapes;
        int width = (int)shapes[0, 1];
        int cells = (int)shapes[0, 0] * width;
        Says($"{Layer}.norm1", (at, error) => at[1] < cells ? error : 0, "only tokens of level 0");
        Says(
            $"{Layer}.norm1", (at, error) => at[1] < cells && at[1] % width == width - 1 ? error : 0,
            "only the border of level 0: first row, last row, last column");
    }

    [Fact]
    public void BordersOfMaps() =>
        Says("srcs.0", (at, error) => at[2] == 0 ? error : 0, "only row 0 of 11", "only the border: first row, first column, last column");

    [Fact]
    public void Signs() => Says($"{Layer}.norm1", (at, error) => Math.Abs(error), "all errors are upward");

    [Fact]
    public void Growth() => Says(
        $"{Layer}.linear1", (at, error) => error * at[2], "grows linearly with the channel");

    [Fact]
    public void Factors()
    {
        Tensor<double> right = _model.Real($"{Layer}.norm1");
        Says($"{Layer}.norm1", (at, _) => right[at[0], at[1], at[2]], "constant factor (factor 2)");
    }

    [Fact]
    public void Everything() => Says($"{Layer}.norm1", (_, error) => error, "spread over everything");

    [Fact]
    public void NothingBeyondNoise() => Says($"{Layer}.norm1", (_, error) => error * 1e-9, "nothing is beyond noise");

    [Fact]
    public void ProfilesMapAndHistogramCountEveryElement()
    {
        ErrorAnatomy anatomy = Examine($"{Layer}.self_attn.attention_weights", (at, error) => at[3] == 1 && at[4] == 2 ? error : 0);
        Assert.Equal(["batch", "token", "head", "level", "point"], anatomy.ByAxis.Select(axis => axis.Axis));
        Assert.Equal([0, 1.0 / 3, 0, 0], anatomy.ByAxis[3].Share);
        Assert.Equal(_model[$"{Layer}.self_attn.attention_weights"].Length, anatomy.Histogram.Sum());
        Assert.Equal(("level", "point"), (anatomy.Map!.Rows, anatomy.Map.Columns));
        Assert.Equal(3, anatomy.Map.Width);
        Assert.True(anatomy.Map.Largest[5] > 100);
        Assert.True(anatomy.Map.Largest.Where((_, cell) => cell != 5).All(error => error == 0));
    }

    [Fact]
    public void TokensAreDrawnAsTheirLevel()
    {
        int width = (int)Shapes[0, 1];
        ErrorAnatomy anatomy = Examine($"{Layer}.norm1", (at, error) => at[1] == (3 * width) + 5 ? error : 0);
        Assert.Equal(("row of level 0", "column of level 0", width), (anatomy.Map!.Rows, anatomy.Map.Columns, anatomy.Map.Width));
        Assert.True(anatomy.Map.Largest[(3 * width) + 5] > 100);
    }

    private Tensor<bool> Mask => (Tensor<bool>)_model["transformer.mask_flatten"];

    private Tensor<long> Shapes => (Tensor<long>)_model["transformer.spatial_shapes"];

    private void Says(string name, Func<int[], double, double> error, params string[] sentences)
    {
        ErrorAnatomy anatomy = Examine(name, error);
        Assert.All(sentences, sentence => Assert.Contains(sentence, anatomy.Sentences));
    }

    // The right tensor with an error of about a thousand times its noise, wherever it is let in.
    private ErrorAnatomy Examine(string name, Func<int[], double, double> error)
    {
        Step step = _model.Graph[name];
        Quantity right = _model.Right(step);
        TensorShape shape = right.Shape;
        Tensor<double> port = right.Real.Clone();
        for (int i = 0; i < port.Length; i++)
        {
            int[] at = new int[shape.Rank];
            int rest = i;
            for (int axis = shape.Rank - 1; axis >= 0; axis--)
            {
                at[axis] = rest % shape[axis];
                rest /= shape[axis];
            }

            double noise = right.Noise?.AsSpan()[i] ?? 0;
            double planted = (noise == 0 ? 1e-6 : 1000 * noise) * (i * 7 % 3 == 0 ? -1 : 1);
            port.AsSpan()[i] += error(at, planted);
        }

        return ErrorAnatomist.Examine(step, port, right, Mask, Shapes);
    }
}
