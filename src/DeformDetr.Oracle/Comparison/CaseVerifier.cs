using System.Globalization;
using System.Numerics;
using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>Runs golden cases and judges every expected tensor.</summary>
public static class CaseVerifier
{
    /// <summary>Runs a case and judges it.</summary>
    /// <param name="golden">The case.</param>
    /// <param name="elementType">Float32 or Float64: the precision of the run.</param>
    /// <param name="kernels">Which bodies run.</param>
    /// <param name="threads">How many threads the Simd bodies may use.</param>
    /// <exception cref="InvalidDataException">Bad input; file and tensor named.</exception>
    /// <exception cref="ArgumentException">Tensors whose shapes disagree with the configuration.</exception>
    public static CaseResult Verify(GoldenCase golden, ElementType elementType, Kernels kernels, int threads) =>
        elementType == ElementType.Float64 ? Verify<double>(golden, kernels, threads) : Verify<float>(golden, kernels, threads);

    private static CaseResult Verify<T>(GoldenCase golden, Kernels kernels, int threads)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        using TensorFile expected = TensorFile.Open(golden.ExpectedPath);
        using TensorFile? expected64 = golden.Expected64Path is null ? null : TensorFile.Open(golden.Expected64Path);
        if (expected64?.Entries.FirstOrDefault(entry => !expected.Contains(entry.Name)) is { } stray)
        {
            throw new InvalidDataException(
                $"{golden.Expected64Path}: tensor '{SafeText.Short(stray.Name)}' is unexpected; "
                + $"expected a subset of the tensors in {Path.GetFileName(golden.ExpectedPath)}.");
        }

