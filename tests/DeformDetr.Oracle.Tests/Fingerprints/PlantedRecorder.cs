using System.Numerics;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Fingerprints;

/// <summary>
/// A fault on purpose: the first element of every row of one tensor becomes the row's sum, taken in an order that depends on the machine,
/// with as many accumulators as the widest vector has lanes of double.
/// </summary>
internal sealed class PlantedRecorder(IRecorder inner) : IRecorder
{
    public const string Place = "transformer.encoder.layers.0.norm1";

    // Also without the fault's tensor being asked for: it is in the computation, whoever listens.
    public bool Wants(string name) => name == Place || inner.Wants(name);

    public Tensor<T> See<T>(string name, Tensor<T> tensor)
        where T : unmanaged
    {
        Tensor<T> next = name == Place ? Spoil(tensor) : tensor;
        return inner.Wants(name) ? inner.See(name, next) : next;
    }

    public void Add(string name, Tensor tensor) => inner.Add(name, tensor);

    private static Tensor<T> Spoil<T>(Tensor<T> tensor)
        where T : unmanaged
    {
        Tensor<T> spoilt = tensor.Clone();
        int channels = tensor.Shape[^1];
        for (int row = 0; row < tensor.Length / channels; row++)
        {
            switch (spoilt)
            {
                case Tensor<float> x: x.AsSpan()[row * channels] = Sum<float>(x.AsReadOnlySpan().Slice(row * channels, channels)); break;
                case Tensor<double> x: x.AsSpan()[row * channels] = Sum<double>(x.AsReadOnlySpan().Slice(row * channels, channels)); break;
            }
        }

        return spoilt;
    }

    private static T Sum<T>(ReadOnlySpan<T> row)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] sums = new T[Math.Max(1, Machine.VectorBits / 64)];
        for (int index = 0; index < row.Length; index++)
        {
            sums[index % sums.Length] += row[index];
        }

        T all = T.Zero;
        foreach (T sum in sums)
        {
            all += sum;
        }

        return all;
    }
}
