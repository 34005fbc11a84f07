using DeformDetr.Tensors;

namespace DeformDetr.Formats;

/// <summary>What a file says of one of its tensors.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="StoredType">What the elements are in the file.</param>
/// <param name="Shape">Axis sizes, outermost first.</param>
/// <param name="Offset">The position of the first element in the file; in an npz, in the unpacked member.</param>
/// <param name="ByteLength">Bytes of all elements, unpacked.</param>
public sealed record TensorEntry(string Name, StoredType StoredType, TensorShape Shape, long Offset, long ByteLength);
