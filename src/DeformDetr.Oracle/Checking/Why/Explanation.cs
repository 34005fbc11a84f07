namespace DeformDetr.Oracle;

/// <summary>A number with a name.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Value">The number.</param>
public sealed record Figure(string Name, double Value);

/// <summary>One term of a sum.</summary>
/// <param name="Label">Where it comes from: an input's channel, a kernel's tap, a level, point and corner, …</param>
/// <param name="Factors">What it is the product of; empty where it is a number by itself.</param>
/// <param name="Value">The term.</param>
public sealed record Term(string Label, IReadOnlyList<Figure> Factors, double Value);

/// <summary>One number of a model and the terms that make it.</summary>
/// <param name="Name">The tensor that was asked for.</param>
/// <param name="Index">The element's index, one number per axis.</param>
/// <param name="Axes">A word for each axis.</param>
/// <param name="Copies">Other names of the same tensor on the way to the step that makes it; the last is explained.</param>
/// <param name="Kind">What the step does.</param>
/// <param name="Value">The number, in float64.</param>
/// <param name="Equation">The sum and what is done with it, in symbols.</param>
/// <param name="Figures">Numbers that several terms share: a mean, a variance, a largest exponent.</param>
/// <param name="Terms">The terms, largest magnitude first.</param>
/// <param name="Sum">Their sum.</param>
/// <param name="Result">What the equation makes of the sum: the number again, by another way.</param>
/// <param name="Difference">How far the two are apart.</param>
/// <param name="Allowance">How far float64 lets them be.</param>
/// <param name="Port">What a port has; null without one.</param>
public sealed record Explanation(
    string Name, IReadOnlyList<int> Index, IReadOnlyList<string> Axes, IReadOnlyList<string> Copies, string Kind, double Value,
    string Equation, IReadOnlyList<Figure> Figures, IReadOnlyList<Term> Terms, double Sum, double Result, double Difference,
    double Allowance, PortExplanation? Port)
{
    /// <summary>Whether the terms make the number.</summary>
    public bool AddsUp => Difference <= Allowance;
}

/// <summary>What a port has where an explanation looks.</summary>
/// <param name="Value">The port's number; NaN where its dump doesn't have the tensor.</param>
/// <param name="FromItsInputs">The right number from the port's own inputs; NaN where the dump doesn't have them all.</param>
/// <param name="Terms">Its terms in the order of the explanation's, from its own inputs; null for one that it doesn't have.</param>
/// <param name="Absent">Inputs that the dump doesn't have; ours stand in their place.</param>
public sealed record PortExplanation(
    double Value, double FromItsInputs, IReadOnlyList<Term?> Terms, IReadOnlyList<string> Absent);
