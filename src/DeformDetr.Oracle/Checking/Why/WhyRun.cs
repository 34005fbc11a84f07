using System.Globalization;
using System.Text.RegularExpressions;
using DeformDetr.Reference;
using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>What to explain.</summary>
/// <param name="Address">A tensor's name and an element's index: <c>pred_boxes[0,12,3]</c>.</param>
/// <param name="Inputs">Pictures, or one tensor file with samples.tensor and samples.mask.</param>
/// <param name="Weights">Where the weights come from.</param>
/// <param name="Config">Sizes and variant.</param>
/// <param name="Preprocess">How pictures are resized.</param>
/// <param name="Port">A port's dump under the contract's names; null for none.</param>
/// <param name="Threads">How many threads.</param>
public sealed record WhyRequest(
    string Address, IReadOnlyList<string> Inputs, WeightSource Weights, DeformableDetrConfig Config, PreprocessOptions Preprocess,
    string? Port, int Threads);

/// <summary>Finds the terms that make one number of a model.</summary>
public static partial class WhyRun
{
    // In float64, of the magnitudes that are added up.
    private const double Allowed = 1e-12;

    /// <summary>Runs the steps that the number needs, in float64, and takes it apart.</summary>
    /// <param name="request">What to explain.</param>
    /// <param name="progress">Told the name of every tensor before it is computed; null for nobody.</param>
    /// <exception cref="InvalidDataException">Bad weights, input or address, in one line.</exception>
    public static Explanation Run(WhyRequest request, Action<string>? progress = null)
    {
        (string name, int[] index) = Parse(request.Address);
        using PortDump? port = request.Port is null ? null : PortDump.Open(request.Port, null, DumpDType.Float32);
        CheckModel model = CheckModel.Load(request.Inputs, request.Weights, request.Config, request.Preprocess);
        return Run(model, name, index, request.Threads, port, progress);
    }

