using System.Globalization;
using DeformDetr.Reference;
using DeformDetr.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeformDetr.Oracle;

// One check: the free run, and the forced run in which every tensor of the port takes its place as soon as it has been judged, so that each
// step is judged on the port's own inputs. Holds little more than a few tensors of each run; a dump is read tensor by tensor.
internal sealed class CheckRun
{
    // A span of steps that the dump leaves out has a bound that grows with each of them. Until a first step is wrong, the errors of correct
    // implementations say more: no element may be further off than so many times the largest of theirs.
    private const double SpanFactor = 4;

    // From which score on `detect` shows a detection.
    private const double DetectionThreshold = 0.3;

    // Bytes between two collections.
    private const long Garbage = 1L << 27;

    private readonly CheckModel _model;
    private readonly IPortTensors _port;
    private readonly CheckTools _tools;
    private readonly CheckListeners? _listeners;
    private readonly OperatorContext _context;
    private readonly StepRun _forced;
    private readonly SharperNoise _sharper;
    private readonly DuplicateFinder _duplicates;
    private readonly List<DecisionMargin> _decisions = [];

    // The steps before and with a tensor that the dump leaves out; none for one that it has.
    private readonly Dictionary<string, HashSet<string>> _spans = new(StringComparer.Ordinal);

    // For every query of the port, the query of the free run that looks at the same proposal; -1 where none does.
    private int[]? _partners;
    private Tensor<long>? _spatialShapes;

    // The noise of the scores that proposals and detections are ranked by.
    private Tensor<double>? _scoreNoise;

    // The masks, as the free run has them.
    private readonly Dictionary<string, Tensor<bool>> _masks = new(StringComparer.Ordinal);
    private bool _wrongBefore;

    private CheckRun(CheckModel model, IPortTensors port, CheckTools tools, CheckListeners? listeners)
    {
        _listeners = listeners;
        _model = model;
        _port = port;
        _tools = tools;
        _context = tools.Forced.Context;
        _duplicates = new DuplicateFinder(_context);
        _sharper = new SharperNoise(tools.Chain);
        _forced = model.Run(tools.Forced, name => port.Peek(name) is { } tensor ? new Quantity(tensor) : null);
    }

    // What is said of every tensor, and of the decisions on the way. Progress is told every name.
    public static (IReadOnlyList<TensorCheck> Tensors, IReadOnlyList<DecisionMargin> Decisions) Run(
        CheckModel model, IPortTensors port, CheckTools tools, Action<string>? progress = null, CheckListeners? listeners = null)
    {
        CheckRun run = new(model, port, tools, listeners);
        using FreeRun free = new(model, tools.Truth, tools.Members);
        using StepRun forced = run._forced;
        List<TensorCheck> tensors = [];
        long collected = GC.GetTotalAllocatedBytes();
        foreach (Step step in model.Graph.Steps)
        {
            progress?.Invoke(step.Name);
            (Quantity truth, double noise) = free.Evaluate(step, shape => run.Padding(step.Name, shape));
            if (truth.Tensor is Tensor<bool> mask)
            {
                run._masks[step.Name] = mask.Clone();
            }

            tensors.Add(run.Check(step, truth, noise));
            free.Finish(step);
            forced.Finish(step);
            if (GC.GetTotalAllocatedBytes() - collected > Garbage)
            {
                // Buffers that no step has needed for long, and tensors that aren't rented, are large: left to itself, the collector lets
                // gigabytes of them lie.
                GC.Collect();
                collected = GC.GetTotalAllocatedBytes();
            }
        }

        return ([.. tensors.Select(run.Shared)], run._decisions);
    }

    // A buffer that all layers share holds the last one's tensor: the earlier ones are known to be its when it is there.
    private TensorCheck Shared(TensorCheck check) =>
        check.Status == CheckStatus.Wrong && !Computed(check) && _duplicates.Twin(check.Name) is { } other
            ? check with { Status = CheckStatus.Broken, Fault = DuplicateFinder.Fault(other).Text }
            : check;

