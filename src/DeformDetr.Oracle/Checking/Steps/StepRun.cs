using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// One evaluation of a graph's steps with one algebra. A tensor lives until the last step that reads it, so that a run holds little more than
// the model itself does.
internal sealed class StepRun : IDisposable
{
    private readonly StepGraph _graph;
    private readonly Algebra _algebra;
    private readonly StepWeights _weights;
    private readonly PictureInputs? _pictures;
    private readonly Func<string, Quantity?>? _elsewhere;
    private readonly BufferScope _scope;
    private readonly Dictionary<string, Quantity> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Quantity> _given = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Quantity> _weightsGiven;

    // Weights given: for runs whose algebras make the same of a weight, so that each is made once.
    public StepRun(
        StepGraph graph, Algebra algebra, StepWeights weights, IReadOnlyDictionary<string, Tensor> given, PictureInputs? pictures = null,
        Func<string, Quantity?>? elsewhere = null, Dictionary<string, Quantity>? weightsGiven = null)
    {
        _weightsGiven = weightsGiven ?? new Dictionary<string, Quantity>(StringComparer.Ordinal);
        _graph = graph;
        _algebra = algebra;
        _weights = weights;
        _pictures = pictures;
        _elsewhere = elsewhere;
        _scope = algebra.Context.Scope();
        foreach ((string name, Tensor tensor) in given)
        {
            _given.Add(name, algebra.Given(tensor));
        }
    }

    public Algebra Algebra => _algebra;

    // What the step makes of the tensors that are there. It isn't put in its place yet.
    public Quantity Evaluate(Step step)
    {
        using BufferScope scope = _algebra.Context.Scope();
        Quantity made = step.Kind.Evaluate(_algebra, Inputs(step));
        Keep(scope, made.Tensor);
        if (made.Noise is not null)
        {
            Keep(scope, made.Noise);
        }

        return made;
    }

    public StepInputs Inputs(Step step) => new(
        step,
        name => !ReferenceEquals(step.Kind, StepKinds.Given) && _tensors.TryGetValue(name, out Quantity? tensor) ? tensor
            : _given.TryGetValue(name, out Quantity? given) ? given
            : _elsewhere?.Invoke(name) ?? throw new KeyNotFoundException($"steps: no tensor {name} at {step.Name}."),
        Weight, _pictures);

    public Quantity Weight(string name)
    {
        if (!_weightsGiven.TryGetValue(name, out Quantity? weight))
        {
            _weightsGiven.Add(name, weight = _algebra.GivenWeight(_weights[name]));
        }

        return weight;
    }

    // The tensor that later steps read.
    public void Put(Step step, Quantity quantity) => _tensors[step.Name] = quantity;

    // A tensor that was evaluated and not put, and its noise; what is another step's too stays.
    public void Drop(Quantity quantity)
    {
        ReleaseUnshared(quantity.Tensor);
        if (quantity.Noise is not null)
        {
            ReleaseUnshared(quantity.Noise);
        }
    }

    // Lets go of everything that no later step reads.
    public void Finish(Step step)
    {
        foreach (string name in _graph.LastReadBy(step))
        {
            if (_tensors.Remove(name, out Quantity? quantity))
            {
                Drop(quantity);
            }
        }
    }

    // Lets go of the numbers that this step was the last to read, but for its own. Whole numbers may be another run's too.
    public void FinishInputs(Step step)
    {
        foreach (string name in _graph.LastReadBy(step))
        {
            if (name != step.Name && _tensors.TryGetValue(name, out Quantity? quantity) && quantity.Tensor is Tensor<float> or Tensor<double>)
            {
                _tensors.Remove(name);
                Drop(quantity);
            }
        }
    }

    public void Dispose() => _scope.Dispose();

    private void ReleaseUnshared(Tensor tensor)
    {
        if (_tensors.Values.Any(other => ReferenceEquals(other.Tensor, tensor) || ReferenceEquals(other.Noise, tensor)))
        {
            return;
        }

        switch (tensor)
        {
            case Tensor<float> t: _scope.Release(t); break;
            case Tensor<double> t: _scope.Release(t); break;
            case Tensor<long> t: _scope.Release(t); break;
            case Tensor<bool> t: _scope.Release(t); break;
        }
    }

    private static void Keep(BufferScope scope, Tensor tensor)
    {
        switch (tensor)
        {
            case Tensor<float> t: scope.Keep(t); break;
            case Tensor<double> t: scope.Keep(t); break;
            case Tensor<long> t: scope.Keep(t); break;
            case Tensor<bool> t: scope.Keep(t); break;
        }
    }
}
