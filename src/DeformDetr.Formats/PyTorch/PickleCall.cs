namespace DeformDetr.Formats;

// What becomes of a name that is called. None of them runs anything that the file brings.
internal enum PickleCall
{
    // May be named, not called.
    None,
    Storage,
    Dictionary,
    DefaultDictionary,
    List,
    Tuple,
    Set,
    Bytes,
    Complex,
    Namespace,
    Reconstructor,
    Encode,
    Size,
    Device,
    RebuildTensor,
    RebuildParameter,
    NumpyScalar,
    NumpyDType,
}
