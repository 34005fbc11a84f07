using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Reference;

/// <summary>From decoder outputs to predictions: the loop at the end of DeformableDETR.forward.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="config">Sizes and variant.</param>
/// <param name="heads">The heads; all of them.</param>
public sealed class PredictionHeads<T>(DeformableDetrConfig config, Heads<T> heads)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Runs the heads on every layer's output.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="scope">The scope that the outputs are to outlive.</param>
    /// <param name="transformed">What the transformer left.</param>
    public DetrOutputs<T> Forward(ForwardPass pass, BufferScope scope, TransformerOutput<T> transformed)
    {
        List<Predictions<T>> layers = [];
        for (int level = 0; level < config.DecLayers; level++)
        {
            // The reference that went into the layer, free of valid ratios.
            Tensor<T> reference = level == 0 ? transformed.InitReference : transformed.Decoder.ReferencePoints[level - 1];
            Tensor<T> hs = transformed.Decoder.Hs[level];
            Tensor<T> logits = heads.Classes(pass, level, hs);
            Tensor<T> delta = transformed.Decoder.BoxDeltas?[level] ?? heads.Boxes(pass, level, hs);
            layers.Add(new Predictions<T>(logits, BoxRefinement.Forward(pass, delta, reference)));
        }

        Predictions<T> final = Tap(pass, scope, "", layers[^1]);
        List<Predictions<T>> auxOutputs = [];
        for (int level = 0; config.AuxLoss && level < config.DecLayers - 1; level++)
        {
            auxOutputs.Add(Tap(pass, scope, $"aux_outputs.{level}.", layers[level]));
        }

        Predictions<T>? encOutputs = null;
        if (transformed.EncOutputsClass is not null && transformed.EncOutputsCoordUnact is not null)
        {
            encOutputs = Tap(
                pass, scope, "enc_outputs.",
                new Predictions<T>(transformed.EncOutputsClass, Sigmoid.Forward(pass, transformed.EncOutputsCoordUnact)));
        }

        return new DetrOutputs<T>(final, auxOutputs, encOutputs);
    }

    private static Predictions<T> Tap(ForwardPass pass, BufferScope scope, string prefix, Predictions<T> predictions) => new(
        scope.Keep(pass.Tap($"{prefix}pred_logits", predictions.PredLogits)),
        scope.Keep(pass.Tap($"{prefix}pred_boxes", predictions.PredBoxes)));
}