        Recorder recorder = new(name => expected.Contains(name) || IsHelp(name));
        ForwardPass pass = new(kernels, threads, recorder);
        new CaseRunner<T>(golden, pass, recorder).Run();
        return new Judge<T>(golden, kernels, recorder, expected, expected64).Run();
    }

    // Tensors that judging others needs, whether or not they are expected.
    private static bool IsHelp(string name) =>
        name is "transformer.mask_flatten" or "transformer.topk_proposals" or "transformer.enc_outputs_class"
            or "pred_logits" or "pred_boxes" or "mask"
        || name.StartsWith("masks.", StringComparison.Ordinal)
        || name.StartsWith("results.", StringComparison.Ordinal);

    private sealed class Judge<T>(GoldenCase golden, Kernels kernels, Recorder recorder, TensorFile expected, TensorFile? expected64)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        private readonly bool _float64 = typeof(T) == typeof(double);
        private readonly Dictionary<string, Tensor> _actual = new(recorder.Tensors, StringComparer.Ordinal);
        private readonly Dictionary<string, TensorVerdict> _ranked = new(StringComparer.Ordinal);
        private QueryOrder? _actualOrder;
        private QueryOrder? _expectedOrder;

        // Whether the model makes its own sine encoding, whose padded elements carry no information.
        private readonly bool _ownSine = golden.Target is "model" or "position_encoding"
            && !(golden.Config.TryGetProperty("position_embedding", out JsonElement kind)
                && kind.ValueKind == JsonValueKind.String && kind.GetString() is "learned" or "v3");

        public CaseResult Run()
        {
            JudgeProposals();
            JudgeResults();
            List<TensorVerdict> verdicts = [];
            foreach (string name in recorder.Order.Where(expected.Contains))
            {
                verdicts.Add(_ranked.TryGetValue(name, out TensorVerdict? ranked) ? ranked : JudgeOne(name));
            }

            if (_actual.TryGetValue("pictures.prepared", out Tensor? prepared))
            {
                bool same = ((Tensor<bool>)prepared)[0];
                verdicts.Insert(
                    0,
                    new TensorVerdict(
                        "pictures.prepared", prepared.Shape, same ? 0 : 1, 0, 1, null, same ? Verdict.Pass : Verdict.Fail,
                        same ? null : "the pictures don't give the case's samples.tensor and samples.mask bit for bit"));
            }

            foreach (TensorEntry entry in expected.Entries.Where(entry => !_actual.ContainsKey(entry.Name)))
            {
                bool gradient = entry.Name.StartsWith("grad.", StringComparison.Ordinal) && golden.Target != "ms_deform_attn_core";
                verdicts.Add(
                    new TensorVerdict(
                        entry.Name, entry.Shape, double.NaN, double.NaN, 0, null, gradient ? Verdict.NotComputed : Verdict.Absent));
            }

            return new CaseResult(golden.Name, ElementTypes.Of<T>(), kernels, verdicts);
        }

        private TensorVerdict JudgeOne(string name)
        {
            Tensor actual = _actual[name];
            Tensor wanted = expected.Read(name);
            Tensor? truth = Truth(name);
            if (_actualOrder is not null && QueryOrder.Applies(name, DecLayers()))
            {
                actual = _actualOrder.Apply(actual);
                wanted = truth is null ? wanted : _expectedOrder?.Apply(wanted) ?? wanted;
            }

            return PassRule.Judge(name, actual, wanted, truth, Padding(name, wanted.Shape));
        }

        // Two-stage: the chosen tokens as a ranking; then everything that is indexed by it is brought into the expected order.
        private void JudgeProposals()
        {
            const string Name = "transformer.topk_proposals";
            const string Scores = "transformer.enc_outputs_class";
            if (!expected.Contains(Name)
                || !_actual.TryGetValue(Name, out Tensor? found)
                || found is not Tensor<long> actual
                || expected.Read(Name) is not Tensor<long> wanted
                || actual.Shape != wanted.Shape)
            {
                return;
            }

            Tensor<long>? truth = Truth(Name) as Tensor<long>;
            Tensor<long> reference = truth ?? wanted;
            bool known = expected.Contains(Scores);
            Tensor scores = known ? Truth(Scores) ?? expected.Read(Scores) : _actual[Scores];
            double[] numbers = PassRule.Numbers(scores);
            double allowance = known
                ? PassRule.Allowance(_float64, PassRule.Numbers(expected.Read(Scores)), Truth(Scores) is { } t ? PassRule.Numbers(t) : null)
                : PassRule.Allowance(_float64, numbers, null);
            int tokens = scores.Shape[1];
            int classes = scores.Shape[2];
            int queries = actual.Shape[1];
            int wrong = 0;
            for (int n = 0; n < scores.Shape[0]; n++)
            {
                double[] ranked = [.. Enumerable.Range(0, tokens).Select(token => numbers[((n * tokens) + token) * classes])];
                wrong += new ScoreGroups(ranked, 2 * allowance).Misplaced(actual.AsReadOnlySpan().Slice(n * queries, queries));
            }

            string? note = wrong == 0
                ? null
                : string.Create(CultureInfo.InvariantCulture, $"{wrong} of {actual.Length} ranks hold a token that may not stand there");
            _ranked[Name] = new TensorVerdict(
                Name, wanted.Shape, wrong, 0, wanted.Length, null, wrong == 0 ? Verdict.Pass : Verdict.Fail, note);
            _actualOrder = new QueryOrder(reference, actual);
            _expectedOrder = truth is null ? null : new QueryOrder(truth, wanted);
        }

        private void JudgeResults()
        {
            for (int picture = 0; expected.Contains(Result(picture, "scores")); picture++)
            {
                ResultsRule.Side? actual = ResultsRule.Side.Of(picture, name => _actual.GetValueOrDefault(name));
                ResultsRule.Side? wanted = ResultsRule.Side.Of(picture, name => expected.Contains(name) ? expected.Read(name) : null);
                ResultsRule.Side? truth = ResultsRule.Side.Of(picture, Truth);
                if (actual is not { } given || wanted is not { } own || given.Scores.Length != own.Scores.Length)
                {
                    continue;
                }

                double delta = 2 * PassRule.Allowance(_float64, own.Scores, truth?.Scores);
                ResultsRule.Side reference = truth ?? own;

                // Both runs are brought into the reference's order, and at the cut to the detections that each of them chose there.
                ResultsRule.Side ownInOrder = own.Reordered(ResultsRule.Align(reference, own, delta));
                ResultsRule.Side givenInOrder = given.Reordered(ResultsRule.Align(reference, given, delta));
                double[] ownErrors = Errors(ownInOrder, reference);
                if (Candidates(picture) is { } candidates)
                {
                    double boxAllowance = PassRule.Allowance(_float64, ownInOrder.Boxes, truth?.Boxes);
                    ownErrors = Errors(ownInOrder, ResultsRule.AtTheCut(reference, ownInOrder, candidates, delta, boxAllowance));
                    reference = ResultsRule.AtTheCut(reference, givenInOrder, candidates, delta, boxAllowance);
                }

                Tensor<T> boxes = Tensor<T>.FromArray([given.Scores.Length, 4], [.. givenInOrder.Boxes.Select(T.CreateTruncating)]);
                Tensor expectedBoxes = Tensor<double>.FromArray(
                    boxes.Shape, [.. reference.Boxes.Zip(ownErrors, (box, error) => truth is null ? box : box + error)]);
                Tensor? truthBoxes = truth is null ? null : Tensor<double>.FromArray(boxes.Shape, reference.Boxes);
                _ranked[Result(picture, "boxes")] = PassRule.Judge(Result(picture, "boxes"), boxes, expectedBoxes, truthBoxes);
                _ranked[Result(picture, "labels")] = PassRule.Judge(
                    Result(picture, "labels"), Tensor<long>.FromArray([given.Labels.Length], givenInOrder.Labels),
                    Tensor<long>.FromArray([given.Labels.Length], reference.Labels), null);
            }
        }

        // How far the original's own float32 boxes lie from the truth, detection by detection.
        private static double[] Errors(ResultsRule.Side own, ResultsRule.Side truth) =>
            [.. own.Boxes.Zip(truth.Boxes, (box, exact) => box - exact)];

        private ResultsRule.Side? Candidates(int picture)
        {
            Tensor? logits = expected.Contains("pred_logits")
                ? Truth("pred_logits") ?? expected.Read("pred_logits")
                : _actual.GetValueOrDefault("pred_logits");
            Tensor? boxes = expected.Contains("pred_boxes")
                ? Truth("pred_boxes") ?? expected.Read("pred_boxes")
                : _actual.GetValueOrDefault("pred_boxes");
            using CaseInputs inputs = new(golden.InputsPath, golden.File.Path);
            return inputs.Has("target_sizes") ? ResultsRule.Candidates(picture, logits, boxes, inputs.Take<long>("target_sizes")) : null;
        }

        private Tensor? Truth(string name) => expected64 is not null && expected64.Contains(name) ? expected64.Read(name) : null;

        private int DecLayers() =>
            golden.Config.TryGetProperty("dec_layers", out JsonElement layers) && layers.TryGetInt32(out int count) ? count : 6;

        private static string Result(int picture, string what) => string.Create(CultureInfo.InvariantCulture, $"results.{picture}.{what}");

        // Which elements of a tensor don't count, spread over its shape. The encoding's own target has one mask.
        private Tensor<bool>? Padding(string name, TensorShape shape) =>
            !_ownSine ? null
            : golden.Target == "position_encoding" ? Mask("mask") is { } mask ? PaddingElements.Spread(mask, shape) : null
            : PaddingElements.Mask(name, shape, Mask);

        private Tensor<bool>? Mask(string name) => _actual.GetValueOrDefault(name) as Tensor<bool>;
    }
}
