using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Fuzz;

// Whole folders of golden cases: what case.json and its tensors say is run and judged.
internal sealed class CaseRunReader : Reader
{
    private static readonly string[] Names = ["operator-gather", "operator-linear-one", "operator-linspace", "operator-max-pool2d", "operator-conv2d-unequal", "operator-nearest-resize-13x1-to-7x1", "operator-softmax-one", "operator-top-k-one", "operator-grid-sample-one-pixel", "resize-7x5-to-13x11", "position-sine-one-row", "core-borders", "proposals-one-level", "post-process", "attn-single-level"];

    // Seeds bear the number of their case and of the file in it that is damaged.
    private readonly byte[][][] _files;

    public CaseRunReader(Scratch scratch)
        : base("case-run", scratch)
    {
        Directory.CreateDirectory(scratch["run"]);
        _files = [.. Names.Select(name => Parts.Select(part => Repository.Golden($"cases/{name}/{part}")).Select(path => File.Exists(path) ? File.ReadAllBytes(path) : []).ToArray())];
        Seeds = [.. from number in Enumerable.Range(0, Names.Length) from part in Enumerable.Range(0, 2) where _files[number][part].Length > 0 select (byte[])[(byte)number, (byte)part, .. _files[number][part]]];
        Mutators =
        [
            .. TextMutators.All.Where(mutator => mutator.Name != "text-depth").Select(mutator => On(mutator, 0)),
            .. SafetensorsMutators.All.Select(mutator => On(mutator, 1)),
        ];
    }

    public override int AllocationPerByte => 1000;

    public override int AllocationAtLeast => 128 << 20;

    public override string Blamed => Scratch["run"];

    protected override string FileName => "run/case.json";

    private static IReadOnlyList<string> Parts => ["case.json", "inputs.safetensors", "expected.safetensors", "expected64.safetensors"];

    public override void Place(byte[] content)
    {
        (int number, int damaged) = content.Length < 2 ? (0, 0) : (content[0] % Names.Length, content[1] % 2);
        for (int part = 0; part < Parts.Count; part++)
        {
            File.WriteAllBytes(Scratch[$"run/{Parts[part]}"], part == damaged ? content[Math.Min(2, content.Length)..] : _files[number][part]);
        }
    }

    public override object Read() => CaseVerifier.Verify(GoldenCase.Load(Scratch["run"]), ElementType.Float32, Kernels.Simd, 1);

    public override string? Wrong(object value, Mutant mutant) => null;

    private static Mutator On(Mutator mutator, byte part) => new(mutator.Name, false, (draw, seeds, seed) =>
        seed[1] == part ? [seed[0], seed[1], .. mutator.Apply(draw, seeds, seed[2..])] : ByteMutators.Any(draw, seed));
}
