using System.Numerics;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// The inputs of a case, each taken once by name: what is absent or left over is bad input.
internal sealed class CaseInputs : ITargetInputs, IDisposable
{
    private readonly TensorFile? _file;
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);
    private readonly string _path;

    public CaseInputs(string? path, string casePath)
    {
        _file = path is null ? null : TensorFile.Open(path);
        _path = path ?? casePath;
    }

    public bool Has(string name) => _file is not null && _file.Contains(name);

    // Whatever its elements are; null where it is absent.
    public Tensor? TakeAny(string name)
    {
        _taken.Add(name);
        return Has(name) ? _file!.Read(name) : null;
    }

    public Tensor<T> Take<T>(string name)
        where T : unmanaged
    {
        _taken.Add(name);
        return Has(name)
            ? _file!.Read<T>(name)
            : throw new InvalidDataException($"{_path}: tensor '{name}' is absent; expected an input of that name.");
    }

    // Floating inputs are stored as F32; a float64 run widens them exactly.
    public Tensor<T> TakeReal<T>(string name)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        _taken.Add(name);
        if (!Has(name))
        {
            throw new InvalidDataException($"{_path}: tensor '{name}' is absent; expected an input of that name.");
        }

        return Widening.To<T>(_file!.Read(name))
            ?? throw new InvalidDataException($"{_path}: tensor '{name}' holds {_file.Read(name).ElementType.Word()}; expected float32.");
    }

    public void RequireAllTaken()
    {
        List<string> left = _file is null ? [] : [.. _file.Entries.Select(entry => entry.Name).Where(name => !_taken.Contains(name))];
        if (left.Count > 0)
        {
            throw new InvalidDataException(
                $"{_path}: tensors {SafeText.Short(string.Join(", ", left))} are unexpected; expected the inputs of the case's target only.");
        }
    }

    public void Dispose() => _file?.Dispose();
}