    internal static Explanation Run(
        CheckModel model, string name, int[] index, int threads, PortDump? port = null, Action<string>? progress = null)
    {
        if (!model.Graph.TryFind(name, out Step? asked))
        {
            throw new InvalidDataException($"why: no tensor is called '{name}' in this model; expected a name of docs/shapes.md.");
        }

        if (index.Length != asked!.Axes.Count)
        {
            throw new InvalidDataException(
                $"why: {name} has the axes [{string.Join(", ", asked.Axes)}], {Text(index)} holds {index.Length}; expected one index per axis.");
        }

        List<string> copies = [];
        Step step = asked;
        while (ReferenceEquals(step.Kind, StepKinds.Copy))
        {
            step = model.Graph[step.Inputs[0].Value];
            copies.Add(step.Name);
        }

        using StepRun run = model.Run(new ReferenceAlgebra<double>(OperatorContext.Frugal(Kernels.Simd, threads)));
        Quantity made = Evaluate(model.Graph, run, step, progress);
        for (int axis = 0; axis < index.Length; axis++)
        {
            if ((uint)index[axis] >= (uint)made.Shape[axis])
            {
                throw new InvalidDataException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"why: {name}{Text(index)} holds {index[axis]} on the axis {asked.Axes[axis]}; expected less than {made.Shape[axis]} (its shape is {made.Shape})."));
            }
        }

        Explanation explanation = Explain(asked, copies, step, run.Inputs(step), index, TermKinds.At(made, index));
        return port is null ? explanation : explanation with { Port = OfPort(explanation, step, run, index, made, port) };
    }

    internal static (string Name, int[] Index) Parse(string address)
    {
        Match match = Address().Match(address);
        int[] index = match.Success
            ? [.. match.Groups[2].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Number)]
            : [];
        return match.Success && !index.Contains(-1)
            ? (match.Groups[1].Value, index)
            : throw new InvalidDataException($"why: '{address}' is no element; expected a tensor's name and an index, such as pred_boxes[0,12,3].");

        static int Number(string word) =>
            int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : -1;
    }

    internal static Explanation Explain(
        Step asked, IReadOnlyList<string> copies, Step step, StepInputs inputs, int[] index, double value)
    {
        TermSum sum = TermKinds.Of(inputs, index)
            ?? new TermSum($"{step.Kind} of {string.Join(", ", step.Inputs.Select(input => input.Value))}").Add("the number", value);
        double result = sum.Finish(sum.Sum);
        double magnitude = sum.Terms.Sum(term => Math.Abs(term.Value)) + sum.Hidden + Math.Abs(value);
        double difference = result == value || (double.IsNaN(result) && double.IsNaN(value)) ? 0 : Math.Abs(result - value);
        return new Explanation(
            asked.Name, index, asked.Axes, copies, step.Kind.Name, value, sum.Equation, sum.Figures,
            [.. sum.Terms.OrderByDescending(term => double.IsNaN(term.Value) ? double.PositiveInfinity : Math.Abs(term.Value))], sum.Sum, result,
            difference, double.IsFinite(magnitude) ? Allowed * magnitude : 0, null);
    }

    // The step's own tensor, after those that it is made from.
    private static Quantity Evaluate(StepGraph graph, StepRun run, Step target, Action<string>? progress)
    {
        HashSet<string> needed = new(StringComparer.Ordinal);
        Stack<Step> open = new([target]);
        while (open.TryPop(out Step? step))
        {
            foreach ((_, string input) in step.Inputs)
            {
                if (input != step.Name && graph.TryFind(input, out Step? maker) && needed.Add(input))
                {
                    open.Push(maker!);
                }
            }
        }

        foreach (Step step in graph.Steps)
        {
            if (needed.Contains(step.Name))
            {
                progress?.Invoke(step.Name);
                run.Put(step, run.Evaluate(step));
                run.Finish(step);
            }
        }

        progress?.Invoke(target.Name);
        return run.Evaluate(target);
    }

    // The same element from the port's own inputs, as far as its dump has them.
    private static PortExplanation OfPort(Explanation ours, Step step, StepRun run, int[] index, Quantity made, PortDump port)
    {
        List<string> absent = [];
        StepInputs own = run.Inputs(step);
        StepInputs its = own;
        foreach ((string role, string name) in step.Inputs)
        {
            if (Read(port, name, own[role].Tensor) is { } tensor)
            {
                its = its.With(role, new Quantity(tensor));
            }
            else
            {
                absent.Add(name);
            }
        }

        // Under the asked name first: a dump may have only one of two names of a tensor.
        Tensor? has = Read(port, ours.Name, made.Tensor) ?? Read(port, step.Name, made.Tensor);
        TermSum? sum = TermKinds.Of(its, index);
        Dictionary<string, Term> terms = new(StringComparer.Ordinal);
        foreach (Term term in sum?.Terms ?? [])
        {
            terms.TryAdd(term.Label, term);
        }

        return new PortExplanation(
            has is null ? double.NaN : TermKinds.At(has, index), sum is null ? double.NaN : sum.Finish(sum.Sum),
            [.. ours.Terms.Select(term => terms.GetValueOrDefault(term.Label))], absent);
    }

    private static Tensor? Read(PortDump port, string name, Tensor like) => like switch
    {
        _ when !port.Contains(name) => null,
        Tensor<double> => port.ReadReal(name, like.Shape, out _),
        Tensor<long> => port.ReadIntegers(name, like.Shape, out _),
        Tensor<bool> => port.ReadMask(name, like.Shape, out _),
        Tensor<byte> => port.ReadBytes(name, like.Shape, out _),
        _ => null,
    };

    private static string Text(int[] index) => $"[{string.Join(", ", index)}]";

    [GeneratedRegex(@"^([^\[\]]+)\[([0-9,\s]*)\]$")]
    private static partial Regex Address();
}
