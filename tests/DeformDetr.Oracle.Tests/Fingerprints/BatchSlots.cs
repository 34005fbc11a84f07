using System.Globalization;
using System.Numerics;
using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Fingerprints;

/// <summary>A picture alone, and the same picture in every slot of a batch of the same padded size: every tensor has the same bits.</summary>
internal static class BatchSlots
{
    private const int Slots = 3;

    public static IEnumerable<string> Differences<T>(GoldenCase golden, Kernels kernels)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        using TensorFile file = TensorFile.Open(golden.InputsPath!);
        Tensor<T> picture = (Tensor<T>)Slice(Widening.To<T>(file.Read<float>("samples.tensor"))!, 0);
        Tensor<bool> mask = (Tensor<bool>)Slice(file.Read<bool>("samples.mask"), 0);
        Tensor<long>? size = file.Contains("target_sizes") ? (Tensor<long>)Slice(file.Read<long>("target_sizes"), 0) : null;
        DeformableDetr<T> model = golden.Weights!.Load<T>(ConfigReader.Read(golden.File, golden.Config));
        int compared = 0;
        Dictionary<string, Tensor> alone = Run(model, kernels, 1, picture, mask, size);
        for (int slot = 0; slot < Slots; slot++)
        {
            Dictionary<string, Tensor> batch = Run(
                model, kernels, 7, Among(picture, slot, Other), Among(mask, slot, (value, index) => value && index % 2 == 0),
                size is null ? null : Among(size, slot, (value, index) => value + index));
            foreach ((string name, Tensor expected) in alone)
            {
                compared++;
                if (Difference(name, expected, batch, slot) is { } what)
                {
                    yield return string.Create(CultureInfo.InvariantCulture, $"slot {slot} of {Slots}: {name} {what}");
                    break;
                }
            }
        }

        if (compared < Slots * 20)
        {
            yield return "hardly anything was compared";
        }
    }

    private static T Other<T>(T value, int index)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => index % 3 == 0 ? -value : value * T.CreateTruncating(0.75);

    private static string? Difference(string name, Tensor expected, Dictionary<string, Tensor> batch, int slot)
    {
        const string Results = "results.0.";
        if (name.StartsWith(Results, StringComparison.Ordinal))
        {
            string there = string.Create(CultureInfo.InvariantCulture, $"results.{slot}.{name[Results.Length..]}");
            return batch.TryGetValue(there, out Tensor? result) ? Compare(name, expected, result) : "is absent from the batch";
        }

        return !batch.TryGetValue(name, out Tensor? all)
            ? "is absent from the batch"
            : Compare(name, expected, all.Shape == expected.Shape ? all : Slice(all, slot));
    }

    private static string? Compare(string name, Tensor expected, Tensor actual) =>
        Fingerprint.OfTensor(name, expected).AsSpan().SequenceEqual(Fingerprint.OfTensor(name, actual)) ? null : "differs from that of the picture alone";

    private static Dictionary<string, Tensor> Run<T>(
        DeformableDetr<T> model, Kernels kernels, int threads, Tensor<T> samples, Tensor<bool> mask, Tensor<long>? sizes)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Recorder recorder = new(_ => true);
        ForwardPass pass = new(kernels, threads, recorder);
        using BufferScope scope = pass.Scope();
        DetrOutputs<T> outputs = model.Forward(pass, samples, mask);
        if (sizes is not null)
        {
            PostProcess.Forward(pass, outputs.Final, sizes);
        }

        return new Dictionary<string, Tensor>(recorder.Tensors, StringComparer.Ordinal);
    }

    // A batch with the picture in one slot and something else, of the same padded size, in the others.
    private static Tensor<TElement> Among<TElement>(Tensor<TElement> one, int slot, Func<TElement, int, TElement> other)
        where TElement : unmanaged
    {
        TElement[] all = new TElement[Slots * one.Length];
        for (int index = 0; index < all.Length; index++)
        {
            TElement value = one.AsReadOnlySpan()[index % one.Length];
            all[index] = index / one.Length == slot ? value : other(value, index);
        }

        return Tensor<TElement>.FromArray(TensorShape.Create([Slots, .. one.Shape.Sizes[1..]]), all);
    }

    private static Tensor Slice(Tensor tensor, int index)
    {
        return tensor switch
        {
            Tensor<float> t => Of(t),
            Tensor<double> t => Of(t),
            Tensor<long> t => Of(t),
            Tensor<bool> t => Of(t),
            _ => throw new NotSupportedException($"batch slots: elements of {tensor.ElementType.Word()}."),
        };

        Tensor<TElement> Of<TElement>(Tensor<TElement> whole)
            where TElement : unmanaged
        {
            int length = whole.Length / whole.Shape[0];
            return Tensor<TElement>.Create(
                TensorShape.Create([1, .. whole.Shape.Sizes[1..]]), whole.AsReadOnlySpan().Slice(index * length, length));
        }
    }
}
