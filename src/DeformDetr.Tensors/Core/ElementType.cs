namespace DeformDetr.Tensors;

/// <summary>What a tensor's elements are.</summary>
public enum ElementType
{
    /// <summary>IEEE 754 binary32.</summary>
    Float32,

    /// <summary>IEEE 754 binary64.</summary>
    Float64,

    /// <summary>64-bit signed integer.</summary>
    Int64,

    /// <summary>32-bit signed integer.</summary>
    Int32,

    /// <summary>8-bit unsigned integer.</summary>
    UInt8,

    /// <summary>Truth value, one byte each.</summary>
    Bool,
}

/// <summary>Names and sizes of element types.</summary>
public static class ElementTypes
{
    /// <summary>The element type of <typeparamref name="T"/>.</summary>
    /// <typeparam name="T">float, double, long, int, byte or bool.</typeparam>
    /// <exception cref="NotSupportedException">Another type.</exception>
    public static ElementType Of<T>()
        where T : unmanaged =>
        typeof(T) == typeof(float) ? ElementType.Float32
        : typeof(T) == typeof(double) ? ElementType.Float64
        : typeof(T) == typeof(long) ? ElementType.Int64
        : typeof(T) == typeof(int) ? ElementType.Int32
        : typeof(T) == typeof(byte) ? ElementType.UInt8
        : typeof(T) == typeof(bool) ? ElementType.Bool
        : throw new NotSupportedException($"tensor: elements of {typeof(T).Name}; expected float, double, long, int, byte or bool.");

    /// <summary>Bytes of one element.</summary>
    /// <param name="type">The element type.</param>
    public static int Size(this ElementType type) => type switch
    {
        ElementType.Float64 or ElementType.Int64 => 8,
        ElementType.Float32 or ElementType.Int32 => 4,
        _ => 1,
    };

    /// <summary>Whether elements are floating-point numbers.</summary>
    /// <param name="type">The element type.</param>
    public static bool IsFloat(this ElementType type) => type is ElementType.Float32 or ElementType.Float64;

    /// <summary>The name that people of this field use: float32, int64, uint8 …</summary>
    /// <param name="type">The element type.</param>
    public static string Word(this ElementType type) => type switch
    {
        ElementType.Float32 => "float32",
        ElementType.Float64 => "float64",
        ElementType.Int64 => "int64",
        ElementType.Int32 => "int32",
        ElementType.UInt8 => "uint8",
        _ => "bool",
    };
}
