namespace DeformDetr.Formats;

/// <summary>What the elements of a tensor are in a file, little-endian. <see cref="StoredTypes"/> says what they are read as.</summary>
public enum StoredType
{
    /// <summary>IEEE 754 binary64.</summary>
    F64,

    /// <summary>IEEE 754 binary32.</summary>
    F32,

    /// <summary>IEEE 754 binary16; read as float32.</summary>
    F16,

    /// <summary>The upper half of a binary32; read as float32.</summary>
    BF16,

    /// <summary>64-bit signed integer.</summary>
    I64,

    /// <summary>32-bit signed integer.</summary>
    I32,

    /// <summary>8-bit unsigned integer.</summary>
    U8,

    /// <summary>Truth value: one byte, 0 or 1.</summary>
    BOOL,
}
