namespace DeformDetr.Tensors.Simd;

/// <summary>
/// Lanes of double that also read and write float, widened and rounded: for steps that are taken in double whatever the tensor holds.
/// </summary>
/// <typeparam name="TVector">A vector of double.</typeparam>
public interface IDoubleLanes<TVector> : ILanes<TVector, double>
    where TVector : struct
{
    /// <summary>Consecutive floats, widened.</summary>
    /// <param name="source">Start of the data.</param>
    /// <param name="offset">How many elements further.</param>
    static abstract TVector Load(ref readonly float source, nuint offset);

    /// <summary>Stores consecutive floats, each rounded to nearest.</summary>
    /// <param name="value">What to store.</param>
    /// <param name="destination">Start of the data.</param>
    /// <param name="offset">How many elements further.</param>
    static abstract void Store(TVector value, ref float destination, nuint offset);

    /// <summary>The largest whole number not above each lane.</summary>
    /// <param name="a">Any lanes.</param>
    static abstract TVector Floor(TVector a);
}
