using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeformDetr.Reference;

/// <summary>torch.nn.LayerNorm over the innermost axis.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class LayerNormLayer<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Tensor<T> _weight;
    private readonly Tensor<T> _bias;

    /// <summary>Takes the weights.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="name">The module's path.</param>
    /// <param name="channels">C, the width of the rows.</param>
    public LayerNormLayer(IWeights<T> weights, string name, int channels)
    {
        Name = name;
        _weight = weights.Take($"{name}.weight", [channels]);
        _bias = weights.Take($"{name}.bias", [channels]);
    }

    /// <summary>The module's path.</summary>
    public string Name { get; }

    /// <summary>Normalises every row.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="input">Shape [.., C].</param>
    /// <returns>Shape [.., C].</returns>
    public Tensor<T> Forward(OperatorContext pass, Tensor<T> input) => LayerNorm.Forward(pass, input, _weight, _bias);

    /// <summary>norm(a + b): a residual branch added, then normalised, as every layer of the transformer ends its steps.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="a">Shape [.., C].</param>
    /// <param name="b">Shape [.., C].</param>
    /// <returns>Shape [.., C].</returns>
    public Tensor<T> ForwardSum(ForwardPass pass, Tensor<T> a, Tensor<T> b)
    {
        using BufferScope scope = pass.Scope();
        return scope.Keep(Forward(pass, Add.Forward(pass, a, b)));
    }

    /// <summary>As <see cref="ForwardSum"/>, for some rows on the calling thread, with Simd kernels.</summary>
    /// <param name="a">Whole rows of C.</param>
    /// <param name="b">As many; holds the sum afterwards.</param>
    /// <param name="output">As many.</param>
    internal void SumOfRows(ReadOnlySpan<T> a, Span<T> b, Span<T> output)
    {
        TensorPrimitives.Add(a, b, b);
        LayerNorm.Rows(b, _weight.AsReadOnlySpan(), _bias.AsReadOnlySpan(), LayerNorm.DefaultEpsilon, output);
    }
}
