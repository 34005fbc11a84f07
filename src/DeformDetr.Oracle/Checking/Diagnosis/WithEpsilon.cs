namespace DeformDetr.Oracle;

// Every operator that has an epsilon has this one.
internal sealed class WithEpsilon(Algebra inner, double own) : DelegatingAlgebra(inner)
{
    public override Quantity FrozenBatchNorm(
        Quantity x, Quantity weight, Quantity bias, Quantity runningMean, Quantity runningVar, double epsilon = 1e-5) =>
        base.FrozenBatchNorm(x, weight, bias, runningMean, runningVar, own);

    public override Quantity GroupNorm(Quantity x, int groups, Quantity weight, Quantity bias, double epsilon = 1e-5) =>
        base.GroupNorm(x, groups, weight, bias, own);

    public override Quantity LayerNorm(Quantity x, Quantity weight, Quantity bias, double epsilon = 1e-5) =>
        base.LayerNorm(x, weight, bias, own);

    public override Quantity InverseSigmoid(Quantity x, double epsilon = 1e-5) => base.InverseSigmoid(x, own);

    public override Quantity RefineBoxes(Quantity delta, Quantity reference, double epsilon = 1e-5) =>
        base.RefineBoxes(delta, reference, own);
}
