using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>What became of one expected tensor.</summary>
public enum Verdict
{
    /// <summary>Within the allowance, judged against float64 truth.</summary>
    Pass,

    /// <summary>Within the wider allowance of a tensor that has no float64 expectation.</summary>
    NoTruth,

    /// <summary>Wrong.</summary>
    Fail,

    /// <summary>Not produced by the run.</summary>
    Absent,

    /// <summary>A gradient of a whole model: not computed yet, counted apart, not failed.</summary>
    NotComputed,
}

/// <summary>The judgement of one tensor (golden-contract.md, section 4).</summary>
/// <param name="Tensor">Its name.</param>
/// <param name="Shape">The expected shape.</param>
/// <param name="Error">The largest error over the counted elements; for integers, truth values and rankings the number of wrong
/// elements.</param>
/// <param name="Allowance">What the error may be.</param>
/// <param name="Counted">How many elements count.</param>
/// <param name="PaddingError">The largest error over elements that don't count; null where all count.</param>
/// <param name="Verdict">The judgement.</param>
/// <param name="Note">What is wrong beyond a number, such as a shape; null for nothing.</param>
public sealed record TensorVerdict(
    string Tensor, TensorShape Shape, double Error, double Allowance, long Counted, double? PaddingError, Verdict Verdict,
    string? Note = null)
{
    /// <summary>Error in units of the allowance; 0 for no error, infinite for an error where none is allowed.</summary>
    public double Ratio => Error == 0 ? 0 : Error / Allowance;

    /// <summary>Whether the tensor fails its case.</summary>
    public bool Failed => Verdict is Verdict.Fail or Verdict.Absent;

    /// <summary>The verdict as a word: pass, no truth, fail, absent, not computed.</summary>
    public string Word => Verdict switch
    {
        Verdict.Pass => "pass",
        Verdict.NoTruth => "no truth",
        Verdict.Fail => "fail",
        Verdict.Absent => "absent",
        _ => "not computed",
    };
}
