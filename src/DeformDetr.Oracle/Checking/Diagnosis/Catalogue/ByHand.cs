using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// What mistakes need that the algebra's operators don't say: tensors written element by element.
internal static class ByHand
{
    private const int Part = 1 << 12;

    // The numbers of a tensor, whatever the algebra's precision; masks and whole numbers too.
    public static Tensor<double> Values(Quantity x)
    {
        Tensor<double> values = new(x.Shape);
        Span<double> target = values.AsSpan();
        switch (x.Tensor)
        {
            case Tensor<double> wide:
                return wide;
            case Tensor<float> narrow:
                for (int i = 0; i < target.Length; i++)
                {
                    target[i] = narrow.AsReadOnlySpan()[i];
                }

                break;
            case Tensor<byte> bytes:
                for (int i = 0; i < target.Length; i++)
                {
                    target[i] = bytes.AsReadOnlySpan()[i];
                }

                break;
            case Tensor<long> whole:
                for (int i = 0; i < target.Length; i++)
                {
                    target[i] = whole.AsReadOnlySpan()[i];
                }

                break;
            default:
                throw new InvalidOperationException($"mistakes: a tensor of {x.Tensor.ElementType}; expected numbers.");
        }

        return values;
    }

    // A tensor's numbers with their noise, by flat index.
    public static Func<int, Noisy> Numbers(Algebra a, Quantity x)
    {
        Tensor<double> values = Values(x);
        double epsilon = Epsilon(a);
        return i => new(values.AsReadOnlySpan()[i], x.Noise is null ? 0 : x.Noise.AsReadOnlySpan()[i], epsilon);
    }

    // A number that was counted, in a format that has it.
    public static Noisy Counted(Algebra a, double count) => new(count, 0, Epsilon(a));

    // A tensor of numbers by flat index, each with its noise where the algebra follows noise.
    public static Quantity Made(Algebra a, TensorShape shape, Func<int, Noisy> element)
    {
        Tensor<double> values = new(shape);
        NoiseUnit? unit = a.Unit;
        Tensor<double>? noise = unit is null ? null : new(shape);
        a.Context.Split(values.Length, Part, (first, last) =>
        {
            for (int i = first; i < last; i++)
            {
                Noisy number = element(i);
                values.AsSpan()[i] = number.Value;
                if (noise is not null)
                {
                    noise.AsSpan()[i] = unit!.Settle(number.In(unit.Epsilon), number.Value);
                }
            }
        });
        return noise is null ? a.Given(values) : new Quantity(values, noise);
    }

    // Of every number.
    public static Quantity Map(Algebra a, Quantity x, Func<Noisy, Noisy> function)
    {
        Func<int, Noisy> from = Numbers(a, x);
        return Made(a, x.Shape, i => function(from(i)));
    }

    public static Quantity Ones(Algebra a, TensorShape shape) => Constant(a, shape, 1);

    public static Quantity Zeros(Algebra a, TensorShape shape) => Constant(a, shape, 0);

    public static Quantity Constant(Algebra a, TensorShape shape, double value)
    {
        Tensor<double> tensor = new(shape);
        tensor.AsSpan().Fill(value);
        return a.Given(tensor);
    }

    private static double Epsilon(Algebra a) => a.Unit?.Epsilon ?? 0;

    public static Quantity Row(Algebra a, params double[] values) => a.Given(Tensor<double>.FromArray([values.Length], values));

    // [N, H, W].
    public static Quantity Mask(Algebra a, TensorShape shape, Func<int, int, int, bool> padded)
    {
        Tensor<bool> mask = new(shape);
        int cell = 0;
        for (int n = 0; n < shape[0]; n++)
        {
            for (int i = 0; i < shape[1]; i++)
            {
                for (int j = 0; j < shape[2]; j++)
                {
                    mask.AsSpan()[cell++] = padded(n, i, j);
                }
            }
        }

        return a.Given(mask);
    }

    public static Quantity Opposite(Algebra a, Quantity mask)
    {
        Tensor<bool> opposite = new(mask.Shape);
        for (int i = 0; i < opposite.Length; i++)
        {
            opposite.AsSpan()[i] = !mask.Mask.AsReadOnlySpan()[i];
        }

        return a.Given(opposite);
    }

    public static Quantity NoMask(Algebra a, TensorShape shape) => a.Given(new Tensor<bool>(shape));

    public static bool Any(Quantity mask) => mask.Mask.AsReadOnlySpan().Contains(true);

    public static int[] Range(int first, int count) => [.. Enumerable.Range(first, count)];

    public static int[] Reversed(int count) => [.. Enumerable.Range(0, count).Reverse()];

    // Pairs (0, 1), (2, 3), … of an axis's features become a block of the even ones and a block of the odd ones, within each part.
    public static int[] Blocks(int parts, int features) =>
    [
        .. Enumerable.Range(0, parts * features).Select(index =>
        {
            int part = index / features;
            int place = index % features;
            int pairs = features / 2;
            return (part * features) + (place < pairs ? 2 * place : (2 * (place - pairs)) + 1);
        }),
    ];

    // Neighbours exchanged: 1, 0, 3, 2, …
    public static int[] Neighbours(int count) => [.. Enumerable.Range(0, count).Select(index => index ^ 1)];

    // A map's rows become its columns: [N, C, H, W] to [N, C, W, H].
    public static Quantity Transposed(Algebra a, Quantity map) => a.Permute(map, 0, 1, 3, 2);
}
