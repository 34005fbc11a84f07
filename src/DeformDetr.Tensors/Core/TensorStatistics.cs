using System.Globalization;
using System.Numerics;

namespace DeformDetr.Tensors;

/// <summary>What a person wants to know of a tensor at a glance. Over finite elements; NaN where there is none.</summary>
/// <param name="Minimum">Smallest finite element.</param>
/// <param name="Maximum">Largest finite element.</param>
/// <param name="Mean">Mean of the finite elements, summed in double in index order.</param>
/// <param name="NonFinite">How many elements are NaN or infinite.</param>
public readonly record struct TensorStatistics(double Minimum, double Maximum, double Mean, int NonFinite)
{
    /// <summary>Statistics of any tensor; true counts as 1.</summary>
    /// <param name="tensor">Any shape and element type.</param>
    public static TensorStatistics Of(Tensor tensor) => tensor switch
    {
        Tensor<float> t => OfNumbers(t.AsReadOnlySpan()),
        Tensor<double> t => OfNumbers(t.AsReadOnlySpan()),
        Tensor<long> t => OfNumbers(t.AsReadOnlySpan()),
        Tensor<int> t => OfNumbers(t.AsReadOnlySpan()),
        Tensor<byte> t => OfNumbers(t.AsReadOnlySpan()),
        Tensor<bool> t => OfNumbers<byte>(System.Runtime.InteropServices.MemoryMarshal.AsBytes(t.AsReadOnlySpan())),
        _ => throw new NotSupportedException($"statistics: elements of {tensor.ElementType}."),
    };

    internal static string Describe(Tensor tensor)
    {
        TensorStatistics s = Of(tensor);
        string nonFinite = s.NonFinite == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {s.NonFinite} not finite");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{tensor.Name ?? "tensor"} {tensor.Shape} {tensor.ElementType.Word()}, min {s.Minimum:G6}, max {s.Maximum:G6}, mean {s.Mean:G6}{nonFinite}");
    }

    private static TensorStatistics OfNumbers<T>(ReadOnlySpan<T> values)
        where T : unmanaged, INumberBase<T>
    {
        double minimum = double.PositiveInfinity;
        double maximum = double.NegativeInfinity;
        double sum = 0;
        int nonFinite = 0;
        foreach (T element in values)
        {
            double value = double.CreateTruncating(element);
            if (!double.IsFinite(value))
            {
                nonFinite++;
                continue;
            }

            minimum = Math.Min(minimum, value);
            maximum = Math.Max(maximum, value);
            sum += value;
        }

        int finite = values.Length - nonFinite;
        return finite == 0
            ? new TensorStatistics(double.NaN, double.NaN, double.NaN, nonFinite)
            : new TensorStatistics(minimum, maximum, sum / finite, nonFinite);
    }
}