    private TensorCheck Check(Step step, Quantity truth, double freeNoise)
    {
        Quantity right;
        string? refused = null;
        try
        {
            right = _forced.Evaluate(step);
        }
        catch (Exception exception) when (Diagnoser.IsRefusal(exception))
        {
            // What the port has leads nowhere, such as a mask that covers everything: from here on, the truth stands in.
            refused = $"can't be computed from the port's own inputs: {exception.Message}";
            right = new Quantity(truth.Tensor.CloneUntyped());
        }

        HashSet<string> span = new(StringComparer.Ordinal);
        foreach ((_, string input) in step.Inputs)
        {
            span.UnionWith(_spans.GetValueOrDefault(input) ?? []);
        }

        int spanned = span.Count;
        TensorCheck check = new(
            step.Name, _port.PortNameOf(step.Name), step.Kind.Name, right.Shape, step.Axes, CheckStatus.Right, null, 0, double.NaN, 0, spanned,
            null, null, null);
        if (refused is not null)
        {
            _spans[step.Name] = [.. span, step.Name];
            _forced.Put(step, right);
            _wrongBefore = true;
            return check with { Status = check.PortName is null ? CheckStatus.Absent : CheckStatus.Broken, Fault = refused };
        }

        Tensor? port = Read(step.Name, right.Tensor, out string? fault);
        if (port is null)
        {
            _spans[step.Name] = [.. span, step.Name];
            _forced.Put(step, right);
            CheckStatus missing = check.PortName is null ? CheckStatus.Absent : CheckStatus.Broken;
            _wrongBefore |= missing == CheckStatus.Broken;
            if (missing == CheckStatus.Absent)
            {
                _listeners?.Absent?.Invoke(step.Name, truth.Tensor);
            }

            return check with { Status = missing, Fault = fault };
        }

        double share = spanned == 0 && _port.DType == DumpDType.Float32 ? _sharper.Share(step, _forced.Inputs(step), right) : 1;
        Scale(right, share);
        bool capped = spanned > 0 && !_wrongBefore && _tools.Members.Count > 0;
        right = Stored(right, capped ? SpanFactor * freeNoise : double.PositiveInfinity);
        Tensor<bool>? padding = Padding(step.Name, right.Shape);
        check = port switch
        {
            Tensor<double> real => Real(step, check, real, right, truth, freeNoise, padding),
            Tensor<long> whole => Whole(step, check, whole, right),
            Tensor<bool> mask => Exact(check, mask.AsReadOnlySpan(), right.Mask.AsReadOnlySpan(), value => value ? 1 : 0),
            Tensor<byte> bytes => Exact(check, bytes.AsReadOnlySpan(), ((Tensor<byte>)right.Tensor).AsReadOnlySpan(), value => value),
            _ => throw new NotSupportedException($"check: elements of {port.ElementType.Word()}."),
        };

        // An error that is finite in units of noise has no NaN in it, and no infinity that isn't right. Rankings have other units.
        bool placed = !IsRanked(step) && double.IsFinite(check.Injected) && double.IsFinite(check.Padding);
        ValueFault? unfit = port is Tensor<double> numbers
            ? ValueFaults.Of(numbers, right.Real, _port.DType, padding, _context, placed)
            : null;

        // Another tensor's bits are a fault where they are wrong; tensors that rounding can't tell apart may be equal.
        if (_duplicates.Offer(step.Name, port, truth.Tensor) is { } earlier && check.Status == CheckStatus.Wrong)
        {
            unfit ??= DuplicateFinder.Fault(earlier);
        }

        if (unfit is not null)
        {
            check = check with { Status = CheckStatus.Broken, Fault = unfit.Text };
        }

        if (check.Status != CheckStatus.Right)
        {
            _wrongBefore = true;
            // Mistakes are judged as sharply as the step is.
            _tools.Forced.SumShare = share;
            check = Explain(step, check, port, right);
            _tools.Forced.SumShare = 1;
            if (check.Status == CheckStatus.Wrong)
            {
                _listeners?.Wrong?.Invoke(step, _forced.Inputs(step), port, _tools.Forced);
            }
        }

        // NaN would spread, and hide what comes after it. A buffer of zeros, of one number, or of another tensor is a dump's fault, unless a
        // mistake is known that computes it.
        if (unfit is not null && port is Tensor<double> some && (HasNaN(some.AsReadOnlySpan()) || (unfit.IsBuffer && !Computed(check))))
        {
            _spans[step.Name] = [.. span, step.Name];
            _forced.Put(step, right);
            _forced.Drop(new Quantity(port));
            return check;
        }

        _spans.Remove(step.Name);
        Decide(step, port, right, truth);
        _forced.Put(step, new Quantity(port));
        _forced.Drop(right);
        return check;
    }

