using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Reference;

/// <summary>The convolutional backbone: torchvision's ResNet with frozen batch norms. Mirrors Backbone in models/backbone.py.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class ResNet<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const string Name = "backbone.0.body";

    private readonly ConvNorm<T> _stem;
    private readonly ResNetBlock<T>[][] _layers = new ResNetBlock<T>[4][];

    /// <summary>Takes the weights.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="spec">Which ResNet.</param>
    /// <param name="dilation">Whether layer4 trades its stride for a dilation of 2.</param>
    public ResNet(IWeights<T> weights, BackboneSpec spec, bool dilation)
    {
        _stem = new ConvNorm<T>(weights, $"{Name}.conv1", $"{Name}.bn1", 3, spec.Width, 7, new Conv2dWindow(2, 3));
        int inputs = spec.Width;
        for (int layer = 0; layer < 4; layer++)
        {
            bool dilated = dilation && layer == 3;
            _layers[layer] = new ResNetBlock<T>[spec.Layers[layer]];
            for (int block = 0; block < spec.Layers[layer]; block++)
            {
                // torchvision: the first block of a dilated layer still has the dilation of the layer before.
                int stride = block == 0 && layer > 0 && !dilated ? 2 : 1;
                int spread = dilated && block > 0 ? 2 : 1;
                _layers[layer][block] = new ResNetBlock<T>(
                    weights, $"{Name}.layer{layer + 1}.{block}", spec, inputs, spec.Width << layer, stride, spread);
                inputs = spec.Channels(layer);
            }
        }
    }

    /// <summary>Runs the backbone.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="samples">The padded batch. Shape [N, 3, H, W].</param>
    /// <param name="first">The first layer (1 = layer2) whose output is wanted.</param>
    /// <returns>Outputs of that layer and of those behind it. Shape [N, C, h, w] each.</returns>
    public List<Tensor<T>> Forward(ForwardPass pass, Tensor<T> samples, int first)
    {
        List<Tensor<T>> outputs = [];
        using BufferScope scope = pass.Scope();
        Tensor<T> x = _stem.Forward(pass, samples, null, relu: true);
        Tensor<T> pooled = pass.Tap($"{Name}.maxpool", MaxPool2d.Forward(pass, x, kernel: 3, stride: 2, padding: 1));
        scope.Release(x);
        x = pooled;
        for (int layer = 0; layer < 4; layer++)
        {
            foreach (ResNetBlock<T> block in _layers[layer])
            {
                // What is an output, or was put in its place from outside, isn't this pass's to write to.
                Tensor<T> next = block.Forward(pass, x, spent: scope.Owns(x));
                if (!ReferenceEquals(next, x))
                {
                    scope.Release(x);
                }

                x = next;
            }

            if (layer >= first)
            {
                outputs.Add(scope.Keep(x));
            }
        }

        return outputs;
    }
}
