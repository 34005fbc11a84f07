using System.Runtime.InteropServices;
using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Laws;

// What our own implementation promises beyond what others must: the same bits.
internal static class BitLaws
{
    public static IReadOnlyList<Law> All { get; } =
    [
        Alone(CoreLaws.Target, 1), Alone(AttentionLaws.Target, 2), Alone(TransformerLaws.Target, 4), Alone(ModelLaws.Target, 10),
        Threads(CoreLaws.Target, 1), Threads(TransformerLaws.Target, 4), Threads(ModelLaws.Target, 10),
        Untraced(TransformerLaws.Target, 4), Untraced(ModelLaws.Target, 10),
    ];

    private static Law Alone(string target, int cost) => Of(
        target, "pictures_alone_in_bits", "f(x)ₙ = f(xₙ), bit for bit", "A picture has in a batch the bits that it has alone.", cost, "pictures_alone",
        (trial, c) =>
        {
            ReferenceSubject subject = OwnSubjects.Of(c);
            (LawInput alone, LawInput batch) = (trial.Inputs[0], trial.Inputs[1]);
            int n = c.Seed % c["N"];
            IReadOnlyDictionary<string, Tensor> one = subject.Run(alone);
            IReadOnlyDictionary<string, Tensor> all = subject.Run(batch);
            return Differing(one, all, (name, tensor) => tensor.Shape.Rank > 0 && tensor.Shape[0] == c["N"] && !name.StartsWith("transformer.spatial", StringComparison.Ordinal)
                && !name.StartsWith("transformer.level_start", StringComparison.Ordinal) ? Moves.Pick(LawDraw.Context, tensor, 0, [n]) : null);
        });

    private static Law Threads(string target, int cost) => Of(
        target, "any_number_of_threads", "f with t threads = f with one, bit for bit", "The number of threads changes no bit.", cost, "agrees_with_float64",
        (trial, c) => Differing(
            new ReferenceSubject(ElementType.Float32, Kernels.Simd).Run(trial.Inputs[0]),
            new ReferenceSubject(ElementType.Float32, Kernels.Simd, 2 + (c.Seed % 5)).Run(trial.Inputs[0]), (_, tensor) => tensor));

    private static Law Untraced(string target, int cost) => Of(
        target, "traced_or_not", "f with nobody listening = f traced, bit for bit", "A run that nobody listens to, with fused kernels, has the bits of a traced one.", cost,
        "agrees_with_float64", (trial, c) =>
        {
            (ElementType type, Kernels kernels) = (c.Seed % 2 == 0 ? ElementType.Float32 : ElementType.Float64, Kernels.Simd);
            IReadOnlyDictionary<string, Tensor> quiet = new ReferenceSubject(
                type, kernels, 2, name => name.StartsWith("hs.", StringComparison.Ordinal) || name.StartsWith("pred_", StringComparison.Ordinal)).Run(trial.Inputs[0]);
            return Differing(quiet, new ReferenceSubject(type, kernels).Run(trial.Inputs[0]), (_, tensor) => tensor);
        });

    private static Law Of(
        string target, string name, string mathematics, string words, int cost, string cases, Func<LawTrial, LawCase, LawBreach?> judge)
    {
        Law from = LawSuite.All.First(law => law.Target == target && law.Name == cases);
        return new Law(target, name, mathematics, words, from.Space, c =>
        {
            LawTrial trial = from.Trial(c);
            return new LawTrial([], _ => judge(trial, c));
        })
        {
            Cost = cost,
        };
    }

    // The first tensor of the one run that the other, or a part of it, doesn't have bit for bit.
    private static LawBreach? Differing(
        IReadOnlyDictionary<string, Tensor> one, IReadOnlyDictionary<string, Tensor> other, Func<string, Tensor, Tensor?> part)
    {
        foreach ((string name, Tensor tensor) in one)
        {
            if (part(name, other[name]) is { } its && !Bytes(tensor).SequenceEqual(Bytes(its)))
            {
                return new LawBreach(name, [], 0, 0, 0, "has other bits");
            }
        }

        return null;
    }

    private static ReadOnlySpan<byte> Bytes(Tensor tensor) => tensor switch
    {
        Tensor<float> t => MemoryMarshal.AsBytes(t.AsReadOnlySpan()),
        Tensor<double> t => MemoryMarshal.AsBytes(t.AsReadOnlySpan()),
        Tensor<long> t => MemoryMarshal.AsBytes(t.AsReadOnlySpan()),
        Tensor<bool> t => MemoryMarshal.AsBytes(t.AsReadOnlySpan()),
        _ => throw new NotSupportedException($"bits: elements of {tensor.ElementType.Word()}."),
    };
}
