using DeformDetr.Tensors;

namespace DeformDetr.Formats;

// Axis sizes as a file states them, checked before anything is multiplied with them.
internal static class StoredShape
{
    public static TensorShape Create(string path, string tensor, IReadOnlyList<long> sizes)
    {
        int[] shape = new int[sizes.Count];
        long length = 1;
        for (int axis = 0; axis < shape.Length; axis++)
        {
            if (sizes[axis] > int.MaxValue || length * sizes[axis] > Array.MaxLength)
            {
                throw Fault.Tensor(
                    path, tensor, $"shape {Fault.Sizes(sizes)} has more elements than one array can hold; expected at most {Array.MaxLength}.");
            }

            length *= sizes[axis];
            shape[axis] = (int)sizes[axis];
        }

        return TensorShape.Create(shape);
    }
}
