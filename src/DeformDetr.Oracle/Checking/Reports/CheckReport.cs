using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>What is to be said of a port's tensors, in the order of computation.</summary>
/// <param name="Port">The dump, as it was given.</param>
/// <param name="Weights">The weights, as they were given.</param>
/// <param name="Inputs">The pictures or the tensor file.</param>
/// <param name="Config">Sizes and variant, as JSON.</param>
/// <param name="PortDType">The precision that the port is judged by: float32, float16 or bfloat16.</param>
/// <param name="Tensors">One entry per tensor that the model has, in the order of computation.</param>
/// <param name="Extra">Tensors of the dump that the model doesn't have.</param>
/// <param name="Decisions">Discrete decisions and their distance from flipping.</param>
/// <param name="Proposals">Pairs of names that shape and content suggest; never used by themselves.</param>
/// <param name="Seconds">How long the check took.</param>
public sealed record CheckReport(
    string Port, string Weights, IReadOnlyList<string> Inputs, string Config, string PortDType, IReadOnlyList<TensorCheck> Tensors,
    IReadOnlyList<string> Extra, IReadOnlyList<DecisionMargin> Decisions, IReadOnlyList<NameProposal> Proposals, double Seconds)
{
    /// <summary>How many tensors were compared.</summary>
    public int Compared => Tensors.Count(tensor => tensor.Status is CheckStatus.Right or CheckStatus.Wrong);

    /// <summary>Steps that inject an error, in the order of computation.</summary>
    public IEnumerable<TensorCheck> WrongSteps => Tensors.Where(tensor => tensor.Status == CheckStatus.Wrong);

    /// <summary>Whether nothing at all was found: every tensor there, readable, and right.</summary>
    public bool Passed => Tensors.Count > 0 && Extra.Count == 0 && Tensors.All(tensor => tensor.Status == CheckStatus.Right);
}

/// <summary>What is said of one tensor of a port.</summary>
public enum CheckStatus
{
    /// <summary>Its step adds no more than the rounding of a correct implementation.</summary>
    Right,

    /// <summary>Its step adds an error.</summary>
    Wrong,

    /// <summary>The dump doesn't have it.</summary>
    Absent,

    /// <summary>It is there, but can't be judged as it is: wrong shape or element type, empty, NaN, constant, or another tensor's bits.</summary>
    Broken,
}

/// <summary>One tensor of a port: what arrived in it, and what its step added.</summary>
/// <param name="Name">The name in the contract.</param>
/// <param name="PortName">The name in the dump, where a map says another.</param>
/// <param name="Kind">What the step does: convolution, sampling locations, …</param>
/// <param name="Shape">The expected shape.</param>
/// <param name="Axes">A word for each axis: batch, query, head, level, point, channel, …</param>
/// <param name="Status">The verdict.</param>
/// <param name="Fault">Where it is absent or broken: one line that says so.</param>
/// <param name="Injected">Largest error that the step adds to the port's own inputs, in units of what rounding explains; right is at most
/// 1.</param>
/// <param name="Arrived">Largest error in the free run, in units of the largest error of correct float32 implementations.</param>
/// <param name="Padding">As <paramref name="Injected"/>, over the elements under the mask that don't count; 0 where there are none.</param>
/// <param name="Spanned">How many steps before it the dump leaves out, so that they are judged together with this one.</param>
/// <param name="Worst">The element that <paramref name="Injected"/> comes from.</param>
/// <param name="Anatomy">Where the error sits; null where the step is right.</param>
/// <param name="Diagnosis">What explains the error; null where the step is right.</param>
public sealed record TensorCheck(
    string Name, string? PortName, string Kind, TensorShape Shape, IReadOnlyList<string> Axes, CheckStatus Status, string? Fault,
    double Injected, double Arrived, double Padding, int Spanned, WorstElement? Worst, ErrorAnatomy? Anatomy, Diagnosis? Diagnosis)
{
    /// <summary>How much larger the error is than what the step itself added.</summary>
    public double Growth => Arrived / Injected;
}

