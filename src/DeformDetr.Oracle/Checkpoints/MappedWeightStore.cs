using System.Globalization;
using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>A checkpoint of any layout as the model sees it: under the original's names, blocks of rows put together.</summary>
internal sealed class MappedWeightStore : IWeightStore
{
    private readonly TensorFile _file;
    private readonly CheckpointLayout _layout;
    private readonly Dictionary<string, TensorEntry> _entries;

    // The stored names of each tensor, by block of rows; null for a block that is absent, no block at all for zeros.
    private readonly Dictionary<string, string?[]> _stored = new(StringComparer.Ordinal);
    private readonly List<string> _unexpected = [];
    private readonly List<string> _wrong = [];

    public MappedWeightStore(TensorFile file, CheckpointLayout layout)
    {
        _file = file;
        _layout = layout;
        _entries = file.Entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
        foreach (TensorEntry entry in file.Entries)
        {
            Take(entry.Name);
        }

        foreach ((string name, string?[] parts) in _stored.ToArray())
        {
            RequireWhole(name, parts);
        }

        AddZeros();
    }

    public string Source => _file.Path;

    public IEnumerable<string> Names => _stored.Keys;

    public IEnumerable<string> Unexpected => _unexpected;

    public IEnumerable<string> Wrong => _wrong;

    public string StoredAs(string name)
    {
        if (_layout == CheckpointLayout.Original)
        {
            return name;
        }

        IEnumerable<string> stored = _stored.TryGetValue(name, out string?[]? parts)
            ? parts.OfType<string>()
            : _layout.OfOriginal(name).Where(pair => !pair.Line.OnlyRead).Select(pair => pair.Stored).OfType<string>();
        string all = string.Join(" + ", stored);
        return all.Length == 0 || all == name ? name : $"{all} (the original's {name})";
    }

    public TensorShape ShapeOf(string name)
    {
        string?[] parts = _stored[name];
        if (parts.Length == 0)
        {
            return [ShapeOf(WeightOf(name))[0]];
        }

        TensorShape first = _entries[parts[0]!].Shape;
        return parts.Length == 1 ? first : first.With(0, first[0] * parts.Length);
    }

    public Tensor Read(string name)
    {
        string?[] parts = _stored[name];
        return parts.Length switch
        {
            0 => new Tensor<float>(ShapeOf(name)) { Name = name },
            1 => _file.Read(parts[0]!),
            _ => Stacked(name, [.. parts.Select(part => _file.Read(part!))]),
        };
    }

    private static string WeightOf(string bias) => $"{bias[..^".bias".Length]}.weight";

    private Tensor Stacked(string name, Tensor[] parts) => parts[0] switch
    {
        Tensor<float> => Stacked<float>(name, parts),
        Tensor<double> => Stacked<double>(name, parts),
        _ => parts[0],
    };

    private Tensor<T> Stacked<T>(string name, Tensor[] parts)
        where T : unmanaged
    {
        Tensor<T> whole = new(ShapeOf(name)) { Name = name };
        int rows = whole.Length / parts.Length;
        for (int part = 0; part < parts.Length; part++)
        {
            ((Tensor<T>)parts[part]).AsReadOnlySpan().CopyTo(whole.AsSpan().Slice(part * rows, rows));
        }

        return whole;
    }

    private void Take(string name)
    {
        // A counter of BatchNorm that no inference reads.
        if (name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
        {
            return;
        }

        if (_layout.OfStored(name) is not { } pair)
        {
            // The original's own names need no line: who asks for weights knows them.
            if (_layout == CheckpointLayout.Original)
            {
                _stored.Add(name, [name]);
            }
            else
            {
                _unexpected.Add(name);
            }

            return;
        }

        if (!_stored.TryGetValue(pair.Original, out string?[]? parts))
        {
            _stored.Add(pair.Original, parts = new string?[pair.Line.Parts]);
        }

        if (parts[pair.Line.Part] is { } other)
        {
            _wrong.Add($"{name} is the same tensor as {other}, expected one of them");
        }

        parts[pair.Line.Part] = name;
    }

    // Blocks of a tensor that can't be put together are as good as none.
    private void RequireWhole(string name, string?[] parts)
    {
        List<string> there = [.. parts.OfType<string>()];
        TensorEntry first = _entries[there[0]];
        string? other = parts.Length == 1 ? null : there.Find(part =>
            _entries[part].Shape != first.Shape || first.Shape.Rank == 0 || _entries[part].StoredType != first.StoredType);
        bool tooLong = parts.Length > 1 && other is null && (long)first.Shape.ElementCount * parts.Length > Array.MaxLength;
        if (other is not null || tooLong)
        {
            _wrong.Add(
                $"{other ?? there[0]} holds {_entries[other ?? there[0]].StoredType.Word()} {_entries[other ?? there[0]].Shape}, "
                + $"expected a block of rows as {there[0]}, {first.StoredType.Word()} {first.Shape}");
            _stored.Remove(name);
        }
        else if (there.Count < parts.Length)
        {
            _wrong.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{string.Join(" + ", there)} is {there.Count} of {parts.Length} blocks of rows, expected all"));
            _stored.Remove(name);
        }
    }

    private void AddZeros()
    {
        foreach (string weight in _stored.Keys.Where(name => name.EndsWith(".weight", StringComparison.Ordinal)).ToArray())
        {
            string bias = $"{weight[..^".weight".Length]}.bias";
            if (!_stored.ContainsKey(bias)
                && _layout.OfOriginal(bias).Any(pair => pair.Line.ZerosIfAbsent)
                && ShapeOf(weight).Rank > 0)
            {
                _stored.Add(bias, []);
            }
        }
    }
}