    private static bool Computed(TensorCheck check) =>
        check.Diagnosis is { Findings: [{ After: <= 1 } first, ..] } && MistakeCatalogue.Has(first.Mistake);

    private static bool HasNaN(ReadOnlySpan<double> values)
    {
        foreach (double value in values)
        {
            if (double.IsNaN(value))
            {
                return true;
            }
        }

        return false;
    }

    // A dump in half precision rounds every tensor once more, those too that are only moved. No noise is larger than the most.
    private Quantity Stored(Quantity right, double most)
    {
        if ((_port.DType == DumpDType.Float32 && most == double.PositiveInfinity) || right.Tensor is not Tensor<double> values)
        {
            return right;
        }

        NoiseUnit unit = _tools.Forced.Unit;
        double again = _port.DType == DumpDType.Float32 ? 0 : unit.Epsilon;
        Tensor<double> noise = _context.Rent<double>(values.Shape);
        _context.Split(values.Length, 1 << 14, (first, last) =>
        {
            ReadOnlySpan<double> stored = values.AsReadOnlySpan();
            ReadOnlySpan<double> own = right.Noise is null ? [] : right.Noise.AsReadOnlySpan();
            Span<double> all = noise.AsSpan();
            for (int i = first; i < last; i++)
            {
                double before = own.IsEmpty ? 0 : own[i];
                all[i] = Math.Min(unit.Settle(before + (again * Math.Abs(stored[i])), stored[i]), most);
            }
        });
        if (right.Noise is not null)
        {
            _forced.Drop(new Quantity(right.Noise));
        }

        return new Quantity(values, noise);
    }

    // The noise is the step's own and nobody else's yet.
    private void Scale(Quantity right, double share)
    {
        if (share < 1)
        {
            _context.Split(right.Tensor.Length, 1 << 14, (first, last) =>
            {
                Span<double> noise = right.Noise!.AsSpan()[first..last];
                TensorPrimitives.Multiply(noise, share, noise);
            });
        }
    }

    private TensorCheck Real(
        Step step, TensorCheck check, Tensor<double> port, Quantity right, Quantity truth, double freeNoise, Tensor<bool>? padding)
    {
        ErrorMeasure injected = ErrorMeasure.InNoise(_context, port, right.Real, right.Noise, padding);
        check = check with { Arrived = Arrived(step, port, truth.Real, freeNoise, padding), Padding = injected.Padding };
        if (IsRanked(step))
        {
            return Ranked(step, check, port, injected, right);
        }

        return check with
        {
            Injected = injected.Largest,
            Status = injected.Largest <= 1 ? CheckStatus.Right : CheckStatus.Wrong,
            Worst = Worst(port.Shape, injected.At, port, right),
        };
    }

    private static bool IsRanked(Step step) =>
        ReferenceEquals(step.Kind, StepKinds.ResultScores) || ReferenceEquals(step.Kind, StepKinds.ResultBoxes);

    private TensorCheck Whole(Step step, TensorCheck check, Tensor<long> port, Quantity right)
    {
        if (ReferenceEquals(step.Kind, StepKinds.TopKProposals))
        {
            StepInputs inputs = _forced.Inputs(step);
            Quantity scores = StepKinds.ProposalScores(_tools.Forced, inputs["enc_outputs_class"]);
            RankingVerdict verdict = RankingCheck.TopK(port, scores.Real, scores.Noise);
            return Verdict(check, verdict.Right, verdict.Worst, verdict.Faults, verdict.Notes);
        }

        check = Exact(check, port.AsReadOnlySpan(), right.Whole.AsReadOnlySpan(), value => value);
        return check.Status == CheckStatus.Wrong && ReferenceEquals(step.Kind, StepKinds.ResultLabels)
            ? Ranked(step, check, port, default, right)
            : check;
    }

