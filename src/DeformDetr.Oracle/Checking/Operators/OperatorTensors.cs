using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// An operator with its tensors and settings: checked, and ready to be evaluated in any algebra.
internal sealed class OperatorTensors
{
    private readonly IReadOnlyDictionary<string, Tensor> _inputs;
    private readonly IReadOnlyDictionary<string, Tensor> _weights;

    private OperatorTensors(
        OperatorDefinition definition, OperatorSettings settings, IReadOnlyDictionary<string, Tensor> inputs,
        IReadOnlyDictionary<string, Tensor> weights, string source)
    {
        Definition = definition;
        Settings = settings;
        _inputs = inputs;
        _weights = weights;
        Source = source;
        Dictionary<string, TensorShape> given = new(StringComparer.Ordinal);
        foreach ((string name, Tensor tensor) in inputs.Concat(weights))
        {
            given[name] = tensor.Shape;
        }

        Steps = Guarded(() => definition.Plan(new OperatorArguments(settings, given)));
    }

    public OperatorDefinition Definition { get; }

    public OperatorSettings Settings { get; }

    public IReadOnlyDictionary<string, Tensor> Inputs => _inputs;

    public IReadOnlyDictionary<string, Tensor> Weights => _weights;

    // The file that messages name.
    public string Source { get; }

    public IReadOnlyList<Step> Steps { get; }

    // Takes what the operator wants from two sources of tensors. Complains in one line of what is absent, has other elements or doesn't fit.
    // Leftover inputs are the caller's to complain of: Expected says what they could have been.
    public static OperatorTensors Bind(
        OperatorDefinition definition, OperatorSettings settings, string source, Func<string, Tensor?> input, Func<string, Tensor?> weight)
    {
        Dictionary<string, Tensor> inputs = new(StringComparer.Ordinal);
        Dictionary<string, Tensor> weights = new(StringComparer.Ordinal);
        Dictionary<string, long> symbols = new(StringComparer.Ordinal);
        foreach ((OperatorTensor tensor, bool isInput) in definition.Inputs.Select(t => (t, true)).Concat(definition.Weights.Select(t => (t, false))))
        {
            Dictionary<string, Tensor> into = isInput ? inputs : weights;
            Func<string, Tensor?> find = isInput ? input : weight;
            for (int index = 0; ; index++)
            {
                string name = tensor.IsList ? tensor.NameOf(index) : tensor.Name;
                Tensor? found = find(name);
                if (found is null)
                {
                    if (!tensor.Optional && index == 0)
                    {
                        throw new InvalidDataException(
                            $"{source}: tensor '{name}' is absent; expected {(isInput ? "an input" : "a weight")} {tensor.Shape} of {definition.Name}.");
                    }

                    break;
                }

                Fit(definition, source, tensor, name, found, tensor.IsList ? [] : symbols);
                into[name] = found;
                if (!tensor.IsList)
                {
                    break;
                }
            }
        }

        return new OperatorTensors(definition, settings, inputs, weights, source);
    }

    // The same operator on other tensors.
    public OperatorTensors With(IReadOnlyDictionary<string, Tensor> inputs, IReadOnlyDictionary<string, Tensor> weights) =>
        new(Definition, Settings, inputs, weights, Source);

    // All outputs in order.
    public IReadOnlyList<(Step Step, Quantity Made)> Evaluate(Algebra algebra, Func<Step, Quantity, Quantity>? place = null)
    {
        Evaluation evaluation = new(this, algebra);
        List<(Step, Quantity)> made = [];
        foreach (Step step in Steps)
        {
            Quantity quantity = evaluation.Evaluate(step);
            evaluation.Put(step, place is null ? quantity : place(step, quantity));
            made.Add((step, quantity));
        }

        return made;
    }

    // What tensors that disagree throw becomes bad input of one line.
    public T Guarded<T>(Func<T> body)
    {
        try
        {
            return body();
        }
        catch (ArgumentException exception) when (exception is not (ArgumentNullException or ArgumentOutOfRangeException))
        {
            throw new InvalidDataException($"{Source}: {exception.Message}", exception);
        }
        catch (Exception exception)
            when (exception is IndexOutOfRangeException or ArgumentOutOfRangeException or InvalidCastException or KeyNotFoundException
                or DivideByZeroException or InvalidOperationException)
        {
            string holds = string.Join(", ", _inputs.Concat(_weights).Select(pair => $"{pair.Key} {pair.Value.Shape}"));
            string settings = string.Join(", ", Settings.All.Select(pair => $"{pair.Key} = {pair.Value}"));
            throw new InvalidDataException(
                $"{Source}: {Definition.Name} can't run on {holds}{(settings.Length == 0 ? "" : $" with {settings}")}; expected "
                + $"{string.Join(", ", Definition.Inputs.Concat(Definition.Weights).Select(t => $"{t.Name} {t.Shape}"))}.",
                exception);
        }
    }

    private static void Fit(
        OperatorDefinition definition, string source, OperatorTensor tensor, string name, Tensor found, Dictionary<string, long> symbols)
    {
        if (!tensor.Admits(found.ElementType))
        {
            throw new InvalidDataException(
                $"{source}: tensor '{name}' holds {found.ElementType.Word()}; expected {tensor.KindWord} for {definition.Name}.");
        }

        if (!tensor.Shape.Fits(found.Shape, symbols))
        {
            string known = string.Join(
                ", ", tensor.Shape.Axes.SelectMany(SymbolicShape.Factors).Distinct().Where(symbols.ContainsKey)
                    .Select(symbol => FormattableString.Invariant($"{symbol} = {symbols[symbol]}")));
            throw new InvalidDataException(
                $"{source}: tensor '{name}' holds {found.Shape}; expected {tensor.Shape}{(known.Length == 0 ? "" : $" with {known}")}.");
        }
    }

    // One evaluation: tensors are put in their place one after another.
    internal sealed class Evaluation(OperatorTensors tensors, Algebra algebra)
    {
        private readonly Dictionary<string, Quantity> _made = new(StringComparer.Ordinal);
        private readonly Dictionary<string, Quantity> _given = new(StringComparer.Ordinal);

        public StepInputs Inputs(Step step) => new(step, Tensor, Weight, Pictures());

        public Quantity Evaluate(Step step) => tensors.Guarded(() => step.Kind.Evaluate(algebra, Inputs(step)));

        public void Put(Step step, Quantity quantity) => _made[step.Name] = quantity;

        private Quantity Tensor(string name) =>
            _made.TryGetValue(name, out Quantity? made) ? made : Given($"tensor {name}", () => tensors._inputs[name]);

        private Quantity Weight(string name) => Given($"weight {name}", () => tensors._weights[name]);

        private Quantity Given(string key, Func<Tensor> read)
        {
            if (!_given.TryGetValue(key, out Quantity? quantity))
            {
                _given.Add(key, quantity = algebra.Given(read()));
            }

            return quantity;
        }

        private PictureInputs? Pictures() => tensors.Settings.Has("shortest")
            ? new PictureInputs([], new PreprocessOptions(tensors.Settings.Count("shortest"), tensors.Settings.Count("longest")))
            : null;
    }
}
