using System.Runtime.CompilerServices;
using DeformDetr.Tensors;

namespace DeformDetr.Reference;

/// <summary>One run of a model: which kernels, how many threads, its buffers, and who listens.</summary>
public sealed class ForwardPass : OperatorContext
{
    private readonly ITapSink? _sink;

    /// <summary>A pass.</summary>
    /// <param name="kernels">Which bodies of the operators run.</param>
    /// <param name="threads">How many threads the Simd bodies may use.</param>
    /// <param name="sink">Who listens to the named tensors; null for nobody.</param>
    public ForwardPass(Kernels kernels = Kernels.Textbook, int threads = 1, ITapSink? sink = null)
        : base(kernels, threads) => _sink = sink;

    /// <summary>Names a tensor and lets the sink see it. Without a sink the name is not even put together.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="name">The tensor's name.</param>
    /// <param name="tensor">The tensor. Shape [..], the one that docs/shapes.md has for the name.</param>
    /// <returns>The tensor to go on with.</returns>
    public Tensor<T> Tap<T>([InterpolatedStringHandlerArgument("")] TapName name, Tensor<T> tensor)
        where T : unmanaged => _sink is null ? tensor : Tap(name.ToStringAndClear(), tensor);

    /// <inheritdoc cref="Tap{T}(TapName, Tensor{T})"/>
    public Tensor<T> Tap<T>(string name, Tensor<T> tensor)
        where T : unmanaged
    {
        if (_sink is null)
        {
            return tensor;
        }

        tensor.Name = name;
        if (!_sink.Wants(name))
        {
            return tensor;
        }

        Tensor<T> next = _sink.See(name, tensor);
        if (next.Shape != tensor.Shape)
        {
            throw new ArgumentException($"tap: the replacement for {name} holds {next.Shape}; expected {tensor.Shape}.");
        }

        return next;
    }

    /// <summary>Whether anybody listens to a name: where not, a fused kernel may skip the tensor.</summary>
    /// <param name="name">The tensor's name.</param>
    public bool Taps([InterpolatedStringHandlerArgument("")] TapName name) => _sink is not null && _sink.Wants(name.ToStringAndClear());

    /// <summary>A name that is put together only when there is a sink.</summary>
    [InterpolatedStringHandler]
    public ref struct TapName
    {
        private DefaultInterpolatedStringHandler _inner;

        /// <summary>Called by the compiler.</summary>
        /// <param name="literalLength">Characters outside the holes.</param>
        /// <param name="formattedCount">How many holes.</param>
        /// <param name="pass">The pass that is asked.</param>
        /// <param name="needed">Whether the compiler should format.</param>
        public TapName(int literalLength, int formattedCount, ForwardPass pass, out bool needed)
        {
            needed = pass._sink is not null;
            _inner = needed
                ? new DefaultInterpolatedStringHandler(literalLength, formattedCount, System.Globalization.CultureInfo.InvariantCulture)
                : default;
        }

        internal string ToStringAndClear() => _inner.ToStringAndClear();

        /// <summary>Called by the compiler.</summary>
        /// <param name="text">A literal part.</param>
        public void AppendLiteral(string text) => _inner.AppendLiteral(text);

        /// <summary>Called by the compiler.</summary>
        /// <typeparam name="T">The value's type.</typeparam>
        /// <param name="value">A hole's value.</param>
        public void AppendFormatted<T>(T value) => _inner.AppendFormatted(value);
    }
}
