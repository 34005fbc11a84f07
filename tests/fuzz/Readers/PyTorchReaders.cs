using System.Buffers.Binary;
using DeformDetr.Formats;
using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Fuzz;

// Checkpoints as PyTorch writes them.
internal abstract class PyTorchReader(string name, Scratch scratch) : TensorReader(name, scratch)
{
    // Tensors may share a storage, up to 16 times the file; half precision widens; what lies apart is brought together. Or values of a pickle,
    // which take a byte each in the file.
    public override int AllocationPerByte => 128;

    // What stands beside the tensors is shown as text, up to a length.
    public override int AllocationAtLeast => 8 << 20;

    protected override string FileName => "file.pth";

    protected static byte[] Seed(string name) => File.ReadAllBytes(System.IO.Path.Combine(AppContext.BaseDirectory, "Seeds", name));
}

internal sealed class PyTorchZipReader : PyTorchReader
{
    public PyTorchZipReader(Scratch scratch)
        : base("pth", scratch)
    {
        Seeds = [Seed("whole.pth"), Seed("bare.pth"), scratch.Written("seed.pth", Write)];
        Mutators = [.. All, .. Enumerable.Repeat(InPickle, 6)];
    }

    public static IReadOnlyList<Mutator> All { get; } = new ZipMutators("", (draw, member, content) =>
        System.Text.Encoding.Latin1.GetString(member.Name).EndsWith("/data.pkl", StringComparison.Ordinal) && !draw.OneIn(6)
            ? PickleMutators.Edit(draw, content)
            : ByteMutators.Any(draw, content), ".pkl").All;

    public static Mutator InPickle { get; } = All.Single(mutator => mutator.Name == ZipMutators.ContentName);

    protected override bool HasChecksums => true;

    // A tensor's first elements, as many as it has, lie in one member that holds a storage, wherever its strides lead.
    protected override string? WrongBytes(IReadOnlyList<(TensorEntry Entry, Tensor Tensor)> tensors, byte[] content)
    {
        if (ZipParts.RangesOf(content, "/data/") is not { } storages)
        {
            return null;
        }

        TensorEntry? outside = tensors.Select(tensor => tensor.Entry).FirstOrDefault(entry =>
            entry.ByteLength > 0 && !storages.Any(storage => entry.Offset >= storage.Start && entry.Offset + entry.ByteLength <= storage.End));
        return outside is null ? null : $"'{outside.Name}' is taken from bytes that are no storage's";
    }

    private static void Write(string path)
    {
        using PyTorchWriter writer = new(path, "model", new Dictionary<string, string> { ["args"] = """{"lr_drop": 40, "resume": "", "list": [1, true, null]}""" });
        foreach ((string name, Tensor tensor) in TensorBytes.Examples)
        {
            writer.Write(name, tensor);
        }

        writer.Finish();
    }
}

internal sealed class PyTorchLegacyReader : PyTorchReader
{
    public PyTorchLegacyReader(Scratch scratch)
        : base("pth-legacy", scratch)
    {
        Seeds = [Seed("whole-legacy.pth"), Seed("bare-legacy.pth")];
        Mutators =
        [
            .. Enumerable.Repeat(new Mutator("pickle", false, (draw, _, seed) => PickleMutators.Edit(draw, seed)), 6),
            new Mutator("pickle-storages", false, Storages),
        ];
    }

    // The lengths of the storages, behind the pickles.
    private static byte[] Storages(Draw draw, IReadOnlyList<byte[]> seeds, byte[] seed)
    {
        byte[] content = [.. seed];
        int at = Math.Max(0, content.Length - 8 - draw.Below(200));
        BinaryPrimitives.WriteUInt64LittleEndian(content.AsSpan(at), draw.Of(Interesting.Words));
        return content;
    }
}

// The configuration that a checkpoint brings along in the arguments of its training, or by the shapes of its tensors.
internal sealed class CheckpointReader : Reader
{
    public CheckpointReader(Scratch scratch)
        : base("checkpoint", scratch)
    {
        Seeds = [.. new[] { "whole.pth", "whole-legacy.pth" }.Select(name => File.ReadAllBytes(System.IO.Path.Combine(AppContext.BaseDirectory, "Seeds", name)))];
        Mutators =
        [
            .. Enumerable.Repeat(new Mutator("pickle", false, (draw, seeds, seed) =>
                seed[0] == 'P' ? PyTorchZipReader.InPickle.Apply(draw, seeds, seed) : PickleMutators.Edit(draw, seed)), 8),
        ];
    }

    public override int AllocationPerByte => 128;

    public override int AllocationAtLeast => 16 << 20;

    protected override string FileName => "file.pth";

    public override object Read()
    {
        using Checkpoint checkpoint = Checkpoint.Open(Path);
        return (object?)checkpoint.Configuration()?.Run ?? Name;
    }

    public override string? Wrong(object value, Mutant mutant) => value is RunConfiguration run ? ConfigFileReader.WrongWhenWritten(run, Scratch) : null;
}
