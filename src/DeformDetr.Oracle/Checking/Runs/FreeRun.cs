using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// The model on its own input, step by step beside the port: in float64, and in float32 in several legal orders. How far those are from the
// truth is what a correct float32 implementation may be away at that tensor, after everything before it.
internal sealed class FreeRun(CheckModel model, Algebra truth, IReadOnlyList<Algebra> members) : IDisposable
{
    private readonly StepRun _truth = model.Run(truth);
    private readonly StepRun[] _members = model.Run(members);

    // The truth of the step, and the largest error of the members over the elements that count; 0 for whole numbers and masks.
    public (Quantity Truth, double Noise) Evaluate(Step step, Func<TensorShape, Tensor<bool>?> padding)
    {
        Quantity right = _truth.Evaluate(step);
        _truth.Put(step, right);
        _truth.FinishInputs(step);
        List<Tensor<float>> errors = new(_members.Length);
        foreach (StepRun member in _members)
        {
            Quantity made = member.Evaluate(step);
            if (member.Algebra is LegalAlgebra legal)
            {
                Quantity stored = legal.Stored(made);
                if (!ReferenceEquals(stored, made))
                {
                    member.Drop(made);
                }

                made = stored;
            }

            if (made.Tensor is Tensor<float> own)
            {
                errors.Add(own);
            }

            // Decisions are the truth's, so that what follows stays comparable.
            if (right.Tensor is Tensor<long> && !ReferenceEquals(made.Tensor, right.Tensor))
            {
                member.Drop(made);
                made = new Quantity(right.Tensor);
            }

            // What it has read serves the next member.
            member.Put(step, made);
            member.FinishInputs(step);
        }

        return (right, right.Tensor is Tensor<double> real ? ErrorMeasure.Spread(truth.Context, errors, real, padding(right.Shape)) : 0);
    }

    public void Finish(Step step)
    {
        _truth.Finish(step);
        foreach (StepRun member in _members)
        {
            member.Finish(step);
        }
    }

    public void Dispose()
    {
        _truth.Dispose();
        foreach (StepRun member in _members)
        {
            member.Dispose();
        }
    }
}
