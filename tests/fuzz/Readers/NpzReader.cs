using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Fuzz;

internal sealed class NpzReader : TensorReader
{
    public NpzReader(Scratch scratch)
        : base("npz", scratch)
    {
        Seeds =
        [
            scratch.Written("seed.npz", path => Write(path, TensorBytes.Examples, compress: true)),
            scratch.Written("seed.npz", path => Write(path, TensorBytes.Examples, compress: false)),
            scratch.Written("seed.npz", path => Write(path, TensorBytes.Examples.Take(2), compress: true)),
            scratch.Written("seed.npz", path => Write(path, [("zeros", new Tensor<float>([100, 1000]))], compress: true)),
        ];
        Mutators = new ZipMutators(".npy", (draw, _, content) => draw.OneIn(2)
            ? NpyMutators.Edit(draw, content, 1 + draw.Below(2))
            : ByteMutators.Any(draw, content))
        { MayDeflate = true }.All;
    }

    // What deflate can do, four times: half precision widens, and the first axis innermost is turned.
    public override int AllocationPerByte => 4 * 1032;

    protected override bool HasChecksums => true;

    private static void Write(string path, IEnumerable<(string Name, Tensor Tensor)> tensors, bool compress)
    {
        using NpzWriter writer = new(path, compress);
        foreach ((string name, Tensor tensor) in tensors)
        {
            writer.Write(name, tensor);
        }

        writer.Finish();
    }
}
