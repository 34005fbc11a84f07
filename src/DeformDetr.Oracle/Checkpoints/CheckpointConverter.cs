using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>A tensor of a converted checkpoint.</summary>
/// <param name="Name">Its name there.</param>
/// <param name="Original">Its name in the original, where that is another.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Sha256">SHA-256 of its little-endian row-major elements, in hexadecimal.</param>
public sealed record ConvertedTensor(string Name, string Original, StoredType Type, TensorShape Shape, string Sha256);

/// <summary>A conversion that is done.</summary>
/// <param name="Tensors">All tensors in the order in which they were written.</param>
/// <param name="From">The layout that was read.</param>
/// <param name="Files">The files that were written.</param>
/// <param name="Notes">What a user should know.</param>
public sealed record Conversion(
    IReadOnlyList<ConvertedTensor> Tensors, CheckpointLayout From, IReadOnlyList<string> Files, IReadOnlyList<string> Notes);

/// <summary>Writes a checkpoint in another format or under the names of another code base, after checking that it is whole.</summary>
public static class CheckpointConverter
{
    /// <summary>Converts.</summary>
    /// <param name="source">The checkpoint; a file or a folder.</param>
    /// <param name="target">The file to write; for Hugging Face also a folder, which gets model.safetensors and config.json.</param>
    /// <param name="layout">The names to write.</param>
    /// <param name="config">The checkpoint's configuration.</param>
    /// <param name="step">Called with the name of each tensor.</param>
    /// <exception cref="InvalidDataException">Tensors absent, unexpected or wrong, all of them named; or a target that can't be
    /// written.</exception>
    /// <exception cref="IOException">A file can't be read or written.</exception>
    /// <exception cref="UnauthorizedAccessException">No permission to read or write a file.</exception>
    public static Conversion Run(string source, string target, CheckpointLayout layout, DeformableDetrConfig config, Action<string> step)
    {
        using Checkpoint checkpoint = Checkpoint.Open(source);
        return checkpoint.File.Entries.Any(entry => entry.StoredType == StoredType.F64)
            ? Run<double>(checkpoint, target, layout, config, step)
            : Run<float>(checkpoint, target, layout, config, step);
    }

    /// <summary>SHA-256 of a tensor's little-endian row-major elements, in hexadecimal.</summary>
    /// <param name="tensor">The tensor.</param>
    public static string Sha256(Tensor tensor)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        switch (tensor)
        {
            case Tensor<float> t: Append(hash, t.AsReadOnlySpan()); break;
            case Tensor<double> t: Append(hash, t.AsReadOnlySpan()); break;
            case Tensor<long> t: Append(hash, t.AsReadOnlySpan()); break;
            case Tensor<int> t: Append(hash, t.AsReadOnlySpan()); break;
            case Tensor<byte> t: Append(hash, t.AsReadOnlySpan()); break;
            case Tensor<bool> t: Append(hash, t.AsReadOnlySpan()); break;
            default: throw new NotSupportedException($"checksum: elements of {tensor.ElementType.Word()}.");
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append<T>(IncrementalHash hash, ReadOnlySpan<T> elements)
        where T : unmanaged
    {
        const int Part = 1 << 20;
        for (; !elements.IsEmpty; elements = elements[Math.Min(Part, elements.Length)..])
        {
            hash.AppendData(MemoryMarshal.AsBytes(elements[..Math.Min(Part, elements.Length)]));
        }
    }

    private static Conversion Run<T>(
        Checkpoint checkpoint, string target, CheckpointLayout layout, DeformableDetrConfig config, Action<string> step)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CheckpointWeights<T> weights = new(checkpoint.Store, config.WithBoxRefine);
        IReadOnlyList<(string Name, Tensor<T> Tensor)> all = StateDict.Take(config, weights);
        weights.Finish();
        bool isFolder = layout.Word == "huggingface" && (Path.GetExtension(target).Length == 0 || Directory.Exists(target));
        if (isFolder)
        {
            Directory.CreateDirectory(target);
        }

        string file = isFolder ? Path.Combine(target, "model.safetensors") : target;
        List<ConvertedTensor> written = [];
        HashSet<string> notes = new(StringComparer.Ordinal);
        using (TensorWriter writer = Writer(file, layout, config))
        {
            foreach ((string name, Tensor<T> tensor) in all)
            {
                step(name);
                Write(writer, layout, StateDict.Listed(config, name), tensor, written, notes);
            }

            writer.Finish();
        }

        if (!isFolder)
        {
            return new Conversion(written, checkpoint.Layout, [file], [.. notes]);
        }

        string json = Path.Combine(target, HuggingFaceConfig.FileName);
        AtomicFile.WriteAllText(json, HuggingFaceConfig.Write(config));
        return new Conversion(written, checkpoint.Layout, [file, json], [.. notes]);
    }

    private static TensorWriter Writer(string file, CheckpointLayout layout, DeformableDetrConfig config)
    {
        string json = ConfigWriter.ToJson(config);
        string extension = Path.GetExtension(file).ToLowerInvariant();
        if (extension == ".safetensors")
        {
            // transformers asks for the format.
            Dictionary<string, string> metadata = new(StringComparer.Ordinal) { ["format"] = "pt", [CheckpointConfiguration.MetadataKey] = json };
            return new SafetensorsWriter(file, metadata: metadata);
        }

        // transformers takes a bare state_dict.
        string? key = layout.Word switch { "huggingface" => null, "mmdetection" => "state_dict", _ => "model" };
        Dictionary<string, string> beside = new(StringComparer.Ordinal) { ["args"] = json };
        return extension is ".pth" or ".pt" or ".bin"
            ? new PyTorchWriter(file, key, key is null ? null : beside)
            : TensorWriter.Create(file);
    }

    // One tensor under all names that the layout lists for it.
    private static void Write<T>(
        TensorWriter writer, CheckpointLayout layout, IEnumerable<string> listed, Tensor<T> tensor, List<ConvertedTensor> written,
        HashSet<string> notes)
        where T : unmanaged
    {
        // By block of rows: what was written first.
        Dictionary<int, string> first = [];
        foreach (string name in listed)
        {
            foreach ((WeightLine line, string? stored) in layout.OfOriginal(name))
            {
                if (line.OnlyRead || stored is null)
                {
                    continue;
                }

                if (line.ZerosIfAbsent)
                {
                    if (!tensor.AsReadOnlySpan().ContainsAnyExcept(default(T)))
                    {
                        continue;
                    }

                    notes.Add($"{layout.Word} has {stored} only where its configuration says bias=True");
                }

                Tensor<T> part = Rows(tensor, line);
                if (first.TryGetValue(line.Part, out string? earlier))
                {
                    writer.WriteAgain(stored, earlier, part);
                }
                else
                {
                    first.Add(line.Part, stored);
                    writer.Write(stored, part);
                }

                written.Add(new ConvertedTensor(stored, name, StoredTypes.Of(part.ElementType), part.Shape, Sha256(part)));
            }
        }
    }

    private static Tensor<T> Rows<T>(Tensor<T> tensor, WeightLine line)
        where T : unmanaged
    {
        if (line.Parts == 1)
        {
            return tensor;
        }

        TensorShape shape = tensor.Shape.With(0, tensor.Shape[0] / line.Parts);
        return Tensor<T>.FromArray(shape, tensor.AsReadOnlySpan().Slice(line.Part * shape.ElementCount, shape.ElementCount).ToArray());
    }
}
