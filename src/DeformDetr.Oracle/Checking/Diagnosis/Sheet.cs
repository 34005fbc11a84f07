using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// The numbers of a tensor of any element type, with the error that rounding explains in each.
internal sealed class Sheet(TensorShape shape, double[] values, double[] noise)
{
    // What a scan gives up after: enough to be sure, few enough to be quick.
    private const int Hopeless = 1000;
    private const double FarBeyond = 16;

    // A mistake may be this much noisier than the right step, but for every second element: the others say enough.
    private const double TooMuch = 256;
    private const int MayBeVague = 2;

    // Where noise is this part of the numbers' size it covers zeros and garbage: then a mistake may be hardly noisier than the right step.
    private const double Covering = 0.25;
    private const double HardlyMore = 2;

    // What first order leaves out, in the tensor's size: a product of two roundings where a mistake reads exactly zero.
    private const double Second = 1.0 / (1L << 40);
    private const double Fine = 1.0 / (1 << 20);

    public TensorShape Shape { get; } = shape;

    public double[] Values { get; } = values;

    public double[] Noise { get; } = noise;

    public static Sheet Of(Quantity quantity)
    {
        double[] values = Numbers(quantity.Tensor);
        return new(quantity.Shape, values, quantity.Noise is null ? new double[values.Length] : quantity.Noise.AsReadOnlySpan().ToArray());
    }

    // The noise of a tensor that carries none: that of the right one, taken larger where the wrong one is.
    public static Sheet Of(Quantity quantity, Sheet right)
    {
        if (quantity.Tensor is Tensor<long> or Tensor<bool> or Tensor<byte>)
        {
            return Of(quantity);
        }

        if (quantity.Noise is not null)
        {
            Sheet own = Of(quantity);
            double least = Second * Size(right.Values);
            for (int i = 0; i < own.Noise.Length; i++)
            {
                own.Noise[i] = own.Noise[i] < least ? least : own.Noise[i];
            }

            return own;
        }

        double[] values = Numbers(quantity.Tensor);
        double growth = Growth(values, right);
        double usual = right.UsualNoise();
        double[] noise = new double[values.Length];
        for (int i = 0; i < noise.Length; i++)
        {
            noise[i] = growth * (i < right.Noise.Length && right.Noise[i] > 0 ? right.Noise[i] : usual);
        }

        return new(quantity.Shape, values, noise);
    }

    public static double[] Numbers(Tensor tensor)
    {
        switch (tensor)
        {
            case Tensor<double> t: return t.AsReadOnlySpan().ToArray();
            case Tensor<float> t: return Convert(t.AsReadOnlySpan(), value => value);
            case Tensor<long> t: return Convert(t.AsReadOnlySpan(), value => value);
            case Tensor<byte> t: return Convert(t.AsReadOnlySpan(), value => value);
            case Tensor<bool> t: return Convert(t.AsReadOnlySpan(), value => value ? 1 : 0);
            default: throw new NotSupportedException($"diagnosis: elements of {tensor.ElementType.Word()}.");
        }
    }

    // Largest error of the port in noise. Gives up once a thousand elements are far beyond it: then it is a lower bound.
    public double Error(ReadOnlySpan<double> port) => Error(port, i => i, out _);

    // The same with this sheet's elements in another order. Looked: at how many elements.
    public double Error(ReadOnlySpan<double> port, Func<int, int> from, out int looked)
    {
        double largest = 0;
        int beyond = 0;
        for (looked = 0; looked < port.Length && beyond < Hopeless; looked++)
        {
            int i = from(looked);
            double error = Error(port[looked], Values[i], Noise[i]);
            largest = error <= largest ? largest : error;
            beyond += error <= FarBeyond ? 0 : 1;
        }

        return largest;
    }

    // One element's error in noise. Equal is no error, also among infinities and NaN.
    public static double Error(double port, double expected, double noise)
    {
        if (port.Equals(expected) || port == expected)
        {
            return 0;
        }

        double error = Math.Abs(port - expected) / noise;
        return double.IsNaN(error) ? double.PositiveInfinity : error;
    }

    // Whether rounding decides what this is, much more than it does in the right tensor: a rule with steps, on one of its steps. Such a
    // tensor is within its noise of anything.
    public bool IsVague(Sheet right)
    {
        double usual = right.UsualNoise();
        if (usual == 0)
        {
            usual = Fine * Size(right.Values);
        }

        double growth = Growth(Values, right);
        double covering = Covering * Size(Values);
        int vague = 0;
        for (int i = 0; i < Noise.Length; i++)
        {
            double noise = Noise[i] / (growth * Math.Max(usual, right.Noise[i]));
            vague += noise > TooMuch || (noise > HardlyMore && Noise[i] > covering) ? 1 : 0;
        }

        return vague > Noise.Length / MayBeVague;
    }

    // Root mean square of the finite numbers.
    public static double Size(double[] values)
    {
        double sum = 0;
        int count = 0;
        foreach (double value in values)
        {
            if (double.IsFinite(value))
            {
                sum += value * value;
                count++;
            }
        }

        return Math.Sqrt(sum / Math.Max(1, count));
    }

    // Median of the noise where there is any, of a sample.
    public double UsualNoise()
    {
        int stride = Math.Max(1, Noise.Length / 4096);
        List<double> some = [];
        for (int i = 0; i < Noise.Length; i += stride)
        {
            if (Noise[i] > 0 && double.IsFinite(Noise[i]))
            {
                some.Add(Noise[i]);
            }
        }

        some.Sort();
        return some.Count == 0 ? 0 : some[some.Count / 2];
    }

    private static double Growth(double[] values, Sheet right)
    {
        double growth = Math.Max(1, Size(values) / Size(right.Values));
        return double.IsFinite(growth) ? growth : 1;
    }

    private static double[] Convert<T>(ReadOnlySpan<T> elements, Func<T, double> convert)
    {
        double[] values = new double[elements.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = convert(elements[i]);
        }

        return values;
    }
}
