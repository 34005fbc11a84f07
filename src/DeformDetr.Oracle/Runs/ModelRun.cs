using System.Numerics;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>A loaded model that runs on batches.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="model">The model.</param>
public sealed class ModelRun<T>(DeformableDetr<T> model)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Runs the model on a batch and, where target sizes are known, ranks the detections.</summary>
    /// <param name="input">The batch.</param>
    /// <param name="kernels">Which bodies run.</param>
    /// <param name="threads">How many threads the Simd bodies may use.</param>
    /// <param name="sink">Who listens; null for nobody.</param>
    /// <returns>One entry per picture; null without target sizes.</returns>
    /// <exception cref="InvalidDataException">An input that the model can't run on; the files are named.</exception>
    public IReadOnlyList<Detections<T>>? Run(ModelInput input, Kernels kernels, int threads, ITapSink? sink)
    {
        try
        {
            ForwardPass pass = new(kernels, threads, sink);
            using BufferScope scope = pass.Scope();
            DetrOutputs<T> outputs = model.Forward(pass, Widening.To<T>(input.Samples)!, input.Mask);
            return input.TargetSizes is null ? null : PostProcess.Forward(pass, outputs.Final, input.TargetSizes);
        }
        catch (ArgumentException exception)
        {
            // An operator knows tensors, not files: a mask that covers everything, a map over the learned positions.
            throw new InvalidDataException($"{string.Join(", ", input.Paths)}: {exception.Message}", exception);
        }
    }
}
