using System.Diagnostics;
using System.Globalization;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>A port's single operator to judge.</summary>
/// <param name="Operator">The operator and what it was run on.</param>
/// <param name="Port">The port's outputs under their names: .safetensors, .npz or a folder of .npy.</param>
/// <param name="Map">A map of names by its word or its file; null where the dump has the operator's names.</param>
/// <param name="PortDType">The precision that the port is judged by.</param>
/// <param name="Threads">How many threads.</param>
public sealed record OperatorCheckRequest(OperatorRequest Operator, string Port, string? Map, DumpDType PortDType, int Threads);

/// <summary>
/// Judges a port's single operator or layer. Of a layer, each tensor that the port gives is judged on its own inputs: those before it that
/// the port gives too.
/// </summary>
public static class OperatorCheck
{
    /// <summary>Checks. Nothing is written, and the inputs are only read.</summary>
    /// <param name="request">What to check.</param>
    /// <exception cref="InvalidDataException">Bad input, weights or dump, in one line that names file and tensor.</exception>
    public static CheckReport Run(OperatorCheckRequest request)
    {
        Stopwatch clock = Stopwatch.StartNew();
        using PortDump port = PortDump.Open(
            request.Port, request.Map is null ? null : NameMap.Load(request.Map), request.PortDType);
        OperatorTensors tensors = OperatorLoader.Load(request.Operator);
        return Run(tensors, port, request, clock);
    }

    internal static CheckReport Run(OperatorTensors tensors, PortDump port, OperatorCheckRequest request, Stopwatch clock)
    {
        NoiseAlgebra noise = Noise(request.PortDType, request.Threads);
        Diagnoser diagnoser = new(noise, MistakeCatalogue.All);
        OperatorTensors.Evaluation evaluation = new(tensors, noise);
        List<TensorCheck> checks = [];

        int spanned = 0;
        foreach (Step step in tensors.Steps)
        {
            Quantity right = evaluation.Evaluate(step);
            Step worded = step with { Axes = AxisWords.Fill(step.Axes, right.Shape.Rank) };
            if (tensors.Definition.IsLayer && step != tensors.Steps[^1] && !port.Contains(step.Name))
            {
                evaluation.Put(step, right);
                spanned++;
                continue;
            }

            (TensorCheck check, Tensor? its) = Judge(worded, evaluation.Inputs(step), right, port);
            if (check.Status == CheckStatus.Wrong)
            {
                check = Explain(diagnoser, worded, check, evaluation.Inputs(step), right, its!);
            }

            checks.Add(check with { Spanned = spanned });
            spanned = 0;
            evaluation.Put(step, its is null || check.Status == CheckStatus.Broken ? right : new Quantity(its));
        }

        string settings = string.Join(
            ", ", tensors.Settings.All.Select(pair => $"\"{pair.Key}\": {pair.Value.GetRawText()}"));
        return new CheckReport(
            port.Path, request.Operator.Weights?.Text ?? "", request.Operator.Input is null ? [] : [request.Operator.Input],
            $"{{\"operator\": \"{tensors.Definition.Name}\"{(settings.Length == 0 ? "" : $", {settings}")}}}", request.PortDType.Word(), checks,
            port.Extra(tensors.Steps.Select(step => step.Name)), [], [], clock.Elapsed.TotalSeconds);
    }

    internal static NoiseAlgebra Noise(DumpDType dtype, int threads) => new(new OperatorContext(Kernels.Simd, threads), dtype switch
    {
        DumpDType.Float16 => NoiseUnit.Float16,
        DumpDType.BFloat16 => NoiseUnit.BFloat16,
        _ => NoiseUnit.Float32,
    });

    // The verdict on one output, and the port's tensor where it can be read.
    internal static (TensorCheck Check, Tensor? Port) Judge(Step step, StepInputs inputs, Quantity right, PortDump port)
    {
        TensorCheck check = new(
            step.Name, port.PortNameOf(step.Name), step.Kind.Name, right.Shape, step.Axes, CheckStatus.Right, null, 0, double.NaN, 0, 0, null, null,
            null);
        string? fault = null;
        Tensor? its = right.Tensor switch
        {
            Tensor<double> => port.ReadReal(step.Name, right.Shape, out fault),
            Tensor<long> => port.ReadIntegers(step.Name, right.Shape, out fault),
            Tensor<bool> => port.ReadMask(step.Name, right.Shape, out fault),
            Tensor<byte> => port.ReadBytes(step.Name, right.Shape, out fault),
            Tensor<float> => port.ReadReal(step.Name, right.Shape, out fault),
            _ => null,
        };
        if (its is Tensor<double> real && right.Tensor is Tensor<double> expected)
        {
            fault ??= ValueFaults.Of(real, expected, port.DType)?.Text;
        }

        if (its is null || fault is not null)
        {
            return (check with { Status = check.PortName is null ? CheckStatus.Absent : CheckStatus.Broken, Fault = fault ?? "is absent" }, its);
        }

        return (Compare(step, inputs, check, its, right, port), its);
    }

