using System.Numerics;
using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>Runs one operator or layer on given tensors.</summary>
public static class OperatorRun
{
    /// <summary>Runs and writes the outputs under their names. The file appears complete or not at all.</summary>
    /// <param name="request">The operator and its tensors.</param>
    /// <param name="elementType">Float32 or Float64: the precision of the run.</param>
    /// <param name="kernels">Which bodies run.</param>
    /// <param name="threads">How many threads the Simd bodies may use.</param>
    /// <param name="outPath">The .safetensors or .npz that is written.</param>
    /// <returns>Names and shapes of what was written, in order.</returns>
    /// <exception cref="InvalidDataException">Bad input, in one line that names file and tensor.</exception>
    public static IReadOnlyList<(string Name, TensorShape Shape, ElementType ElementType)> Run(
        OperatorRequest request, ElementType elementType, Kernels kernels, int threads, string outPath)
    {
        OperatorTensors tensors = OperatorLoader.Load(request);
        IReadOnlyList<(string Name, Tensor Tensor)> made = Run(tensors, elementType, kernels, threads);
        using (TensorWriter writer = TensorWriter.Create(outPath))
        {
            if (writer is SafetensorsWriter safetensors)
            {
                safetensors.SetMetadata("format", "op/1");
                safetensors.SetMetadata("op", request.Name);
                safetensors.SetMetadata("dtype", elementType.Word());
                safetensors.SetMetadata("kernels", kernels == Kernels.Simd ? "simd" : "textbook");
                safetensors.SetMetadata("version", TraceRun.Version);
            }

            foreach ((string name, Tensor tensor) in made)
            {
                writer.Write(name, tensor);
            }

            writer.Finish();
        }

        return [.. made.Select(output => (output.Name, output.Tensor.Shape, output.Tensor.ElementType))];
    }

    internal static IReadOnlyList<(string Name, Tensor Tensor)> Run(
        OperatorTensors tensors, ElementType elementType, Kernels kernels, int threads)
    {
        if (elementType == ElementType.Float32
            && tensors.Inputs.FirstOrDefault(pair => pair.Value.ElementType == ElementType.Float64) is { Key: { } wide })
        {
            throw new InvalidDataException(
                $"{tensors.Source}: tensor '{wide}' holds float64; expected float32 in a float32 run, or --dtype float64.");
        }

        // No scope: what is made stays.
        ForwardPass pass = new(kernels, threads);
        return elementType == ElementType.Float64 ? Run<double>(tensors, pass) : Run<float>(tensors, pass);
    }

    internal static IReadOnlyList<(string Name, Tensor Tensor)> Run<T>(OperatorTensors tensors, ForwardPass pass)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        [.. tensors.Evaluate(new ReferenceAlgebra<T>(pass)).Select(output => (output.Step.Name, output.Made.Tensor))];
}
