namespace DeformDetr.Formats;

// The names that a pickle may use, and no other: what state_dicts and the arguments of a training consist of.
internal static class PickleNames
{
    private static readonly Dictionary<string, PickleName> Known = Make();

    public static IReadOnlyCollection<string> All => Known.Keys;

    public static PickleName? Find(string module, string name) => Known.GetValueOrDefault($"{module}.{name}");

    private static Dictionary<string, PickleName> Make()
    {
        Dictionary<string, PickleName> known = new(StringComparer.Ordinal);
        void Add(PickleCall call, params ReadOnlySpan<string> paths)
        {
            foreach (string path in paths)
            {
                known.Add(path, new PickleName(path, call));
            }
        }

        Add(PickleCall.Dictionary, "collections.OrderedDict", "collections.Counter");
        Add(PickleCall.DefaultDictionary, "collections.defaultdict");
        Add(PickleCall.Namespace, PickleDictionary.Namespace);
        Add(PickleCall.RebuildTensor, "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2");
        Add(PickleCall.RebuildParameter, "torch._utils._rebuild_parameter");
        Add(PickleCall.Size, "torch.Size");
        Add(PickleCall.Device, "torch.device");
        Add(PickleCall.Encode, "_codecs.encode");
        Add(PickleCall.NumpyScalar, "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar");
        Add(PickleCall.NumpyDType, "numpy.dtype");

        // Python 2 has other names for the same.
        foreach (string builtins in (ReadOnlySpan<string>)["builtins", "__builtin__"])
        {
            Add(PickleCall.Dictionary, $"{builtins}.dict");
            Add(PickleCall.List, $"{builtins}.list");
            Add(PickleCall.Tuple, $"{builtins}.tuple");
            Add(PickleCall.Set, $"{builtins}.set", $"{builtins}.frozenset");
            Add(PickleCall.Bytes, $"{builtins}.bytearray", $"{builtins}.bytes");
            Add(PickleCall.Complex, $"{builtins}.complex");
            Add(PickleCall.None, $"{builtins}.object", $"{builtins}.int", $"{builtins}.float", $"{builtins}.bool", $"{builtins}.str");
        }

        Add(PickleCall.Reconstructor, "copyreg._reconstructor", "copy_reg._reconstructor");
        foreach (ScalarType type in ScalarType.All)
        {
            foreach (string module in (ReadOnlySpan<string>)["torch", "torch.storage"])
            {
                known.Add($"{module}.{type.Storage}", new PickleName($"{module}.{type.Storage}", PickleCall.Storage, type));
            }

            known.TryAdd($"torch.{type.Word}", new PickleName($"torch.{type.Word}", PickleCall.None));
        }

        return known;
    }
}
