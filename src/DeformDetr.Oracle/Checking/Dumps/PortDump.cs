using System.Runtime.ExceptionServices;
using CommunityToolkit.HighPerformance.Buffers;
using DeformDetr.Formats;
using DeformDetr.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeformDetr.Oracle;

/// <summary>
/// A port's tensors under the contract's names. Only headers are read on opening, and each tensor when it is asked for; the files are
/// never written to. Nothing is repaired: what isn't as it should be comes back as a fault in one line, and with it no tensor.
/// </summary>
internal sealed class PortDump : IPortTensors, IDisposable
{
    // Elements that are read and widened at a time, by one thread.
    private const int PartElements = 1 << 16;

    private readonly TensorFile _file;
    private readonly NameMap? _map;
    private readonly Dictionary<string, TensorEntry> _entries = new(StringComparer.Ordinal);

    private PortDump(TensorFile file, NameMap? map, DumpDType dtype)
    {
        _file = file;
        _map = map;
        DType = dtype;
        List<string> leftOut = [];
        foreach (TensorEntry entry in file.Entries)
        {
            _entries.Add(entry.Name, entry);
            if (map is not null && map.OfPort(entry.Name).LeftOut)
            {
                leftOut.Add(entry.Name);
            }
        }

        LeftOut = leftOut;
    }

    /// <summary>The file or folder, as it was given.</summary>
    public string Path => _file.Path;

    /// <summary>The precision that it is judged by.</summary>
    public DumpDType DType { get; }

    /// <summary>What the dump holds, under its own names.</summary>
    public IReadOnlyList<TensorEntry> Entries => _file.Entries;

    /// <summary>What the map says has no counterpart, under its own names.</summary>
    public IReadOnlyList<string> LeftOut { get; }

    /// <summary>Opens a dump.</summary>
    /// <param name="path">A .safetensors or .npz file, or a folder of .npy files.</param>
    /// <param name="map">What its names mean; null where they are the contract's.</param>
    /// <param name="dtype">The precision that it is judged by.</param>
    /// <exception cref="InvalidDataException">Not a whole file of a known kind; in one line that begins with the file.</exception>
    /// <exception cref="IOException">No such file, or it can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">No permission to read it.</exception>
    public static PortDump Open(string path, NameMap? map, DumpDType dtype)
    {
        TensorFile file = Directory.Exists(path) ? NpyFolder.Open(path) : TensorFile.Open(path);
        if (file.Entries.Count > 0)
        {
            return new PortDump(file, map, dtype);
        }

        file.Dispose();
        throw new InvalidDataException($"{path}: holds no tensor; expected a port's dump.");
    }

    /// <summary>Whether the dump has a tensor for a name of the contract.</summary>
    public bool Contains(string canonicalName) => PortNameOf(canonicalName) is not null;

    /// <summary>What a tensor of the contract is called in the dump; null where it is absent.</summary>
    public string? PortNameOf(string canonicalName) => Locate(canonicalName)?.Entry.Name;

    /// <summary>A floating tensor in float64: stored as <see cref="DumpDType"/> says.</summary>
    /// <param name="canonicalName">The contract's name.</param>
    /// <param name="expected">The contract's shape.</param>
    /// <param name="fault">What is wrong with it; null where a tensor comes back.</param>
    /// <param name="context">Threads, and who may own the tensor; null for one thread, and an array of its own.</param>
    /// <exception cref="InvalidDataException">The data itself is damaged.</exception>
    public Tensor<double>? ReadReal(string canonicalName, TensorShape expected, out string? fault, OperatorContext? context = null) =>
        Read(
            canonicalName, expected, stored => DType.Takes(stored), DType.Expected(),
            (TensorEntry entry, bool moves, out string? none) =>
            {
                // What a map moves is read into an array of its own, and the result is what the caller has.
                none = null;
                return Wide(entry, moves ? null : context);
            },
            out fault);

