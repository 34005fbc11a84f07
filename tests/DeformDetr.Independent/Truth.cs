namespace DeformDetr.Independent;

/// <summary>Exact values, and for every element the sum of the magnitudes that were added to make it: what a rounding error is measured against.</summary>
public sealed record Truth(DoubleDouble[] Values, double[] Magnitudes);
