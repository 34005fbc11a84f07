using DeformDetr.Tensors;

namespace DeformDetr.Formats;

// Elements that lie apart in memory, brought together row by row.
internal static class StridedElements
{
    // Strides in elements, of a row-major tensor.
    public static bool AreRowMajor(IReadOnlyList<long> sizes, IReadOnlyList<long> strides)
    {
        Int128 expected = 1;
        for (int axis = sizes.Count - 1; axis >= 0; axis--)
        {
            if (sizes[axis] != 1)
            {
                if (strides[axis] != expected)
                {
                    return false;
                }

                expected *= sizes[axis];
            }
        }

        return true;
    }

    // The tensor of this shape whose element [0, 0, …] is the first of the given ones.
    public static Tensor Gather(Tensor flat, TensorShape shape, IReadOnlyList<long> strides) => flat switch
    {
        Tensor<float> t => Gather(t, shape, strides),
        Tensor<double> t => Gather(t, shape, strides),
        Tensor<long> t => Gather(t, shape, strides),
        Tensor<int> t => Gather(t, shape, strides),
        Tensor<byte> t => Gather(t, shape, strides),
        Tensor<bool> t => Gather(t, shape, strides),
        _ => throw new NotSupportedException($"strides: elements of {flat.ElementType}."),
    };

    private static Tensor<T> Gather<T>(Tensor<T> flat, TensorShape shape, IReadOnlyList<long> strides)
        where T : unmanaged
    {
        ReadOnlySpan<T> stored = flat.AsReadOnlySpan();
        Tensor<T> result = new(shape);
        Span<T> elements = result.AsSpan();
        int[] indices = new int[shape.Rank];
        long offset = 0;
        for (int element = 0; element < elements.Length; element++)
        {
            elements[element] = stored[(int)offset];
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
