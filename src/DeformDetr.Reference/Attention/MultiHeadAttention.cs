// Equation: y = concat over heads of softmax(q_m · k_mᵀ / √D) · v_m, projected; q, k, v are linear maps of query, key, value.
// Mirrors torch.nn.MultiheadAttention (the decoder's self-attention), batch first.
using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Reference;

/// <summary>Ordinary attention of every query to every key.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class MultiHeadAttention<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly int _heads;
    private readonly Tensor<T>[] _inProjWeights;
    private readonly Tensor<T>[] _inProjBiases;
    private readonly LinearLayer<T> _outProjLinear;

    /// <summary>Takes the weights.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="name">The module's path; empty for a module on its own.</param>
    /// <param name="channels">C.</param>
    /// <param name="heads">M, a divisor of C.</param>
    public MultiHeadAttention(IWeights<T> weights, string name, int channels, int heads)
    {
        _heads = heads;
        string prefix = name.Length == 0 ? "" : $"{name}.";
        OperatorContext context = new();

        // Packed as rows of q, then of k, then of v.
        Tensor<T> inProjWeight = weights.Take($"{prefix}in_proj_weight", [3 * channels, channels]);
        Tensor<T> inProjBias = weights.Take($"{prefix}in_proj_bias", [3 * channels]);
        _inProjWeights = Split.Forward(context, inProjWeight, [channels, channels, channels], 0);
        _inProjBiases = Split.Forward(context, inProjBias, [channels, channels, channels], 0);
        _outProjLinear = new LinearLayer<T>(weights, $"{prefix}out_proj", channels, channels);
    }

    /// <summary>Attends.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="query">What asks. Shape [N, Q, C].</param>
    /// <param name="key">What is compared with. Shape [N, K, C].</param>
    /// <param name="value">What is read. Shape [N, K, C].</param>
    /// <returns>Shape [N, Q, C].</returns>
    public Tensor<T> Forward(OperatorContext pass, Tensor<T> query, Tensor<T> key, Tensor<T> value)
    {
        int channels = query.Shape[2];
        using BufferScope scope = pass.Scope();
        Tensor<T> q = Heads(pass, Linear.Forward(pass, query, _inProjWeights[0], _inProjBiases[0]));
        Tensor<T> k = Heads(pass, Linear.Forward(pass, key, _inProjWeights[1], _inProjBiases[1]));
        Tensor<T> v = Heads(pass, Linear.Forward(pass, value, _inProjWeights[2], _inProjBiases[2]));

        double root = Math.Sqrt(channels / _heads);
        foreach (ref T element in q.AsSpan())
        {
            element = Round<T>(Widen(element) / root);
        }

        Tensor<T> weights = Softmax.Forward(pass, MatMul.Forward(pass, q, k, transposed: true));
        Tensor<T> read = MatMul.Forward(pass, weights, v);
        Tensor<T> merged = Permute.Forward(pass, read, 0, 2, 1, 3).Reshape(query.Shape);
        return scope.Keep(_outProjLinear.Forward(pass, merged));
    }

    // [N, L, C] to [N, M, L, D].
    private Tensor<T> Heads(OperatorContext pass, Tensor<T> x) =>
        Permute.Forward(pass, x.Reshape([x.Shape[0], x.Shape[1], _heads, x.Shape[2] / _heads]), 0, 2, 1, 3);
}