    /// <summary>A tensor of whole numbers, stored as int64 or int32.</summary>
    /// <inheritdoc cref="ReadReal"/>
    public Tensor<long>? ReadIntegers(string canonicalName, TensorShape expected, out string? fault) =>
        Read(
            canonicalName, expected, stored => stored is StoredType.I64 or StoredType.I32, "I64 or I32",
            (TensorEntry entry, bool _, out string? none) =>
            {
                none = null;
                Tensor tensor = _file.Read(entry.Name);
                return tensor as Tensor<long> ?? Convert(((Tensor<int>)tensor).AsReadOnlySpan(), tensor.Shape, number => (long)number);
            },
            out fault);

    /// <summary>A mask, stored as bool, or as uint8 of zeros and ones.</summary>
    /// <inheritdoc cref="ReadReal"/>
    public Tensor<bool>? ReadMask(string canonicalName, TensorShape expected, out string? fault) =>
        Read(canonicalName, expected, stored => stored is StoredType.BOOL or StoredType.U8, "BOOL, or U8 of 0 and 1", Truth, out fault);

    /// <summary>A tensor of bytes, such as a decoded picture, stored as uint8.</summary>
    /// <inheritdoc cref="ReadReal"/>
    public Tensor<byte>? ReadBytes(string canonicalName, TensorShape expected, out string? fault) =>
        Read(
            canonicalName, expected, stored => stored == StoredType.U8, "U8",
            (TensorEntry entry, bool _, out string? none) =>
            {
                none = null;
                return (Tensor<byte>)_file.Read(entry.Name);
            },
            out fault);

    /// <summary>A tensor in float64 as it is stored, whatever its shape; null where it is absent.</summary>
    /// <param name="canonicalName">The contract's name.</param>
    public Tensor<double>? Peek(string canonicalName) => PortNameOf(canonicalName) is { } name ? ReadAsNumbers(name) : null;

    /// <summary>A tensor under the dump's own name, in float64 whatever it is stored as; for sketches, never for a verdict.</summary>
    public Tensor<double> ReadAsNumbers(string portName)
    {
        Tensor tensor = _file.Read(portName);
        return tensor switch
        {
            Tensor<double> or Tensor<float> => Widening.To<double>(tensor)!,
            Tensor<long> t => Convert(t.AsReadOnlySpan(), t.Shape, number => (double)number),
            Tensor<int> t => Convert(t.AsReadOnlySpan(), t.Shape, number => (double)number),
            Tensor<byte> t => Convert(t.AsReadOnlySpan(), t.Shape, number => (double)number),
            Tensor<bool> t => Convert(t.AsReadOnlySpan(), t.Shape, truth => truth ? 1.0 : 0.0),
            _ => throw new NotSupportedException($"port dump: elements of {tensor.ElementType.Word()}."),
        };
    }