/// <summary>An element, as it is in the port and as it should be.</summary>
/// <param name="Index">Its index, one number per axis.</param>
/// <param name="Port">The port's value.</param>
/// <param name="Expected">The value in float64, from the port's own inputs.</param>
/// <param name="Noise">The error that rounding explains there.</param>
public sealed record WorstElement(IReadOnlyList<int> Index, double Port, double Expected, double Noise);

/// <summary>The shape of an error.</summary>
/// <param name="ByAxis">Share of elements beyond their noise, and largest error in noise, along each axis.</param>
/// <param name="Map">Largest error in noise over the two axes where it varies most; null where one axis is all there is.</param>
/// <param name="Histogram">How many elements have an error of [0, 1/16), [1/16, 1/8), … [2^(k-5), 2^(k-4)) … of their noise; the last bin is
/// all beyond.</param>
/// <param name="Sentences">What stands out, in words: "only head 3", "only padding", "only the border of level 0", …</param>
public sealed record ErrorAnatomy(
    IReadOnlyList<AxisProfile> ByAxis, ErrorMap? Map, IReadOnlyList<long> Histogram, IReadOnlyList<string> Sentences);

/// <summary>An error along one axis.</summary>
/// <param name="Axis">The axis' word.</param>
/// <param name="Share">Share of elements beyond their noise, for every index along the axis.</param>
/// <param name="Largest">Largest error in noise, for every index along the axis.</param>
public sealed record AxisProfile(string Axis, IReadOnlyList<double> Share, IReadOnlyList<double> Largest);

/// <summary>A picture of an error over two axes, at most 64 by 64 cells.</summary>
/// <param name="Rows">The vertical axis' word.</param>
/// <param name="Columns">The horizontal axis' word.</param>
/// <param name="Largest">Largest error in noise per cell, row by row.</param>
/// <param name="Width">Cells in a row.</param>
public sealed record ErrorMap(string Rows, string Columns, IReadOnlyList<double> Largest, int Width);

/// <summary>What explains a wrong step.</summary>
/// <param name="Tried">How many mistakes were run.</param>
/// <param name="Findings">Those that reproduce the port's tensor, best first; empty where none does.</param>
public sealed record Diagnosis(int Tried, IReadOnlyList<Finding> Findings)
{
    /// <summary>How many more there were that were not run, because the work that a step may cost was done.</summary>
    public int Skipped { get; init; }
}

/// <summary>A mistake that reproduces a port's tensor.</summary>
/// <param name="Mistake">Its name in the catalogue; two names joined by " + " for a compound.</param>
/// <param name="Explanation">One sentence: what the port does.</param>
/// <param name="Fix">One sentence: what to do.</param>
/// <param name="References">Rows of the catalogue of porting mistakes, and where others met it.</param>
/// <param name="Before">The error without it, in noise.</param>
/// <param name="After">The error that is left with it, in noise: at most 1 is an explanation.</param>
/// <param name="Detail">A number that was fitted, such as the factor; null for none.</param>
public sealed record Finding(
    string Mistake, string Explanation, string Fix, IReadOnlyList<string> References, double Before, double After, string? Detail);

/// <summary>A discrete decision of the model and how far it is from flipping.</summary>
/// <param name="Name">The tensor that decides, or is decided.</param>
/// <param name="What">The decision: "rank 37 against 38", "score threshold", "floor in sampling", …</param>
/// <param name="Margin">Distance from the other outcome, in noise; below 1 it is anybody's.</param>
/// <param name="Undecided">How many decisions of this tensor have a margin below 1.</param>
/// <param name="Of">Of how many.</param>
public sealed record DecisionMargin(string Name, string What, double Margin, long Undecided, long Of);

/// <summary>Names that could belong together.</summary>
/// <param name="PortName">In the dump.</param>
/// <param name="Name">In the contract.</param>
/// <param name="Layout">How the port's axes would have to be read: "as it is", "axes 0 2 3 1", …</param>
/// <param name="Correlation">How alike the contents are, from 0 to 1.</param>
public sealed record NameProposal(string PortName, string Name, string Layout, double Correlation);
