using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Operators that only move elements, for tensors of any element type.
internal static class Moves
{
    public static Tensor Permute(OperatorContext context, Tensor x, int[] axes) => x switch
    {
        Tensor<float> t => Tensors.Operators.Permute.Forward(context, t, axes),
        Tensor<double> t => Tensors.Operators.Permute.Forward(context, t, axes),
        Tensor<long> t => Tensors.Operators.Permute.Forward(context, t, axes),
        Tensor<bool> t => Tensors.Operators.Permute.Forward(context, t, axes),
        Tensor<byte> t => Tensors.Operators.Permute.Forward(context, t, axes),
        _ => throw Unknown(x),
    };

    public static Tensor Concat(OperatorContext context, IReadOnlyList<Tensor> parts, int axis) => parts[0] switch
    {
        Tensor<float> => Tensors.Operators.Concat.Forward(context, [.. parts.Cast<Tensor<float>>()], axis),
        Tensor<double> => Tensors.Operators.Concat.Forward(context, [.. parts.Cast<Tensor<double>>()], axis),
        Tensor<long> => Tensors.Operators.Concat.Forward(context, [.. parts.Cast<Tensor<long>>()], axis),
        Tensor<bool> => Tensors.Operators.Concat.Forward(context, [.. parts.Cast<Tensor<bool>>()], axis),
        Tensor<byte> => Tensors.Operators.Concat.Forward(context, [.. parts.Cast<Tensor<byte>>()], axis),
        _ => throw Unknown(parts[0]),
    };

    public static Tensor Pick(OperatorContext context, Tensor x, int axis, int[] indices) => x switch
    {
        Tensor<float> t => Pick(context, t, axis, indices),
        Tensor<double> t => Pick(context, t, axis, indices),
        Tensor<long> t => Pick(context, t, axis, indices),
        Tensor<bool> t => Pick(context, t, axis, indices),
        Tensor<byte> t => Pick(context, t, axis, indices),
        _ => throw Unknown(x),
    };

    public static Tensor Gather(OperatorContext context, Tensor x, Tensor<long> index) => x switch
    {
        Tensor<float> t => Tensors.Operators.Gather.Forward(context, t, index),
        Tensor<double> t => Tensors.Operators.Gather.Forward(context, t, index),
        Tensor<long> t => Tensors.Operators.Gather.Forward(context, t, index),
        _ => throw Unknown(x),
    };

    public static Tensor Expand(OperatorContext context, Tensor x, TensorShape shape) => x.Shape == shape ? x : x switch
    {
        Tensor<float> t => Expand(context, t, shape),
        Tensor<double> t => Expand(context, t, shape),
        Tensor<long> t => Expand(context, t, shape),
        Tensor<bool> t => Expand(context, t, shape),
        _ => throw Unknown(x),
    };

    public static Tensor MaskedFill(OperatorContext context, Tensor x, Tensor<bool> mask, double value) => x switch
    {
        Tensor<float> t => Tensors.Operators.MaskedFill.Forward(context, t, mask, (float)value),
        Tensor<double> t => Tensors.Operators.MaskedFill.Forward(context, t, mask, value),
        _ => throw Unknown(x),
    };

    public static Tensor Pad2d(OperatorContext context, Tensor x, int top, int bottom, int left, int right, double value) => x switch
    {
        Tensor<float> t => Pad2d(context, t, top, bottom, left, right, (float)value),
        Tensor<double> t => Pad2d(context, t, top, bottom, left, right, value),
        _ => throw Unknown(x),
    };

    // The shape that both expand to.
    public static TensorShape Common(TensorShape a, TensorShape b)
    {
        int rank = Math.Max(a.Rank, b.Rank);
        int[] sizes = new int[rank];
        for (int axis = 0; axis < rank; axis++)
        {
            int ofA = axis < rank - a.Rank ? 1 : a[axis - rank + a.Rank];
            int ofB = axis < rank - b.Rank ? 1 : b[axis - rank + b.Rank];
            sizes[axis] = ofA == ofB || ofB == 1 ? ofA
                : ofA == 1 ? ofB
                : throw new ArgumentException($"expand: b holds {b}; expected sizes that go with a = {a}.");
        }

        return TensorShape.Create(sizes);
    }

    private static Tensor<T> Pick<T>(OperatorContext context, Tensor<T> x, int axis, int[] indices)
        where T : unmanaged
    {
        int outer = 1;
        for (int before = 0; before < axis; before++)
        {
            outer *= x.Shape[before];
        }

        int size = x.Shape[axis];
        int inner = x.Shape.LengthFrom(axis + 1);
        Tensor<T> output = context.Rent<T>(x.Shape.With(axis, indices.Length));
        for (int item = 0; item < outer; item++)
        {
            for (int i = 0; i < indices.Length; i++)
            {
                x.AsReadOnlySpan().Slice(((item * size) + indices[i]) * inner, inner)
                    .CopyTo(output.AsSpan().Slice(((item * indices.Length) + i) * inner, inner));
            }
        }

        return output;
    }

    private static Tensor<T> Expand<T>(OperatorContext context, Tensor<T> x, TensorShape shape)
        where T : unmanaged
    {
        if (Common(x.Shape, shape) != shape)
        {
            throw new ArgumentException($"expand: x holds {x.Shape}; expected sizes that expand to {shape}.");
        }

        Tensor<T> output = context.Rent<T>(shape);
        int rank = shape.Rank;
        int[] strides = new int[rank];
        int stride = 1;
        for (int axis = rank - 1; axis >= rank - x.Shape.Rank; axis--)
        {
            int size = x.Shape[axis - rank + x.Shape.Rank];
            strides[axis] = size == 1 ? 0 : stride;
            stride *= size;
        }

        int width = rank == 0 ? 1 : shape[^1];
        int rows = width == 0 ? 0 : output.Length / width;
        context.Split(rows, Math.Max(1, (1 << 14) / Math.Max(1, width)), (first, last) =>
        {
            for (int row = first; row < last; row++)
            {
                int at = 0;
                int rest = row;
                for (int axis = rank - 2; axis >= 0; axis--)
                {
                    at += rest % shape[axis] * strides[axis];
                    rest /= shape[axis];
                }

                Span<T> target = output.AsSpan().Slice(row * width, width);
                if (rank == 0 || strides[^1] == 0)
                {
                    target.Fill(x.AsReadOnlySpan()[at]);
                }
                else
                {
                    x.AsReadOnlySpan().Slice(at, width).CopyTo(target);
                }
            }
        });
        return output;
    }

    private static Tensor<T> Pad2d<T>(OperatorContext context, Tensor<T> x, int top, int bottom, int left, int right, T value)
        where T : unmanaged
    {
        (int height, int width) = (x.Shape[2], x.Shape[3]);
        Tensor<T> output = context.Rent<T>([x.Shape[0], x.Shape[1], height + top + bottom, width + left + right]);
        output.AsSpan().Fill(value);
        for (int row = 0; row < x.Shape[0] * x.Shape[1] * height; row++)
        {
            int map = row / height;
            int at = (((map * output.Shape[2]) + top + (row % height)) * output.Shape[3]) + left;
            x.AsReadOnlySpan().Slice(row * width, width).CopyTo(output.AsSpan().Slice(at, width));
        }

        return output;
    }

    private static NotSupportedException Unknown(Tensor x) => new($"moves: elements of {x.ElementType.Word()}.");
}
