using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>
/// Writes tensors to a file as they are computed, and takes the fingerprints of the outputs whatever is written. Holds no tensor.
/// </summary>
/// <param name="writer">Where tensors go; null to fingerprint only.</param>
/// <param name="patterns">Which tensors are written.</param>
/// <param name="progress">Told every name that is written; null for nobody.</param>
public sealed class TraceSink(TensorWriter? writer, NamePatterns patterns, Action<string>? progress = null) : ITapSink
{
    private readonly Dictionary<string, byte[]> _outputs = new(StringComparer.Ordinal);

    /// <summary>How many tensors were written.</summary>
    public int Written { get; private set; }

    /// <summary>The fingerprint of the run, in hexadecimal; complete once the model has run.</summary>
    public string RunFingerprint => Fingerprint.OfRun(_outputs);

    /// <inheritdoc/>
    public bool Wants(string name) => Fingerprint.IsOutput(name) | (writer is not null && patterns.Match(name));

    /// <inheritdoc/>
    public Tensor<T> See<T>(string name, Tensor<T> tensor)
        where T : unmanaged
    {
        Write(name, tensor);
        return tensor;
    }

    /// <summary>Takes a tensor that is not tapped, such as a decoded picture.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="tensor">The tensor.</param>
    public void Write(string name, Tensor tensor)
    {
        if (Fingerprint.IsOutput(name))
        {
            _outputs[name] = Fingerprint.OfTensor(name, tensor);
        }

        if (writer is not null && patterns.Match(name))
        {
            progress?.Invoke(name);
            writer.Write(name, tensor);
            Written++;
        }
    }
}
