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
        Mutators = [Shapes, .. new ZipMutators(".npy", (draw, _, content) => draw.OneIn(2)
            ? NpyMutators.Edit(draw, content, 1 + draw.Below(2))
            : ByteMutators.Any(draw, content))
        { MayDeflate = true }.All];
    }

    // What deflate can do, four times: half precision widens, and the first axis innermost is turned.
    public override int AllocationPerByte => 4 * 1032;

    protected override bool HasChecksums => true;

    // A few bytes whose header and whose entry in the directory agree that they are many.
    private static Mutator Shapes { get; } = new("zip-shape", false, (draw, _, seed) =>
    {
        ZipParts zip = ZipParts.Parse(seed);
        ZipParts.Member member = draw.Of(zip.Members);
        long length = draw.OneIn(2) ? 1L << draw.Below(32) : (long)draw.Of(Interesting.Words);
        string header = FormattableString.Invariant($"{{'descr': '|u1', 'fortran_order': False, 'shape': ({length},), }}").PadRight(117) + "\n";
        byte[] content = [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. TextMutators.Latin1(header), .. new byte[draw.Below(5000)]];
        member.Pack(content, deflate: true);
        member.Length = (uint)(10 + header.Length + length);
        return zip.Join();
    });

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
