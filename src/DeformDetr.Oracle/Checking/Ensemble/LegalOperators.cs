using CommunityToolkit.HighPerformance.Buffers;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeformDetr.Oracle;

// The model's operators in a legal order: arguments, shapes and results are those of the operators of the same name. Where a choice is the
// house's, the operator itself runs, with Simd kernels. Shapes are checked there and nowhere else: these run beside a run in float64.
internal static partial class LegalOperators
{
    // Elements worth a thread.
    private const int WorthAThread = 1 << 14;

    public static Tensor<float> Linear(OperatorContext context, LegalOrder order, Tensor<float> input, Tensor<float> weight, Tensor<float>? bias) =>
        Tensors.Operators.Linear.Forward(context.Ordered(order.Products), input, weight, bias);

    public static Tensor<float> MatMul(OperatorContext context, LegalOrder order, Tensor<float> a, Tensor<float> b, bool transposed = false) =>
        Tensors.Operators.MatMul.Forward(context.Ordered(order.Products), a, b, transposed);

    public static Tensor<float> Conv2d(
        OperatorContext context, LegalOrder order, Tensor<float> input, Tensor<float> weight, Tensor<float>? bias, Conv2dWindow window) =>
        Tensors.Operators.Conv2d.Forward(context.Ordered(order.Products), input, weight, bias, window);

    public static Tensor<float> FrozenBatchNorm(
        OperatorContext context, LegalOrder order, Tensor<float> input, FrozenNorm<float> norm,
        double epsilon = Tensors.Operators.FrozenBatchNorm.DefaultEpsilon)
    {
        if (order.ChannelNorm == ChannelNormOrder.House)
        {
            return Tensors.Operators.FrozenBatchNorm.Forward(
                context.Ordered(SummationOrder.House), input, norm.Weight, norm.Bias, norm.RunningMean, norm.RunningVar, epsilon);
        }

        Tensor<float> output = context.Rent<float>(input.Shape);
        int channels = input.Shape[1];
        int pixels = input.Shape.LengthFrom(2);
        context.Split(input.Shape[0] * channels, Least(pixels), (first, last) =>
        {
            for (int map = first; map < last; map++)
            {
                int channel = map % channels;
                (float weight, float bias) = (norm.Weight.AsReadOnlySpan()[channel], norm.Bias.AsReadOnlySpan()[channel]);
                float mean = norm.RunningMean.AsReadOnlySpan()[channel];
                float inverse = 1 / MathF.Sqrt(norm.RunningVar.AsReadOnlySpan()[channel] + (float)epsilon);
                ReadOnlySpan<float> x = input.AsReadOnlySpan().Slice(map * pixels, pixels);
                Span<float> y = output.AsSpan().Slice(map * pixels, pixels);
                if (order.ChannelNorm == ChannelNormOrder.Folded)
                {
                    float factor = weight * inverse;
                    LegalFunctions.Affine(x, factor, bias - (mean * factor), y, order.Fused);
                }
                else
                {
                    TensorPrimitives.Subtract(x, mean, y);
                    TensorPrimitives.Multiply(y, inverse, y);
                    LegalFunctions.Affine(y, weight, bias, y, order.Fused);
                }
            }
        });
        return output;
    }

    public static Tensor<float> LayerNorm(
        OperatorContext context, LegalOrder order, Tensor<float> input, Tensor<float> weight, Tensor<float> bias,
        double epsilon = Tensors.Operators.LayerNorm.DefaultEpsilon)
    {
        if (order.Rows == RowOrder.House)
        {
            return Tensors.Operators.LayerNorm.Forward(context.Ordered(SummationOrder.House), input, weight, bias, epsilon);
        }

        Tensor<float> output = context.Rent<float>(input.Shape);
        int channels = weight.Length;
        context.Split(input.Length / channels, Least(channels), (first, last) =>
        {
            using SpanOwner<float> scratch = SpanOwner<float>.Allocate(channels);
            ReadOnlySpan<float> factors = weight.AsReadOnlySpan();
            ReadOnlySpan<float> shifts = bias.AsReadOnlySpan();
            for (int row = first; row < last; row++)
            {
                ReadOnlySpan<float> x = input.AsReadOnlySpan().Slice(row * channels, channels);
                Span<float> y = output.AsSpan().Slice(row * channels, channels);
                (float mean, float inverse) = Statistics(order, x, epsilon, scratch.Span);
                TensorPrimitives.Subtract(x, mean, y);
                if (order.Reciprocals)
                {
                    TensorPrimitives.Multiply(factors, inverse, scratch.Span);
                }
                else
                {
                    TensorPrimitives.Multiply(y, inverse, y);
                    factors.CopyTo(scratch.Span);
                }

                if (order.Fused)
                {
                    TensorPrimitives.FusedMultiplyAdd(y, scratch.Span, shifts, y);
                }
                else
                {
                    TensorPrimitives.Multiply(y, scratch.Span, y);
                    TensorPrimitives.Add(y, shifts, y);
                }
            }
        });
        return output;
    }

