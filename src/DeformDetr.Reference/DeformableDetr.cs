using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Reference;

/// <summary>Class logits and boxes of one set of queries.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="PredLogits">Class scores before the sigmoid. Shape [N, Q, K].</param>
/// <param name="PredBoxes">(cx, cy, w, h), fractions of the unpadded picture. Shape [N, Q, 4].</param>
public readonly record struct Predictions<T>(Tensor<T> PredLogits, Tensor<T> PredBoxes)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>;

/// <summary>What the model puts out.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="Final">Of the last decoder layer.</param>
/// <param name="AuxOutputs">Of the layers before it.</param>
/// <param name="EncOutputs">Two-stage: of all tokens (Q = S).</param>
public sealed record DetrOutputs<T>(Predictions<T> Final, IReadOnlyList<Predictions<T>> AuxOutputs, Predictions<T>? EncOutputs)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>;

/// <summary>The model: backbone, projections, transformer, heads. Mirrors DeformableDETR in models/deformable_detr.py.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class DeformableDetr<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly ResNet<T> _backbone;
    private readonly PositionEncoding<T> _positionEncoding;
    private readonly InputProjection<T>[] _inputProj;
    private readonly DeformableTransformer<T> _transformer;
    private readonly PredictionHeads<T> _predictionHeads;

    /// <summary>Takes the weights.</summary>
    /// <param name="config">Sizes and variant.</param>
    /// <param name="weights">Where weights come from.</param>
    /// <exception cref="ArgumentException">A configuration that the original can't run.</exception>
    public DeformableDetr(DeformableDetrConfig config, IWeights<T> weights)
    {
        config.Validate();
        Config = config;
        _backbone = new ResNet<T>(weights, config.Backbone, config.Dilation);
        _positionEncoding = new PositionEncoding<T>(weights, config.PositionEmbedding, config.HiddenDim);
        _inputProj = new InputProjection<T>[config.NumFeatureLevels];
        int first = config.NumFeatureLevels == 1 ? 3 : 1;
        for (int level = 0; level < _inputProj.Length; level++)
        {
            // layer2 to layer4 by 1x1 convolutions; then by 3x3 of stride 2, the first on layer4 itself, the others on the level before.
            int layer = first + level;
            int inputs = layer <= 4 ? config.Backbone.Channels(Math.Min(layer, 3)) : config.HiddenDim;
            _inputProj[level] = new InputProjection<T>(weights, $"input_proj.{level}", inputs, config.HiddenDim, downsamples: layer > 3);
        }

        Heads<T> heads = new(weights, config);
        _transformer = new DeformableTransformer<T>(weights, config, heads);
        _predictionHeads = new PredictionHeads<T>(config, heads);
    }

    /// <summary>Sizes and variant.</summary>
    public DeformableDetrConfig Config { get; }

    /// <summary>Builds the model from a checkpoint, strictly.</summary>
    /// <param name="config">Sizes and variant.</param>
    /// <param name="store">The checkpoint's tensors.</param>
    /// <exception cref="InvalidDataException">Tensors absent, unexpected or wrong: all of them named.</exception>
    public static DeformableDetr<T> Load(DeformableDetrConfig config, IWeightStore store)
    {
        CheckpointWeights<T> weights = new(store, config.WithBoxRefine);
        DeformableDetr<T> model = new(config, weights);
        weights.Finish();
        return model;
    }

    /// <summary>Detects.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="samples">Normalised pictures, zero-padded at bottom and right. Shape [N, 3, H, W].</param>
    /// <param name="mask">True is padding. Shape [N, H, W].</param>
    /// <exception cref="ArgumentException">Shapes disagree, a mask covers everything, or what the original can't run.</exception>
    public DetrOutputs<T> Forward(ForwardPass pass, Tensor<T> samples, Tensor<bool> mask)
    {
        ShapeGuard.Require("model", "samples.tensor", samples.Shape, "[N, 3, H, W]", -1, 3, -1, -1);
        ShapeGuard.That(samples.Length > 0, "model", "samples.tensor", $"holds {samples.Shape}; expected at least one picture.");
        ShapeGuard.Require("model", "samples.mask", mask.Shape, "[N, H, W]", samples.Shape[0], samples.Shape[2], samples.Shape[3]);
        using BufferScope scope = pass.Scope();
        samples = pass.Tap("samples.tensor", samples);
        mask = pass.Tap("samples.mask", mask);

        // backbone, with a mask and a position encoding per level
        List<Tensor<T>> features = _backbone.Forward(pass, samples, first: Config.NumFeatureLevels == 1 ? 3 : 1);
        List<Tensor<bool>> masks = [];
        List<Tensor<T>> pos = [];
        for (int level = 0; level < features.Count; level++)
        {
            features[level] = pass.Tap($"features.{level}.tensors", features[level]);
            masks.Add(
                pass.Tap($"features.{level}.mask", NearestResize.Forward(pass, mask, features[level].Shape[2], features[level].Shape[3])));
        }

        // projections; the extra levels are made from the last map, their masks from the full-resolution mask
        List<Tensor<T>> srcs = [];
        for (int level = 0; level < Config.NumFeatureLevels; level++)
        {
            Tensor<T> input = level < features.Count ? features[level] : level == features.Count ? features[^1] : srcs[^1];
            srcs.Add(pass.Tap($"srcs.{level}", _inputProj[level].Forward(pass, input)));
            if (level >= features.Count)
            {
                masks.Add(NearestResize.Forward(pass, mask, srcs[level].Shape[2], srcs[level].Shape[3]));
            }

            masks[level] = pass.Tap($"masks.{level}", masks[level]);
            pos.Add(pass.Tap($"pos.{level}", _positionEncoding.Forward(pass, masks[level])));
        }

        foreach (Tensor<T> feature in features)
        {
            scope.Release(feature);
        }

        TransformerOutput<T> transformed = _transformer.Forward(pass, srcs, masks, pos, () =>
        {
            foreach (Tensor<T> map in srcs.Concat(pos))
            {
                scope.Release(map);
            }
        });
        return _predictionHeads.Forward(pass, scope, transformed);
    }
}
