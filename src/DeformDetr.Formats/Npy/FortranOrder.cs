using DeformDetr.Tensors;

namespace DeformDetr.Formats;

// Arrays that numpy stored with the first axis innermost.
internal static class FortranOrder
{
    public static Tensor ToRowMajor(Tensor tensor)
    {
        TensorShape shape = tensor.Shape;
        long[] strides = new long[shape.Rank];
        long length = 1;
        for (int axis = 0; axis < strides.Length; axis++)
        {
            strides[axis] = length;
            length *= shape[axis];
        }

        return StridedElements.Gather(tensor, shape, strides);
    }
}
