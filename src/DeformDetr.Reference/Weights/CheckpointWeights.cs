using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using DeformDetr.Tensors;

namespace DeformDetr.Reference;

/// <summary>
/// Weights of a checkpoint, strictly: every tensor that the layers need is there under its name (or an alias of it, equal bit for bit) and
/// in its shape, and nothing else is. Build the model, then call <see cref="Finish"/>, which names everything that is wrong at once.
/// </summary>
/// <typeparam name="T">float or double; double widens float weights exactly.</typeparam>
public sealed class CheckpointWeights<T> : IWeights<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // More elements than two of the published models have, and more tensors than fifty.
    private const long MostPlaceholders = 100_000_000;
    private const int MostAbsent = 20_000;

    private readonly IWeightStore _store;
    private readonly bool _withBoxRefine;
    private readonly SortedDictionary<string, List<string>> _aliases = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Tensor<T>> _taken = new(StringComparer.Ordinal);
    private readonly List<string> _absent = [];
    private readonly List<string> _wrong = [];
    private long _placeholders;

    /// <summary>Weights from a store.</summary>
    /// <param name="store">Where the tensors are.</param>
    /// <param name="withBoxRefine">Whether every layer has heads of its own.</param>
    public CheckpointWeights(IWeightStore store, bool withBoxRefine)
    {
        _store = store;
        _withBoxRefine = withBoxRefine;
        foreach (string name in store.Names)
        {
            // A counter of BatchNorm that no inference reads; FrozenBatchNorm2d drops it too.
            if (name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
            {
                continue;
            }

            string canonical = WeightNames.Canonical(name, withBoxRefine);
            if (!_aliases.TryGetValue(canonical, out List<string>? names))
            {
                _aliases.Add(canonical, names = []);
            }

            names.Add(name);
        }
    }

    /// <summary>Whether the checkpoint holds a tensor under a name or an alias of it.</summary>
    /// <param name="name">The canonical name.</param>
    public bool Contains(string name) => _aliases.ContainsKey(WeightNames.Canonical(name, _withBoxRefine));

    /// <inheritdoc/>
    public Tensor<T> Take(string name, TensorShape shape)
    {
        string canonical = WeightNames.Canonical(name, _withBoxRefine);
        if (_taken.TryGetValue(canonical, out Tensor<T>? tensor))
        {
            return tensor;
        }

        tensor = Load(canonical, shape);
        _taken.Add(canonical, tensor);
        return tensor;
    }

    /// <summary>Ends the loading.</summary>
    /// <exception cref="InvalidDataException">Tensors are absent, unexpected, mis-shaped, of another type, or aliases differ; all of them
    /// in one line.</exception>
    public void Finish()
    {
        IEnumerable<string> unexpected = _aliases.Where(entry => !_taken.ContainsKey(entry.Key)).SelectMany(entry => entry.Value);
        RequireNothing([.. unexpected.Select(_store.StoredAs), .. _store.Unexpected]);
    }

    private void RequireNothing(List<string> unexpected)
    {
        List<string> problems = [];
        Describe(problems, "absent", _absent);
        Describe(problems, "unexpected", unexpected);
        Describe(problems, "wrong", [.. _store.Wrong, .. _wrong]);
        if (problems.Count > 0)
        {
            throw new InvalidDataException($"{_store.Source}: {string.Join("; ", problems)}; expected the tensors of the configuration.");
        }
    }

    // What a layer gets in the place of a tensor that it can't have. A configuration without end must not fill the memory with them.
    private Tensor<T> Placeholder(TensorShape shape)
    {
        _placeholders += shape.ElementCount;
        if (_placeholders > MostPlaceholders || _absent.Count > MostAbsent)
        {
            RequireNothing([]);
        }

        return new Tensor<T>(shape);
    }

    private static void Describe(List<string> problems, string word, List<string> names)
    {
        if (names.Count > 0)
        {
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"{names.Count} {word}: {string.Join(", ", names)}"));
        }
    }

    private Tensor<T> Load(string canonical, TensorShape shape)
    {
        if (!_aliases.TryGetValue(canonical, out List<string>? names))
        {
            _absent.Add($"{_store.StoredAs(canonical)} {shape}");
            return Placeholder(shape);
        }

        Tensor<T>? first = null;
        foreach (string name in names)
        {
            TensorShape actual = _store.ShapeOf(name);
            if (actual != shape)
            {
                _wrong.Add($"{_store.StoredAs(name)} holds {actual}, expected {shape}");
                continue;
            }

            Tensor<T>? tensor = Convert(name, _store.Read(name));
            if (tensor is null)
            {
                continue;
            }

            if (first is null)
            {
                first = tensor;
            }
            else if (!MemoryMarshal.AsBytes(first.AsReadOnlySpan()).SequenceEqual(MemoryMarshal.AsBytes(tensor.AsReadOnlySpan())))
            {
                _wrong.Add($"{_store.StoredAs(name)} differs from its alias {_store.StoredAs(names[0])}, expected equal bits");
            }
        }

        return first ?? Placeholder(shape);
    }

    private Tensor<T>? Convert(string name, Tensor tensor)
    {
        switch (tensor)
        {
            case Tensor<T> same:
                return same;
            case Tensor<float> narrow:
                Tensor<T> wide = new(tensor.Shape) { Name = name };
                for (int index = 0; index < narrow.Length; index++)
                {
                    wide.AsSpan()[index] = T.CreateTruncating(narrow.AsReadOnlySpan()[index]);
                }

                return wide;
            default:
                _wrong.Add(
                    $"{_store.StoredAs(name)} holds {tensor.ElementType.Word()}, "
                    + $"expected {(typeof(T) == typeof(float) ? "float32" : "float32 or float64")}");
                return null;
        }
    }
}