    public static Tensor<float> GroupNorm(
        OperatorContext context, LegalOrder order, Tensor<float> input, int groups, Tensor<float> weight, Tensor<float> bias,
        double epsilon = Tensors.Operators.GroupNorm.DefaultEpsilon)
    {
        if (order.Rows == RowOrder.House)
        {
            return Tensors.Operators.GroupNorm.Forward(context.Ordered(SummationOrder.House), input, groups, weight, bias, epsilon);
        }

        Tensor<float> output = context.Rent<float>(input.Shape);
        int channels = input.Shape[1] / groups;
        int pixels = input.Shape.LengthFrom(2);
        int size = channels * pixels;
        context.Split(input.Shape[0] * groups, Least(size), (first, last) =>
        {
            using SpanOwner<float> scratch = SpanOwner<float>.Allocate(size);
            for (int item = first; item < last; item++)
            {
                ReadOnlySpan<float> x = input.AsReadOnlySpan().Slice(item * size, size);
                Span<float> y = output.AsSpan().Slice(item * size, size);
                (float mean, float inverse) = Statistics(order, x, epsilon, scratch.Span);
                for (int i = 0; i < channels; i++)
                {
                    int channel = ((item % groups) * channels) + i;
                    (float factor, float shift) = (weight.AsReadOnlySpan()[channel], bias.AsReadOnlySpan()[channel]);
                    ReadOnlySpan<float> from = x.Slice(i * pixels, pixels);
                    Span<float> to = y.Slice(i * pixels, pixels);
                    if (order.Reciprocals)
                    {
                        // As kernels have it that make one factor and one shift of all: x · (w · r) + (b - mean · w · r).
                        LegalFunctions.Affine(from, factor * inverse, shift - (mean * (factor * inverse)), to, order.Fused);
                    }
                    else
                    {
                        TensorPrimitives.Subtract(from, mean, to);
                        TensorPrimitives.Multiply(to, inverse, to);
                        LegalFunctions.Affine(to, factor, shift, to, order.Fused);
                    }
                }
            }
        });
        return output;
    }

    public static Tensor<float> Softmax(OperatorContext context, LegalOrder order, Tensor<float> input)
    {
        if (order.Rows == RowOrder.House)
        {
            return Tensors.Operators.Softmax.Forward(context.Ordered(SummationOrder.House), input);
        }

        Tensor<float> output = context.Rent<float>(input.Shape);
        int channels = input.Shape[^1];
        context.Split(input.Length / channels, Least(channels), (first, last) =>
        {
            ReadOnlySpan<float> all = input.AsReadOnlySpan()[(first * channels)..(last * channels)];
            Span<float> powers = output.AsSpan()[(first * channels)..(last * channels)];
            for (int row = 0; row < all.Length; row += channels)
            {
                ReadOnlySpan<float> x = all.Slice(row, channels);
                float maximum = float.NegativeInfinity;
                foreach (float value in x)
                {
                    maximum = MathF.Max(maximum, value);
                }

                TensorPrimitives.Subtract(x, maximum, powers.Slice(row, channels));
            }

            LegalFunctions.Exp(powers, powers, order.LooseFunctions);
            for (int row = 0; row < all.Length; row += channels)
            {
                Span<float> y = powers.Slice(row, channels);
                float sum = LegalFunctions.Sum(y, order.Rows);
                if (order.Reciprocals)
                {
                    TensorPrimitives.Multiply(y, 1 / sum, y);
                }
                else
                {
                    TensorPrimitives.Divide(y, sum, y);
                }
            }
        });
        return output;
    }

