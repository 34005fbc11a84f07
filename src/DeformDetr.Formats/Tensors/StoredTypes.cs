using DeformDetr.Tensors;

namespace DeformDetr.Formats;

/// <summary>Names and sizes of stored types.</summary>
public static class StoredTypes
{
    // What the specification of safetensors has beyond StoredType.
    private static readonly string[] Unread =
    [
        "F4", "F6_E2M3", "F6_E3M2", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "I16", "U16", "U32", "C64", "U64",
    ];

    /// <summary>Bytes of one element in the file.</summary>
    /// <param name="type">The stored type.</param>
    public static int Size(this StoredType type) => type switch
    {
        StoredType.F64 or StoredType.I64 => 8,
        StoredType.F32 or StoredType.I32 => 4,
        StoredType.F16 or StoredType.BF16 => 2,
        _ => 1,
    };

    /// <summary>The word that safetensors has for it: F32, BF16, BOOL …</summary>
    /// <param name="type">The stored type.</param>
    public static string Word(this StoredType type) => type switch
    {
        StoredType.F64 => "F64",
        StoredType.F32 => "F32",
        StoredType.F16 => "F16",
        StoredType.BF16 => "BF16",
        StoredType.I64 => "I64",
        StoredType.I32 => "I32",
        StoredType.U8 => "U8",
        _ => "BOOL",
    };

    /// <summary>
    /// The element type that a tensor has once read. F16 and BF16 widen exactly to float32; the others stay what they are.
    /// </summary>
    /// <param name="type">The stored type.</param>
    public static ElementType ElementType(this StoredType type) => type switch
    {
        StoredType.F64 => Tensors.ElementType.Float64,
        StoredType.F32 or StoredType.F16 or StoredType.BF16 => Tensors.ElementType.Float32,
        StoredType.I64 => Tensors.ElementType.Int64,
        StoredType.I32 => Tensors.ElementType.Int32,
        StoredType.U8 => Tensors.ElementType.UInt8,
        _ => Tensors.ElementType.Bool,
    };

    /// <summary>The type that elements are stored as when written.</summary>
    /// <param name="type">An element type.</param>
    public static StoredType Of(ElementType type) => type switch
    {
        Tensors.ElementType.Float64 => StoredType.F64,
        Tensors.ElementType.Float32 => StoredType.F32,
        Tensors.ElementType.Int64 => StoredType.I64,
        Tensors.ElementType.Int32 => StoredType.I32,
        Tensors.ElementType.UInt8 => StoredType.U8,
        _ => StoredType.BOOL,
    };

    internal static bool TryParse(string word, out StoredType type)
    {
        foreach (StoredType candidate in Enum.GetValues<StoredType>())
        {
            if (candidate.Word() == word)
            {
                type = candidate;
                return true;
            }
        }

        type = default;
        return false;
    }

    internal static bool IsKnownButUnread(string word) => Unread.Contains(word);
}
