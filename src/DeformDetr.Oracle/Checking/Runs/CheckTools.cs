using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// What a check evaluates with.
internal sealed record CheckTools(Algebra Truth, IReadOnlyList<Algebra> Members, NoiseAlgebra Forced, Diagnoser Diagnoser)
{
    public static CheckTools Create(StepGraph graph, DumpDType dtype, int threads)
    {
        OperatorContext Context() => new(Kernels.Simd, threads);
        NoiseAlgebra forced = new(Context(), dtype.Unit());
        return new CheckTools(
            new ReferenceAlgebra<double>(Context()), [.. LegalOrders.Ensemble.Select(order => new LegalAlgebra(Context(), order))], forced,
            new Diagnoser(graph, forced));
    }
}