    // A detection stands for a query and a class, whichever place it has: all three tensors of a picture are judged together, and each says
    // what concerns it.
    private TensorCheck Ranked(Step step, TensorCheck check, Tensor port, ErrorMeasure injected, Quantity right)
    {
        if (port is Tensor<double> plain && injected.Largest <= 1)
        {
            return check with { Injected = injected.Largest, Worst = Worst(plain.Shape, injected.At, plain, right) };
        }

        StepInputs inputs = _forced.Inputs(step);
        string prefix = string.Create(CultureInfo.InvariantCulture, $"results.{step.Options.Picture}.");
        int ranks = right.Shape[0];
        Tensor<double>? scores = Given<Tensor<double>>("scores", name => _port.ReadReal(name, [ranks], out _));
        Tensor<long>? labels = Given<Tensor<long>>("labels", name => _port.ReadIntegers(name, [ranks], out _));
        Tensor<double>? boxes = Given<Tensor<double>>("boxes", name => _port.ReadReal(name, [ranks, 4], out _));
        if (scores is null || labels is null || boxes is null)
        {
            return check with { Injected = double.PositiveInfinity, Status = CheckStatus.Wrong };
        }

        (Tensor<double> logits, Tensor<double> predBoxes) = (inputs["pred_logits"].Real, inputs["pred_boxes"].Real);
        Tensor<long> sizes = inputs["target_sizes"].Whole;
        (Tensor<double> scoreNoise, Tensor<double> boxNoise) = RankingCheck.ResultsNoise(logits, predBoxes, sizes, _port.DType.Epsilon());
        RankingVerdict verdict = RankingCheck.Results(
            step.Options.Picture, scores, labels, boxes, logits, predBoxes, sizes, scoreNoise, boxNoise);
        return Verdict(check, verdict.Right, verdict.Worst, verdict.Faults, verdict.Notes);

        TTensor? Given<TTensor>(string part, Func<string, TTensor?> read)
            where TTensor : Tensor => step.Name == $"{prefix}{part}" ? (TTensor)port : read($"{prefix}{part}");
    }

    private static TensorCheck Verdict(TensorCheck check, bool right, double worst, IEnumerable<string> faults, IEnumerable<string> notes)
    {
        string? said = right ? notes.FirstOrDefault() : faults.FirstOrDefault();
        return check with { Injected = worst, Status = right ? CheckStatus.Right : CheckStatus.Wrong, Fault = said };
    }

    private static TensorCheck Exact<T>(TensorCheck check, ReadOnlySpan<T> port, ReadOnlySpan<T> right, Func<T, double> number)
        where T : unmanaged, IEquatable<T>
    {
        int at = port.CommonPrefixLength(right);
        if (at == port.Length)
        {
            return check with { Arrived = 0 };
        }

        return check with
        {
            Status = CheckStatus.Wrong,
            Injected = double.PositiveInfinity,
            Worst = new WorstElement(Index(check.Shape, at), number(port[at]), number(right[at]), 0),
        };
    }

    private TensorCheck Explain(Step step, TensorCheck check, Tensor port, Quantity right) => check with
    {
        Anatomy = ErrorAnatomist.Examine(step, port, right, _masks.GetValueOrDefault("transformer.mask_flatten"), _spatialShapes),
        Diagnosis = _tools.Diagnoser.Diagnose(step, _forced.Inputs(step), right, port),
    };

    // The error of the free run, in units of the largest error of correct implementations. Queries are compared with those that look at the
    // same proposals.
    private double Arrived(Step step, Tensor<double> port, Tensor<double> truth, double freeNoise, Tensor<bool>? padding)
    {
        if (step.Options.Picture >= 0 && step.Name.StartsWith("results.", StringComparison.Ordinal))
        {
            return double.NaN;
        }

        if (_partners is not null && step.Axes.Count > 1 && step.Axes[1] == "query")
        {
            (truth, padding) = Aligned(truth);
        }

        double error = ErrorMeasure.Absolute(_context, port, truth, padding).Largest;
        return error == 0 ? 0 : error / freeNoise;
    }

    private (Tensor<double> Truth, Tensor<bool> Unmatched) Aligned(Tensor<double> truth)
    {
        int queries = truth.Shape[1];
        int width = truth.Length / (truth.Shape[0] * queries);
        Tensor<double> aligned = new(truth.Shape);
        Tensor<bool> unmatched = new(truth.Shape);
        for (int query = 0; query < _partners!.Length; query++)
        {
            if (_partners[query] < 0)
            {
                unmatched.AsSpan().Slice(query * width, width).Fill(true);
            }
            else
            {
                int from = ((query / queries * queries) + _partners[query]) * width;
                truth.AsReadOnlySpan().Slice(from, width).CopyTo(aligned.AsSpan().Slice(query * width, width));
            }
        }

        return (aligned, unmatched);
    }