    /// <summary>The dump's own names that no name of the contract stands for and that the map doesn't leave out.</summary>
    /// <param name="canonicalNames">All names that the model has.</param>
    public IReadOnlyList<string> Extra(IEnumerable<string> canonicalNames)
    {
        HashSet<string> known = new(LeftOut, StringComparer.Ordinal);
        foreach (string name in canonicalNames)
        {
            if (PortNameOf(name) is { } portName)
            {
                known.Add(portName);
            }
        }

        return [.. Entries.Select(entry => entry.Name).Where(name => !known.Contains(name))];
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    // Moves: whether a map's steps come after it.
    private delegate Tensor<T>? Conversion<T>(TensorEntry entry, bool moves, out string? fault)
        where T : unmanaged;

    private Tensor<T>? Read<T>(
        string canonicalName, TensorShape expected, Func<StoredType, bool> takes, string types, Conversion<T> convert, out string? fault)
        where T : unmanaged
    {
        if (Locate(canonicalName) is not { } place)
        {
            fault = "is absent from the dump";
            return null;
        }

        TensorEntry entry = place.Entry;
        if (!takes(entry.StoredType))
        {
            fault = $"holds {entry.StoredType.Word()}; expected {types}";
            return null;
        }

        List<TensorShape> shapes = [];
        TensorShape shape = entry.Shape;
        foreach (LayoutStep step in place.Steps)
        {
            if (step.Through(shape, expected, out fault) is not { } next)
            {
                return null;
            }

            shapes.Add(shape = next);
        }

        fault = ShapeFault(entry.Shape, place.Steps, shape, expected);
        if (fault is not null)
        {
            return null;
        }

        Tensor<T>? tensor = convert(entry, place.Steps.Count > 0, out fault);
        for (int step = 0; step < place.Steps.Count && tensor is not null; step++)
        {
            tensor = place.Steps[step].Apply(tensor, shapes[step]);
        }

        if (tensor is not null)
        {
            tensor.Name = canonicalName;
        }

        return tensor;
    }

    private static string? ShapeFault(TensorShape stored, IReadOnlyList<LayoutStep> steps, TensorShape shape, TensorShape expected)
    {
        if (shape == expected)
        {
            return null;
        }

        string held = steps.Count == 0 ? $"{stored}" : $"{stored}, by the map {shape}";
        return shape.ElementCount == 0 ? $"is empty: holds {held}; expected {expected}"
            : ShapeRelation.Describe(shape, expected) is { } relation ? $"holds {held}; expected {expected}: {relation}"
            : $"holds {held}; expected {expected}";
    }

    private (TensorEntry Entry, IReadOnlyList<LayoutStep> Steps)? Locate(string canonicalName)
    {
        if (_map?.OfContract(canonicalName) is { } mapped && _entries.TryGetValue(mapped.PortName, out TensorEntry? entry))
        {
            return (entry, [.. mapped.Line.Steps.Select(step => step.With(mapped.Numbers))]);
        }

        // A module may have the name of another tensor of the contract; what the map says of it goes first.
        bool taken = _map is not null && _map.OfPort(canonicalName).Known;
        return !taken && _entries.TryGetValue(canonicalName, out TensorEntry? same) ? (same, []) : null;
    }

    private Tensor<double> Wide(TensorEntry entry, OperatorContext? context)
    {
        if (context is null || entry.StoredType == StoredType.F64)
        {
            return Widening.To<double>(_file.Read(entry.Name))!;
        }

        Tensor<double> wide = context.Rent<double>(entry.Shape);
        SafetensorsFile? parts = entry.StoredType == StoredType.F32 ? _file as SafetensorsFile : null;
        Tensor<float>? whole = parts is null ? _file.Read<float>(entry.Name) : null;
        try
        {
            context.Split(wide.Length, PartElements, (first, last) =>
            {
                using SpanOwner<float> scratch = SpanOwner<float>.Allocate(whole is null ? Math.Min(PartElements, last - first) : 0);
                for (int start = first; start < last; start += PartElements)
                {
                    int count = Math.Min(PartElements, last - start);
                    Span<float> part = whole is null ? scratch.Span[..count] : whole.AsSpan().Slice(start, count);
                    parts?.ReadPart(entry, start, part);
                    TensorPrimitives.ConvertTruncating<float, double>(part, wide.AsSpan().Slice(start, count));
                }
            });
        }
        catch (AggregateException exception) when (exception.InnerException is InvalidDataException or IOException)
        {
            // One thread's, like that of a single one.
            ExceptionDispatchInfo.Throw(exception.InnerException);
        }

        return wide;
    }

    private Tensor<bool>? Truth(TensorEntry entry, bool moves, out string? fault)
    {
        fault = null;
        Tensor tensor = _file.Read(entry.Name);
        if (tensor is Tensor<bool> mask)
        {
            return mask;
        }

        ReadOnlySpan<byte> bytes = ((Tensor<byte>)tensor).AsReadOnlySpan();
        int wrong = bytes.IndexOfAnyExceptInRange((byte)0, (byte)1);
        if (wrong < 0)
        {
            return Convert(bytes, tensor.Shape, number => number != 0);
        }

        fault = FormattableString.Invariant($"holds {bytes[wrong]} in element {wrong}; expected 0 or 1 in a mask");
        return null;
    }

    private static Tensor<TTo> Convert<TFrom, TTo>(ReadOnlySpan<TFrom> elements, TensorShape shape, Func<TFrom, TTo> convert)
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        TTo[] converted = GC.AllocateUninitializedArray<TTo>(elements.Length);
        for (int index = 0; index < converted.Length; index++)
        {
            converted[index] = convert(elements[index]);
        }

        return Tensor<TTo>.FromArray(shape, converted);
    }
}
