using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Runs of a model whose every tensor is kept, as a port would dump it.
internal static class SelfTestDump
{
    // A run in one algebra; instead, where it gives something, is a step's own text. Before: an earlier run, for steps that read ahead.
    // Where a change is given, the tensor of its step is what the change makes of it, and everything after follows.
    public static Dictionary<string, Tensor> Run(
        CheckModel model, Algebra algebra, Func<Step, Tensor, Tensor>? change = null, Func<Step, StepInputs, Quantity?>? instead = null,
        IReadOnlyDictionary<string, Tensor>? before = null)
    {
        Dictionary<string, Tensor> dump = new(StringComparer.Ordinal);
        using StepRun run = model.Run(
            algebra, name => before is not null && before.TryGetValue(name, out Tensor? tensor) ? algebra.Given(tensor) : null);
        foreach (Step step in model.Graph.Steps)
        {
            Quantity made;
            try
            {
                made = instead?.Invoke(step, run.Inputs(step)) ?? run.Evaluate(step);
            }
            catch (Exception exception) when (change is not null && Diagnoser.IsRefusal(exception))
            {
                // The change leads nowhere, such as a mask that covers everything: so far a port comes with it.
                return dump;
            }

            Tensor tensor = change?.Invoke(step, made.Tensor) ?? made.Tensor;
            if (!ReferenceEquals(tensor, made.Tensor))
            {
                made = new Quantity(tensor);
            }

            run.Put(step, made);
            dump.Add(step.Name, tensor.CloneUntyped());
            run.Finish(step);
        }

        return dump;
    }

    // The values that a number format has, where the tensor holds such numbers.
    public static Tensor Rounded(Tensor tensor, NumberFormat format)
    {
        if (tensor is not Tensor<float> real)
        {
            return tensor;
        }

        Tensor<float> rounded = real.Clone();
        foreach (ref float value in rounded.AsSpan())
        {
            value = (float)format.Round(value);
        }

        return rounded;
    }
}
