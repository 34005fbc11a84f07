using System.Globalization;
using System.Text.Json.Nodes;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// A wrong step of a port as an operator by itself, with what the port has, and as little of both as shows the error.
internal sealed class FailingStep
{
    // How far, in noise, the right value may move when a slice is cut out: no more than another order of its sums moves it.
    private const double Still = 0.01;

    private readonly Algebra _noise;
    private OperatorTensors _tensors;
    private Tensor _port;

    private FailingStep(OperatorTensors tensors, Tensor port, Algebra noise)
    {
        _tensors = tensors;
        _port = port;
        _noise = noise;
    }

    public OperatorTensors Tensors => _tensors;

    // The port's tensor, cut as the inputs are.
    public Tensor Port => _port;

    public Step Step => _tensors.Steps.Single();

    // Error of the port in noise, the worst element, and the right value with its noise.
    public (double Error, int At, Quantity Right) Measure() => Measure(_tensors, _port);

    // Inputs are those that the port had, in float32: that is what a case can hold.
    public static FailingStep? Create(Step step, StepInputs inputs, Tensor port, Algebra noise, OperatorTensors? from = null)
    {
        OperatorDefinition? definition = from is { Steps.Count: 1 } && OperatorCatalogue.Find(from.Definition.Name) is { } own
            ? own
            : OperatorCatalogue.Named(step.Kind);
        if (definition is null)
        {
            return null;
        }

        Dictionary<string, Tensor> given = new(StringComparer.Ordinal);
        Dictionary<string, Tensor> weights = new(StringComparer.Ordinal);
        foreach ((string role, _) in step.Inputs)
        {
            if (NameOf(definition.Inputs, role) is { } name)
            {
                given[name] = Narrowing.OfUntyped(inputs[role].Tensor);
            }
        }

        foreach ((string role, _) in step.Weights)
        {
            if (NameOf(definition.Weights, role) is { } name)
            {
                weights[name] = Narrowing.OfUntyped(inputs.Weight(role).Tensor);
            }
        }

        OperatorSettings settings = from is not null && ReferenceEquals(definition, OperatorCatalogue.Find(from.Definition.Name))
            ? from.Settings
            : SettingsOf(definition, step, []);
        OperatorTensors tensors = OperatorTensors.Bind(
            definition, settings, step.Name, given.GetValueOrDefault, weights.GetValueOrDefault);
        return tensors.Steps.Count == 1 ? new FailingStep(tensors, port, noise) : null;
    }

    // One index after another is left of every axis of the output, as long as the error stays and the right value does.
    public void Shrink()
    {
        (double error, int at, Quantity right) = Measure();
        if (!(error > 1) || at < 0)
        {
            return;
        }

        HashSet<string> tried = new(StringComparer.Ordinal);
        while (true)
        {
            OperatorTensor output = _tensors.Definition.Outputs.First(tensor => tensor.Name == Step.Name);
            Dictionary<string, Tensor> all = new(StringComparer.Ordinal) { [output.Name] = _port };
            foreach ((string name, Tensor tensor) in _tensors.Inputs.Concat(_tensors.Weights))
            {
                all[name] = tensor;
            }

            SymbolSlices slices = new(_tensors.Definition, all, Symbols(Step.Options));
            int[] element = OperatorCheck.Index(_port.Shape, at);
            (string? symbol, int index) = slices.Of(output, _port.Shape, element)
                .FirstOrDefault(slice => !_tensors.Definition.Whole.Contains(slice.Symbol) && tried.Add(slice.Symbol));
            if (symbol is null)
            {
                return;
            }

            if (Cut(slices, output, symbol, index) is not { } cut)
            {
                continue;
            }

            (double stays, int where, Quantity value) = Measure(cut.Tensors, cut.Port);
            double noise = right.Noise is null ? 0 : right.Noise.AsReadOnlySpan()[at];
            if (stays > 1 && where >= 0
                && Math.Abs(Number(value.Tensor, where) - Number(right.Tensor, at)) <= (Still * noise)
                && Number(cut.Port, where) == Number(_port, at))
            {
                (_tensors, _port, at, right) = (cut.Tensors, cut.Port, where, value);
            }
        }
    }