    private Tensor? Read(string name, Tensor expected, out string? fault) => expected switch
    {
        Tensor<double> => _port.ReadReal(name, expected.Shape, out fault, _context),
        Tensor<long> => _port.ReadIntegers(name, expected.Shape, out fault),
        Tensor<bool> => _port.ReadMask(name, expected.Shape, out fault),
        Tensor<byte> => _port.ReadBytes(name, expected.Shape, out fault),
        _ => throw new NotSupportedException($"check: elements of {expected.ElementType.Word()}."),
    };

    // Distances of what is decided here from deciding otherwise.
    private void Decide(Step step, Tensor placed, Quantity right, Quantity truth)
    {
        switch (placed)
        {
            case Tensor<double> when step.Name == $"class_embed.{_model.Config.DecLayers}" && right.Noise is not null:
                _scoreNoise = ((Tensor<double>)Moves.Pick(_context, right.Noise, 2, [0])).Reshape([right.Shape[0], right.Shape[1]]);
                break;
            case Tensor<long> chosen when step.Kind == StepKinds.TopKProposals:
                _partners = Partners(chosen, truth.Whole);
                Tensor<double> scores = StepKinds.ProposalScores(_tools.Forced, _forced.Inputs(step)["enc_outputs_class"]).Real;
                _decisions.AddRange(DecisionMargins.TopK(
                    step.Name, scores, _scoreNoise ?? new Tensor<double>(scores.Shape), step.Options.Queries, "token"));
                break;
            case Tensor<long> shapes when step.Kind == StepKinds.SpatialShapes:
                _spatialShapes = shapes;
                break;
            case Tensor<double> locations when step.Kind == StepKinds.SamplingLocations && right.Noise is not null:
                _decisions.AddRange(DecisionMargins.SamplingFloor(
                    step.Name, locations, right.Noise, _forced.Inputs(step)["spatial_shapes"].Whole));
                break;
            case Tensor<double> when step.Kind == StepKinds.OutputProposals:
                _decisions.AddRange(DecisionMargins.Validity(
                    step.Name, _forced.Inputs(step)["mask_flatten"].Mask,
                    StepKinds.Layout(_forced.Inputs(step)["spatial_shapes"].Whole), _port.DType.Epsilon()));
                break;
            case Tensor<double> shown when step.Kind == StepKinds.ResultScores && right.Noise is not null:
                _decisions.AddRange(DecisionMargins.Threshold(
                    step.Name, "detection threshold", shown, right.Noise, DetectionThreshold));
                break;
        }
    }

    // The query of the free run that looks at the proposal of each of the port's queries; -1 for none.
    private static int[] Partners(Tensor<long> port, Tensor<long> truth)
    {
        int queries = truth.Shape[1];
        int[] partners = new int[truth.Length];
        for (int n = 0; n < truth.Shape[0]; n++)
        {
            Dictionary<long, int> places = [];
            for (int query = 0; query < queries; query++)
            {
                places.TryAdd(truth[n, query], query);
            }

            for (int query = 0; query < queries; query++)
            {
                partners[(n * queries) + query] = places.GetValueOrDefault(port[n, query], -1);
            }
        }

        return partners;
    }

    // Elements under the mask of a sine encoding carry no information in float32. A mask that covers none makes none.
    private Tensor<bool>? Padding(string name, TensorShape shape) =>
        _model.Config.PositionEmbedding == PositionEmbedding.Sine
            ? PaddingElements.Mask(
                name, shape, mask => _masks.TryGetValue(mask, out Tensor<bool>? own) && own.AsReadOnlySpan().Contains(true) ? own : null)
            : null;

    private static WorstElement? Worst(TensorShape shape, int at, Tensor<double> port, Quantity right) => at < 0
        ? null
        : new WorstElement(
            Index(shape, at), port.AsReadOnlySpan()[at], right.Real.AsReadOnlySpan()[at], right.Noise?.AsReadOnlySpan()[at] ?? 0);

    private static IReadOnlyList<int> Index(TensorShape shape, int at)
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
