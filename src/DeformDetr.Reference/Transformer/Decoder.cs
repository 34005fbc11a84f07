using System.Numerics;
using DeformDetr.Tensors;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Reference;

/// <summary>What the decoder leaves, one entry per layer.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="Hs">Outputs. Shape [N, Q, C] each.</param>
/// <param name="ReferencePoints">References after each layer, fractions of the unpadded picture. Shape [N, Q, 2 or 4] each.</param>
/// <param name="BoxDeltas">The box heads' outputs, where refinement computed them already. Shape [N, Q, 4] each.</param>
public sealed record DecoderOutput<T>(
    IReadOnlyList<Tensor<T>> Hs, IReadOnlyList<Tensor<T>> ReferencePoints, IReadOnlyList<Tensor<T>>? BoxDeltas)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>;

/// <summary>The decoder layers and, between them, iterative box refinement. Mirrors DeformableTransformerDecoder.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class Decoder<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly DecoderLayer<T>[] _layers;
    private readonly Heads<T> _heads;
    private readonly bool _withBoxRefine;

    /// <summary>Takes the weights.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="config">Sizes.</param>
    /// <param name="heads">The heads that refine.</param>
    public Decoder(IWeights<T> weights, DeformableDetrConfig config, Heads<T> heads)
    {
        _layers = new DecoderLayer<T>[config.DecLayers];
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            _layers[layer] = new DecoderLayer<T>(weights, $"transformer.decoder.layers.{layer}", config);
        }

        _heads = heads;
        _withBoxRefine = config.WithBoxRefine;
    }

    /// <summary>Runs the layers.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="tgt">Shape [N, Q, C].</param>
    /// <param name="referencePoints">(x, y) or (cx, cy, w, h), fractions of the unpadded picture. Shape [N, Q, 2 or 4].</param>
    /// <param name="memory">Shape [N, S, C].</param>
    /// <param name="levels">The levels' layout.</param>
    /// <param name="validRatios">Last axis (w, h). Shape [N, L, 2].</param>
    /// <param name="queryPos">Shape [N, Q, C].</param>
    /// <param name="paddingMask">True is padding. Shape [N, S].</param>
    public DecoderOutput<T> Forward(
        ForwardPass pass, Tensor<T> tgt, Tensor<T> referencePoints, Tensor<T> memory, LevelLayout levels, Tensor<T> validRatios,
        Tensor<T> queryPos, Tensor<bool> paddingMask) =>
        Forward(pass, tgt, referencePoints, memory, null, levels, validRatios, queryPos, paddingMask);

    // wanted: makes rows of memory that are going to be read; null where all are there.
    internal DecoderOutput<T> Forward(
        ForwardPass pass, Tensor<T> tgt, Tensor<T> referencePoints, Tensor<T> memory, RowsWanted? wanted, LevelLayout levels,
        Tensor<T> validRatios, Tensor<T> queryPos, Tensor<bool> paddingMask)
    {
        List<Tensor<T>> hs = [];
        List<Tensor<T>> references = [];
        List<Tensor<T>>? deltas = _withBoxRefine ? [] : null;
        Tensor<T> output = tgt;
        for (int lid = 0; lid < _layers.Length; lid++)
        {
            using BufferScope scope = pass.Scope();
            DecoderLayer<T> layer = _layers[lid];
            Tensor<T> referencePointsInput = pass.Tap(
                $"{layer.Name}.reference_points_input", ScaleByRatios(pass, referencePoints, validRatios));
            output = layer.Forward(pass, output, queryPos, referencePointsInput, memory, wanted, levels, paddingMask);
            if (deltas is not null)
            {
                Tensor<T> delta = _heads.Boxes(pass, lid, output);
                deltas.Add(scope.Keep(delta));
                referencePoints = scope.Keep(BoxRefinement.Forward(pass, delta, referencePoints));
            }

            referencePoints = pass.Tap($"transformer.decoder.reference_points.{lid}", referencePoints);
            references.Add(referencePoints);
            hs.Add(pass.Tap($"hs.{lid}", scope.Keep(output)));
        }

        return new DecoderOutput<T>(hs, references, deltas);
    }

    // Whether all layers ask for the rows of memory that they read, and there will be rows that none reads.
    internal bool IsReadInPart(ForwardPass pass, int queries, int tokens) =>
        Array.TrueForAll(_layers, layer => layer.IsReadInPart(pass, queries, tokens));

    // From fractions of the unpadded picture to fractions of each padded level: all of (x, y) or (cx, cy, w, h) times (w, h, w, h).
    private static Tensor<T> ScaleByRatios(ForwardPass pass, Tensor<T> referencePoints, Tensor<T> validRatios)
    {
        int batch = referencePoints.Shape[0];
        int queries = referencePoints.Shape[1];
        int size = referencePoints.Shape[2];
        int levels = validRatios.Shape[1];
        Tensor<T> output = pass.Rent<T>([batch, queries, levels, size]);
        for (int n = 0; n < batch; n++)
        {
            for (int query = 0; query < queries; query++)
            {
                for (int level = 0; level < levels; level++)
                {
                    for (int axis = 0; axis < size; axis++)
                    {
                        output[n, query, level, axis] = Round<T>(
                            Widen(referencePoints[n, query, axis]) * Widen(validRatios[n, level, axis % 2]));
                    }
                }
            }
        }

        return output;
    }
}
