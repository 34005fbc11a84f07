using DeformDetr.Tensors;

namespace DeformDetr.Formats;

// Arrays that numpy stored with the first axis innermost.
internal static class FortranOrder
{
    public static Tensor ToRowMajor(Tensor tensor) => tensor switch
    {
        Tensor<float> t => ToRowMajor(t),
        Tensor<double> t => ToRowMajor(t),
        Tensor<long> t => ToRowMajor(t),
        Tensor<int> t => ToRowMajor(t),
        Tensor<byte> t => ToRowMajor(t),
        Tensor<bool> t => ToRowMajor(t),
        _ => throw new NotSupportedException($"npy: elements of {tensor.ElementType}."),
    };

    private static Tensor<T> ToRowMajor<T>(Tensor<T> tensor)
        where T : unmanaged
    {
        TensorShape shape = tensor.Shape;
        ReadOnlySpan<T> stored = tensor.AsReadOnlySpan();
        Tensor<T> result = new(shape);
        Span<T> elements = result.AsSpan();
        int[] strides = new int[shape.Rank];
        int length = 1;
        for (int axis = 0; axis < strides.Length; axis++)
        {
            strides[axis] = length;
            length *= shape[axis];
        }

        int[] indices = new int[shape.Rank];
        int offset = 0;
        for (int element = 0; element < elements.Length; element++)
        {
            elements[element] = stored[offset];
            for (int axis = indices.Length - 1; axis >= 0; axis--)
            {
                offset += strides[axis];
                if (++indices[axis] < shape[axis])
                {
                    break;
                }

                // Back to the axis' start; the next axis out goes on.
                offset -= strides[axis] * shape[axis];
                indices[axis] = 0;
            }
        }

        return result;
    }
}