    private (OperatorTensors Tensors, Tensor Port)? Cut(SymbolSlices slices, OperatorTensor output, string symbol, int index)
    {
        try
        {
            Dictionary<string, Tensor> Sliced(IReadOnlyDictionary<string, Tensor> tensors) => tensors.ToDictionary(
                pair => pair.Key, pair => slices.Slice(_noise.Context, pair.Key, pair.Value, symbol, index), StringComparer.Ordinal);
            OperatorSettings settings = symbol switch
            {
                "M" => SettingsOf(_tensors.Definition, Step, [("nheads", 1)], _tensors.Settings),
                "L" => SettingsOf(_tensors.Definition, Step, [("num_feature_levels", 1)], _tensors.Settings),
                "P" => SettingsOf(_tensors.Definition, Step, [("n_points", 1)], _tensors.Settings),
                "N" => SettingsOf(_tensors.Definition, Step, [("picture", 0)], _tensors.Settings),
                _ => _tensors.Settings,
            };
            Dictionary<string, Tensor> inputs = Sliced(_tensors.Inputs);
            Dictionary<string, Tensor> weights = Sliced(_tensors.Weights);
            OperatorTensors cut = OperatorTensors.Bind(
                _tensors.Definition, settings, _tensors.Source, inputs.GetValueOrDefault, weights.GetValueOrDefault);
            return (cut, slices.Slice(_noise.Context, output.Name, _port, symbol, index));
        }
        catch (InvalidDataException)
        {
            // The operator doesn't run on such a part of its tensors.
            return null;
        }
    }

    private (double Error, int At, Quantity Right) Measure(OperatorTensors tensors, Tensor port)
    {
        try
        {
            Quantity right = tensors.Evaluate(_noise)[0].Made;
            if (right.Shape != port.Shape)
            {
                return (0, -1, right);
            }

            if (right.Tensor is Tensor<double> real && port is Tensor<double> its)
            {
                ErrorMeasure error = ErrorMeasure.InNoise(_noise.Context, its, real, right.Noise, null);
                return (error.Largest, error.At, right);
            }

            for (int at = 0; at < port.Length; at++)
            {
                if (Number(port, at) != Number(right.Tensor, at))
                {
                    return (double.PositiveInfinity, at, right);
                }
            }

            return (0, -1, right);
        }
        catch (InvalidDataException)
        {
            return (0, -1, new Quantity(port));
        }
    }

    private static double Number(Tensor tensor, int at) => TermKinds.At(tensor, OperatorCheck.Index(tensor.Shape, at));

    private static string? NameOf(IReadOnlyList<OperatorTensor> tensors, string role)
    {
        foreach (OperatorTensor tensor in tensors)
        {
            if (tensor.Role == role)
            {
                return tensor.Name;
            }

            if (tensor.IsList && int.TryParse(role[(role.LastIndexOf('.') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int index)
                && tensor.RoleOf(index) == role)
            {
                return tensor.NameOf(index);
            }
        }

        return null;
    }

    private static Dictionary<string, long> Symbols(StepOptions options)
    {
        Dictionary<string, long> symbols = new(StringComparer.Ordinal);
        foreach ((string symbol, int size) in new[] { ("M", options.Heads), ("L", options.Levels), ("P", options.Points) })
        {
            if (size > 0)
            {
                symbols[symbol] = size;
            }
        }

        return symbols;
    }

    // A definition's settings as a step has them; those that change win.
    private static OperatorSettings SettingsOf(
        OperatorDefinition definition, Step step, IReadOnlyList<(string Name, int Value)> changed, OperatorSettings? before = null)
    {
        JsonObject settings = [];
        StepOptions o = step.Options;
        foreach (OperatorSetting setting in definition.Settings)
        {
            int at = Enumerable.Range(0, changed.Count).FirstOrDefault(index => changed[index].Name == setting.Name, -1);
            if (at >= 0)
            {
                settings[setting.Name] = changed[at].Value;
                continue;
            }

            if (before is not null)
            {
                settings[setting.Name] = JsonNode.Parse(before.All.First(pair => pair.Key == setting.Name).Value.GetRawText());
                continue;
            }

            settings[setting.Name] = setting.Name switch
            {
                "nheads" => o.Heads,
                "num_feature_levels" => o.Levels,
                "n_points" => o.Points,
                "hidden_dim" => o.Channels,
                "num_queries" => o.Queries,
                "half" => o.Half,
                "picture" => Math.Max(0, o.Picture),
                "stride" => o.Window.Stride,
                "padding" => o.Window.Padding,
                "dilation" => o.Window.Dilation,
                "groups" => o.Window.Groups,
                "relu" => o.Activates,
                "activation" => !o.Activates ? "none" : o.Activation == Activation.Gelu ? "gelu" : "relu",
                _ => setting.Default is null ? null : JsonNode.Parse(setting.Default),
            };
        }

        JsonFile file = JsonFile.Parse(step.Name, settings.ToJsonString());
        return new OperatorSettings(file, file.Root, definition.Name, definition.Settings);
    }
}