    public static Tensor<float> Sigmoid(OperatorContext context, LegalOrder order, Tensor<float> input)
    {
        if (order.Logistic == LogisticOrder.House)
        {
            return Tensors.Operators.Sigmoid.Forward(context.Ordered(SummationOrder.House), input);
        }

        Tensor<float> output = context.Rent<float>(input.Shape);
        ReadOnlySpan<float> x = input.AsReadOnlySpan();
        Span<float> y = output.AsSpan();
        bool bySign = order.Logistic == LogisticOrder.Difference;
        for (int i = 0; i < x.Length; i++)
        {
            y[i] = bySign && x[i] < 0 ? x[i] : -x[i];
        }

        LegalFunctions.Exp(y, y, order.LooseFunctions);
        for (int i = 0; i < x.Length; i++)
        {
            y[i] = (bySign && x[i] < 0 ? y[i] : 1) / (1 + y[i]);
        }

        return output;
    }

    public static Tensor<float> InverseSigmoid(
        OperatorContext context, LegalOrder order, Tensor<float> input, double epsilon = Tensors.Operators.InverseSigmoid.DefaultEpsilon)
    {
        if (order.Logistic == LogisticOrder.House)
        {
            return Tensors.Operators.InverseSigmoid.Forward(context.Ordered(SummationOrder.House), input, epsilon);
        }

        Tensor<float> output = context.Rent<float>(input.Shape);
        ReadOnlySpan<float> x = input.AsReadOnlySpan();
        Span<float> y = output.AsSpan();
        using SpanOwner<float> scratch = SpanOwner<float>.Allocate(x.Length);
        Span<float> rest = scratch.Span;
        for (int i = 0; i < x.Length; i++)
        {
            float clamped = Math.Clamp(x[i], 0, 1);
            y[i] = MathF.Max(clamped, (float)epsilon);
            rest[i] = MathF.Max(1 - clamped, (float)epsilon);
        }

        if (order.Logistic == LogisticOrder.Quotient)
        {
            TensorPrimitives.Divide(y, rest, y);
            LegalFunctions.Log(y, y, order.LooseFunctions);
            return output;
        }

        LegalFunctions.Log(y, y, order.LooseFunctions);
        LegalFunctions.Log(rest, rest, order.LooseFunctions);
        TensorPrimitives.Subtract(y, rest, y);
        return output;
    }

    public static Tensor<float> Gelu(OperatorContext context, LegalOrder order, Tensor<float> input)
    {
        if (order.Logistic == LogisticOrder.House)
        {
            return Tensors.Operators.Gelu.Forward(context.Ordered(SummationOrder.House), input);
        }

        Tensor<float> output = context.Rent<float>(input.Shape);
        context.Split(input.Length, WorthAThread, (first, last) =>
        {
            ReadOnlySpan<float> x = input.AsReadOnlySpan()[first..last];
            Span<float> y = output.AsSpan()[first..last];
            TensorPrimitives.Multiply(x, 0.70710678f, y);
            LegalFunctions.Erf(y, y, order.LooseFunctions);
            TensorPrimitives.Add(y, 1, y);
            if (order.Logistic == LogisticOrder.Quotient)
            {
                TensorPrimitives.Multiply(y, 0.5f, y);
                TensorPrimitives.Multiply(y, x, y);
            }
            else
            {
                for (int i = 0; i < x.Length; i++)
                {
                    y[i] = x[i] * y[i] * 0.5f;
                }
            }
        });
        return output;
    }

    // Mean and 1 / √(variance + ε) of some terms, through scratch as long.
    private static (float Mean, float Inverse) Statistics(LegalOrder order, ReadOnlySpan<float> x, double epsilon, Span<float> scratch)
    {
        float mean = LegalFunctions.Sum(x, order.Rows) / x.Length;
        float variance;
        if (order.OnePassVariance)
        {
            TensorPrimitives.Multiply(x, x, scratch);
            variance = MathF.Max(0, (LegalFunctions.Sum(scratch, order.Rows) / x.Length) - (mean * mean));
        }
        else
        {
            TensorPrimitives.Subtract(x, mean, scratch);
            TensorPrimitives.Multiply(scratch, scratch, scratch);
            variance = LegalFunctions.Sum(scratch, order.Rows) / x.Length;
        }

        return (mean, 1 / MathF.Sqrt(variance + (float)epsilon));
    }

    private static int Least(int size) => Math.Max(1, WorthAThread / Math.Max(1, size));
}
