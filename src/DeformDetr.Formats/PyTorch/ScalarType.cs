namespace DeformDetr.Formats;

// What PyTorch's storages hold; Read is null for what no tensor here can be.
internal sealed record ScalarType(string Storage, string Word, int Size, StoredType? Read)
{
    public static IReadOnlyList<ScalarType> All { get; } =
    [
        new("DoubleStorage", "float64", 8, StoredType.F64),
        new("FloatStorage", "float32", 4, StoredType.F32),
        new("HalfStorage", "float16", 2, StoredType.F16),
        new("BFloat16Storage", "bfloat16", 2, StoredType.BF16),
        new("LongStorage", "int64", 8, StoredType.I64),
        new("IntStorage", "int32", 4, StoredType.I32),
        new("ByteStorage", "uint8", 1, StoredType.U8),
        new("UntypedStorage", "uint8", 1, StoredType.U8),
        new("BoolStorage", "bool", 1, StoredType.BOOL),
        new("ShortStorage", "int16", 2, null),
        new("CharStorage", "int8", 1, null),
        new("ComplexFloatStorage", "complex64", 8, null),
        new("ComplexDoubleStorage", "complex128", 16, null),
        new("QInt8Storage", "qint8", 1, null),
        new("QUInt8Storage", "quint8", 1, null),
        new("QInt32Storage", "qint32", 4, null),
        new("QUInt4x2Storage", "quint4x2", 1, null),
        new("QUInt2x4Storage", "quint2x4", 1, null),
    ];
}
