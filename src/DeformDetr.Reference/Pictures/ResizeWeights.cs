namespace DeformDetr.Reference.Pictures;

// Which inputs make each output along one axis, and with which weights: fixed-point numbers, the sum being 1 up to rounding.
internal sealed class ResizeWeights
{
    // What is added before the fraction is cut off, so that it rounds.
    public const int Half = 1 << (FractionBits - 1);

    // A sum needs 8 bits for the byte and, as Pillow's other filters overshoot, 2 to spare.
    private const int FractionBits = 32 - 8 - 2;

    private readonly int[] _first;
    private readonly int[] _count;
    private readonly int[] _weights;
    private readonly int _stride;

    public ResizeWeights(int inputs, int outputs)
    {
        // Pillow passes the size as a float.
        double scale = (double)(float)inputs / outputs;
        double filterScale = Math.Max(scale, 1.0);
        double support = filterScale;
        _stride = checked(((int)Math.Ceiling(support) * 2) + 1);
        _first = new int[outputs];
        _count = new int[outputs];
        _weights = new int[checked(outputs * _stride)];

        double inverseFilterScale = 1.0 / filterScale;
        double[] triangle = new double[_stride];
        for (int output = 0; output < outputs; output++)
        {
            double center = (output + 0.5) * scale;
            int first = Math.Max((int)(center - support + 0.5), 0);
            int end = Math.Min((int)(center + support + 0.5), inputs);
            _first[output] = first;
            _count[output] = end - first;

            double sum = 0;
            for (int input = first; input < end; input++)
            {
                double weight = Triangle((input - center + 0.5) * inverseFilterScale);
                triangle[input - first] = weight;
                sum += weight;
            }

            for (int tap = 0; tap < end - first; tap++)
            {
                _weights[(output * _stride) + tap] = (int)(0.5 + (triangle[tap] / sum * (1 << FractionBits)));
            }
        }
    }

    // The weights of an output, for the inputs from first on.
    public ReadOnlySpan<int> Of(int output, out int first)
    {
        first = _first[output];
        return _weights.AsSpan(output * _stride, _count[output]);
    }

    public static byte ToByte(int sum) => (byte)Math.Clamp(sum >> FractionBits, 0, 255);

    private static double Triangle(double distance) => Math.Max(0.0, 1.0 - Math.Abs(distance));
}
