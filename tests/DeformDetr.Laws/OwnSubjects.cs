using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Laws;

// The reference in both precisions, through the plain loops and through the fast kernels.
internal static class OwnSubjects
{
    public static IReadOnlyList<ReferenceSubject> All { get; } =
    [
        new(ElementType.Float64, Kernels.Textbook), new(ElementType.Float64, Kernels.Simd, 2),
        new(ElementType.Float32, Kernels.Textbook), new(ElementType.Float32, Kernels.Simd, 2),
    ];

    // Each case on one of them.
    public static ReferenceSubject Of(LawCase drawn) => All[(drawn.Seed & int.MaxValue) % All.Count];

    // One of those in float64.
    public static ReferenceSubject Wide(LawCase drawn) => All[(drawn.Seed & int.MaxValue) % 2];

    public static LawVerdict Judge(Law law, LawCase drawn) => new LawRunner(Of(drawn)).Judge([(law, drawn)])[0];
}
