using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// What the reference makes of a law's input in float64, with what rounding in another precision may do to each number.
internal static class LawTruth
{
    private const string FirstOfTransformer = "transformer.src_flatten";

    public static IReadOnlyDictionary<string, Quantity> Of(LawInput input, NoiseUnit unit)
    {
        RoundedInputs algebra = new(new NoiseAlgebra(new OperatorContext(Kernels.Simd), unit), input);
        return input.Target switch
        {
            "transformer" or "model" => Steps(input, algebra),
            _ => Tensors(input).Evaluate(algebra).ToDictionary(made => made.Step.Name, made => made.Made, StringComparer.Ordinal),
        };
    }

    // A target that is an operator of the catalogue, with the input's tensors.
    public static OperatorTensors Tensors(LawInput input)
    {
        JsonFile file = JsonFile.Parse(input.Target, input.Config);
        OperatorDefinition definition = OperatorCatalogue.Find(input.Target)
            ?? throw new InvalidDataException($"laws: '{input.Target}' is unknown; expected a target or a name of 'deform-detr op --list'.");
        // The contract names the width, which the tensors have anyway.
        OperatorSettings settings = input.Target == AttentionLaws.Target
            ? new(file, file.Root, input.Target, definition.Settings, "hidden_dim")
            : new(file, file.Root, input.Target, definition.Settings);
        return OperatorTensors.Bind(definition, settings, input.Target, input.Tensors.GetValueOrDefault, input.Tensors.GetValueOrDefault);
    }

    private static Dictionary<string, Quantity> Steps(LawInput input, Algebra algebra)
    {
        JsonFile file = JsonFile.Parse(input.Target, input.Config);
        DeformableDetrConfig config = ConfigReader.Read(file, file.Root);
        int results = input.Tensors.TryGetValue(StepGraph.TargetSizes, out Tensor? sizes) ? sizes.Shape[0] : 0;
        StepGraph graph = StepGraph.Build(config, pictures: 0, results);
        Dictionary<string, Quantity> made = new(StringComparer.Ordinal);
        Dictionary<string, Quantity> given = new(StringComparer.Ordinal);
        IEnumerable<Step> steps = input.Target == "model"
            ? graph.Steps
            : graph.Steps.SkipWhile(step => step.Name != FirstOfTransformer);
        foreach (Step step in steps)
        {
            made[step.Name] = step.Kind.Evaluate(algebra, new StepInputs(step, name => made.TryGetValue(name, out Quantity? quantity) ? quantity : Given(name), Given));
        }

        return made;

        Quantity Given(string name)
        {
            if (!given.TryGetValue(name, out Quantity? quantity))
            {
                given.Add(name, quantity = algebra.Given(input.Tensors[name]));
            }

            return quantity;
        }
    }

    // Inputs that were rounded to float32 err by that.
    private sealed class RoundedInputs(NoiseAlgebra inner, LawInput input) : DelegatingAlgebra(inner)
    {
        private readonly HashSet<Tensor> _rounded = [.. input.Rounded.Select(name => input.Tensors[name])];

        public override Quantity Given(Tensor tensor)
        {
            Quantity given = base.Given(tensor);
            return _rounded.Contains(tensor)
                ? new Quantity(given.Tensor, Measured.Around(given.Shape, _ => 0, i => Math.ScaleB(Math.Abs(given.Real.AsReadOnlySpan()[i]), -24)).Noise)
                : given;
        }
    }
}
