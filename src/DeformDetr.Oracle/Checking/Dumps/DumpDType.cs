namespace DeformDetr.Oracle;

/// <summary>The precision that a port computes in, by which it is judged.</summary>
public enum DumpDType
{
    /// <summary>IEEE 754 binary32, or more: floating tensors are stored as float32 or float64.</summary>
    Float32,

    /// <summary>
    /// IEEE 754 binary16: floating tensors are stored as float16, or wider where the port keeps a step wider; never as bfloat16.
    /// </summary>
    Float16,

    /// <summary>The upper half of a binary32: floating tensors are stored as bfloat16, or wider; never as float16.</summary>
    BFloat16,
}
