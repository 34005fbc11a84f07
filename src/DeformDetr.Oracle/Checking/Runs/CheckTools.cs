using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// What a check evaluates with.
internal sealed record CheckTools(Algebra Truth, IReadOnlyList<Algebra> Members, NoiseAlgebra Forced, Diagnoser Diagnoser)
{
    // The legal order that errs most.
    public LegalAlgebra Chain { get; } = new(Forced.Context, LegalOrders.OneChain);

    // Without an ensemble nothing is said of what arrives, and spans of absent tensors have their bound alone.
    public static CheckTools Create(StepGraph graph, DumpDType dtype, int threads, bool ensemble = true)
    {
        NumberFormat? store = NumberFormat.Of(dtype);

        // The runs go side by side, a step at a time: what one has finished with serves the next.
        OperatorContext shared = OperatorContext.Frugal(Kernels.Simd, threads);
        OperatorContext Context() => shared.Beside(Kernels.Simd);
        NoiseAlgebra forced = new(Context(), dtype switch
        {
            DumpDType.Float16 => NoiseUnit.Float16,
            DumpDType.BFloat16 => NoiseUnit.BFloat16,
            _ => NoiseUnit.Float32,
        });
        return new CheckTools(
            new ReferenceAlgebra<double>(Context()),
            ensemble ? [.. LegalOrders.Ensemble.Select(order => new LegalAlgebra(Context(), order, store))] : [], forced,
            new Diagnoser(forced, MistakeCatalogue.All, graph));
    }
}