    private static TensorCheck Compare(Step step, StepInputs inputs, TensorCheck check, Tensor its, Quantity right, PortDump port)
    {
        if (its is Tensor<double> real)
        {
            ErrorMeasure error = ErrorMeasure.InNoise(new OperatorContext(Kernels.Simd, 1), real, right.Real, right.Noise, null);
            check = check with
            {
                Injected = error.Largest,
                Status = error.Largest <= 1 ? CheckStatus.Right : CheckStatus.Wrong,
                Worst = error.At < 0 ? null : new WorstElement(
                    Index(real.Shape, error.At), real.AsReadOnlySpan()[error.At], right.Real.AsReadOnlySpan()[error.At],
                    right.Noise?.AsReadOnlySpan()[error.At] ?? 0),
            };
        }
        else
        {
            check = Exactly(check, its, right.Tensor);
        }

        return check.Status == CheckStatus.Right ? check : AsRanking(step, inputs, check, its, port);
    }

    private static TensorCheck Exactly(TensorCheck check, Tensor port, Tensor right)
    {
        for (int at = 0; at < right.Length; at++)
        {
            int[] index = Index(right.Shape, at);
            (double its, double expected) = (TermKinds.At(port, index), TermKinds.At(right, index));
            if (its != expected)
            {
                return check with
                {
                    Status = CheckStatus.Wrong,
                    Injected = double.PositiveInfinity,
                    Worst = new WorstElement(index, its, expected, 0),
                };
            }
        }

        return check;
    }

    // Equal scores may change places.
    private static TensorCheck AsRanking(Step step, StepInputs inputs, TensorCheck check, Tensor its, PortDump port)
    {
        RankingVerdict? verdict = null;
        if (ReferenceEquals(step.Kind, StepKinds.TopKProposals))
        {
            Tensor<double> scores = inputs["enc_outputs_class"].Real;
            Tensor<double> first = new([scores.Shape[0], scores.Shape[1]]);
            for (int at = 0; at < first.Length; at++)
            {
                first.AsSpan()[at] = scores.AsReadOnlySpan()[at * scores.Shape[2]];
            }

            verdict = RankingCheck.TopK((Tensor<long>)its, first, null);
        }
        else if (step.Kind.Name == "top-k indices" && its.Shape.Rank > 0)
        {
            Tensor<double> scores = inputs["x"].Real;
            int rows = its.Length / Math.Max(1, its.Shape[^1]);
            verdict = RankingCheck.TopK(
                ((Tensor<long>)its).Reshape([rows, its.Shape[^1]]), scores.Reshape([rows, scores.Shape[^1]]), null);
        }
        else if (step.Kind == StepKinds.ResultScores || step.Kind == StepKinds.ResultLabels || step.Kind == StepKinds.ResultBoxes)
        {
            verdict = Results(step, inputs, check.Shape[0], port);
        }

        if (verdict is null)
        {
            return check;
        }

        string? said = verdict.Right ? verdict.Notes.FirstOrDefault() : verdict.Faults.FirstOrDefault();
        return check with
        {
            Injected = verdict.Worst,
            Status = verdict.Right ? CheckStatus.Right : CheckStatus.Wrong,
            Fault = said,
            Worst = verdict.Right ? null : check.Worst,
        };
    }

    // A picture's detections together, where the port gives all three tensors and what they are made from.
    private static RankingVerdict? Results(Step step, StepInputs inputs, int ranks, PortDump port)
    {
        string prefix = string.Create(CultureInfo.InvariantCulture, $"results.{step.Options.Picture}.");
        if (!inputs.Has("pred_boxes")
            || port.ReadReal($"{prefix}scores", [ranks], out _) is not { } scores
            || port.ReadIntegers($"{prefix}labels", [ranks], out _) is not { } labels
            || port.ReadReal($"{prefix}boxes", [ranks, 4], out _) is not { } boxes)
        {
            return null;
        }

        (Tensor<double> logits, Tensor<double> predBoxes) = (inputs["pred_logits"].Real, inputs["pred_boxes"].Real);
        Tensor<long> sizes = inputs["target_sizes"].Whole;
        (Tensor<double> scoreNoise, Tensor<double> boxNoise) = RankingCheck.ResultsNoise(logits, predBoxes, sizes, port.DType.Epsilon());
        return RankingCheck.Results(step.Options.Picture, scores, labels, boxes, logits, predBoxes, sizes, scoreNoise, boxNoise);
    }

    private static TensorCheck Explain(
        Diagnoser diagnoser, Step step, TensorCheck check, StepInputs inputs, Quantity right, Tensor port)
    {
        Diagnosis? diagnosis;
        try
        {
            diagnosis = diagnoser.Diagnose(step, inputs, right, port);
        }
        catch (KeyNotFoundException)
        {
            // A mistake wants a tensor that the operator isn't given here.
            diagnosis = null;
        }

        return check with
        {
            Anatomy = port is Tensor<double> real ? ErrorAnatomist.Examine(step, real, right, null) : null,
            Diagnosis = diagnosis,
        };
    }

    internal static int[] Index(TensorShape shape, int at)
    {
        int[] index = new int[shape.Rank];
        for (int axis = shape.Rank - 1; axis >= 0; axis--)
        {
            index[axis] = at % shape[axis];
            at /= shape[axis];
        }

        return index;
    }
}
