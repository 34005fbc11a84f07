using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Bench;

/// <summary>What the attention core reads.</summary>
/// <param name="Value">Shape [N, S, M, D].</param>
/// <param name="SpatialShapes">Shape [L, 2].</param>
/// <param name="LevelStartIndex">Shape [L].</param>
/// <param name="SamplingLocations">Shape [N, Lq, M, L, P, 2].</param>
/// <param name="AttentionWeights">Shape [N, Lq, M, L, P].</param>
internal sealed record CoreTensors(
    Tensor<float> Value, Tensor<long> SpatialShapes, Tensor<long> LevelStartIndex, Tensor<float> SamplingLocations,
    Tensor<float> AttentionWeights)
{
    // (H, W) of the levels of one 800x1333 picture.
    private static readonly (int Height, int Width)[] Levels = [(100, 167), (50, 84), (25, 42), (13, 21)];

    public int Tokens => Value.Shape[1];

    public int Queries => SamplingLocations.Shape[1];

    /// <summary>How many times the core reads a place.</summary>
    public long Samples => AttentionWeights.Length;

    /// <summary>
    /// As the encoder has them: a query stands on each token in turn (more queries than tokens begin anew) and looks a few cells around.
    /// </summary>
    public static CoreTensors Encoder(int queries = 22223, int levels = 4, int points = 4, int heads = 8, int channels = 32)
    {
        Tensor<long> spatialShapes = new([levels, 2]);
        Tensor<long> levelStartIndex = new([levels]);
        int tokens = 0;
        for (int level = 0; level < levels; level++)
        {
            (int height, int width) = Levels[level];
            (spatialShapes[level, 0], spatialShapes[level, 1], levelStartIndex[level]) = (height, width, tokens);
            tokens += height * width;
        }

        Tensor<float> locations = Agreement.Random(2, [1, queries, heads, levels, points, 2], -4, 4);
        Span<float> xy = locations.AsSpan();
        for (int query = 0, at = 0; query < queries; query++)
        {
            (float x, float y) = Centre(query % tokens);
            for (int head = 0; head < heads; head++)
            {
                for (int level = 0; level < levels; level++)
                {
                    for (int point = 0; point < points; point++, at += 2)
                    {
                        xy[at] = x + (xy[at] / Levels[level].Width);
                        xy[at + 1] = y + (xy[at + 1] / Levels[level].Height);
                    }
                }
            }
        }

        return new CoreTensors(
            Agreement.Random(1, [1, tokens, heads, channels]), spatialShapes, levelStartIndex, locations,
            Agreement.Random(3, [1, queries, heads, levels, points], 0, 2.0 / (levels * points)));
    }

    public static CoreTensors Read(string path)
    {
        using TensorFile file = TensorFile.Open(path);
        return new CoreTensors(
            file.Read<float>("value"), file.Read<long>("spatial_shapes"), file.Read<long>("level_start_index"),
            file.Read<float>("sampling_locations"), file.Read<float>("attention_weights"));
    }

    public Tensor<float> Run(OperatorContext context) =>
        MSDeformAttnCore.Forward(context, Value, SpatialShapes, LevelStartIndex, SamplingLocations, AttentionWeights);

    /// <summary>The textbook body on the first queries says what their outputs should be.</summary>
    public void Agree()
    {
        int few = Math.Min(64, Queries);
        CoreTensors first = this with
        {
            SamplingLocations = First(SamplingLocations, few),
            AttentionWeights = First(AttentionWeights, few),
        };
        Tensor<float> simd = Run(new OperatorContext(Kernels.Simd, Environment.ProcessorCount));
        Agreement.Require(first.Run(new OperatorContext()), First(simd, few));
    }

    // The first queries of the first picture.
    private Tensor<float> First(Tensor<float> tensor, int queries)
    {
        if (Value.Shape[0] != 1)
        {
            throw new InvalidDataException($"core: value holds {Value.Shape}; expected one picture.");
        }

        TensorShape shape = tensor.Shape.With(1, queries);
        return Tensor<float>.Create(shape, tensor.AsReadOnlySpan()[..shape.ElementCount]);
    }

    private static (float X, float Y) Centre(int token)
    {
        int level = 0;
        while (token >= Levels[level].Height * Levels[level].Width)
        {
            token -= Levels[level].Height * Levels[level].Width;
            level++;
        }

        (int height, int width) = Levels[level];
        return (((token % width) + 0.5f) / width, ((token / width) + 0.5f) / height);
    }
}
