using System.Globalization;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Runs mistakes on a wrong step's own inputs and names those that reproduce the port's tensor. One mistake of the catalogue is looked for
// first, then a general one, then two together. With the algebra of noise every mistake is judged by its own noise, with another one by
// the right tensor's.
internal sealed class Diagnoser(Algebra algebra, IReadOnlyList<Mistake> catalogue, StepGraph? graph = null)
{
    // In noise: what explains, and what is worth a mention.
    private const double Explains = 1;
    private const double Near = 2;
    private const int MostFindings = 8;

    // How many numbers of wrong tensors wait for compounds. Those of others are made again.
    private const long MostKept = 1 << 24;

    // Bytes between two collections: wrong tensors come and go, and left to itself the collector lets gigabytes of them lie.
    private const long Garbage = 1L << 29;

    // How many units of a coarser format an error of its arithmetic has, on average.
    private const double MostUnits = 16;

    // Errors that differ by less are equally good: then the catalogue's order counts.
    private const double AsGood = 0.25;

    private long _spent;

    // How much work all steps together may cost, in units of Effort: about a minute on two cores. Each may take half of what is left, so
    // that the first wrong steps, which others may follow from, get most; but at least the least. What is left out then is compounds, mostly.
    public long Total { get; init; } = 600_000_000_000;

    public long Least { get; init; } = 500_000_000;

    // Finds an order of rows that explains the port's tensor, where rows are queries; null for none.
    public Func<Step, Sheet, double[], Finding?> RowOrder { get; init; } = QueryOrder;

    public Diagnosis Diagnose(Step step, StepInputs inputs, Quantity right, Tensor port)
    {
        Search search = new(this, step, inputs, Sheet.Of(right), port);
        Diagnosis diagnosis = search.Run();
        _spent += search.Work;
        return diagnosis;
    }

    private static Finding? QueryOrder(Step step, Sheet right, double[] port) => RowMatching.Find(step, right, port);

    // A mistake that can't be made with these shapes, or whose hints nobody holds.
    public static bool IsRefusal(Exception exception) =>
        exception is ArgumentException or KeyNotFoundException or IndexOutOfRangeException or InvalidCastException or OverflowException
            or NotSupportedException or DivideByZeroException or ObjectDisposedException;

    private sealed class Search
    {
        private readonly Diagnoser _diagnoser;
        private readonly Step _step;
        private readonly StepInputs _inputs;
        private readonly Sheet _right;
        private readonly double[] _port;
        private readonly Tensor _whole;
        private readonly double _before;
        private readonly long _limit;
        private readonly List<(int Class, Finding Finding)> _findings = [];
        private readonly Algebra _algebra;

        // What mistakes are tried on: some rows, or everything.
        private readonly StepCut? _cut;
        private readonly StepInputs _few;
        private readonly Sheet _fewRight;
        private readonly double[] _fewPort;
        private readonly BufferScope _scope;

        // What an evaluation costs, of everything and of some rows.
        private readonly long _costs;
        private readonly long _fewCost;
        private int _tried;
        private int _skipped;
        private long _kept;
        private long _collected = GC.GetTotalAllocatedBytes();

        public Search(Diagnoser diagnoser, Step step, StepInputs inputs, Sheet right, Tensor port)
        {
            _diagnoser = diagnoser;
            _limit = Math.Max(diagnoser.Least, (diagnoser.Total - diagnoser._spent) / 2);
            _step = step;
            _inputs = inputs;
            _right = right;
            _whole = port;
            _port = Sheet.Numbers(port);
            _algebra = diagnoser.Algebra is NoiseAlgebra noise ? new RoundedConstants(noise) : diagnoser.Algebra;
            _before = step.Kind == StepKinds.TopKProposals
                ? RankingCheck.Distance((Tensor<long>)port, StepKinds.ProposalScores(_algebra, inputs["enc_outputs_class"])).Whole
                : right.Error(_port);
            _scope = _algebra.Context.Scope();
            _cut = StepCut.Of(_algebra, inputs, right, _port);
            (_few, _fewRight, _fewPort) = _cut is null ? (inputs, right, _port) : (_cut.Inputs, _cut.Right, _cut.Port);
            _costs = Effort.Evaluation(inputs, right.Shape);
            _fewCost = Effort.Evaluation(_few, _fewRight.Shape);
        }

        // What has been done, in units of Effort.
        public long Work { get; private set; }

        private bool Explained => _findings.Exists(found => found.Finding.After <= Explains);

        public Diagnosis Run()
        {
            using BufferScope scope = _scope;
            if (_before <= Explains)
            {
                return new(0, []);
            }

            List<Mistake> own = [.. _diagnoser.Catalogue.Where(mistake => mistake.Kinds.Contains(_step.Kind))];
            List<(Mistake Mistake, Sheet? Wrong)> wrong = Try(own, 0);
            if (!Explained)
            {
                Zeros();
            }

            if (!Explained)
            {
                List<Mistake> general = [.. GeneralMistakes.Of(_step, _diagnoser.Graph)];
                List<(Mistake Mistake, Sheet? Wrong)> others = Try(general, 1);
                Changed(null, _fewRight);
                Rows();
                others.AddRange(Try([.. GeneralMistakes.Halves(_step)], 2));
                if (!Explained)
                {
                    Stored();
                }

                wrong.AddRange(others);
            }

            if (!Explained)
            {
                Compounds(wrong);
            }

            // Any small error looks like this one: what is near to something says more.
            if (_findings.Count == 0)
            {
                HalfNoise();
            }

            return new(
                _tried,
                [.. _findings.OrderBy(found => found.Finding.After <= Explains ? 0 : 1).ThenBy(found => found.Class)
                    .ThenBy(found => Math.Ceiling(found.Finding.After / AsGood)).Select(found => found.Finding).Take(MostFindings)])
            {
                Skipped = _skipped,
            };
        }

        // Whether there is work left for one more, which costs so much.
        private bool Spend(long cost)
        {
            if (Work >= _limit)
            {
                _skipped++;
                return false;
            }

            Work += cost;
            if (GC.GetTotalAllocatedBytes() - _collected > Garbage)
            {
                GC.Collect();
                _collected = GC.GetTotalAllocatedBytes();
            }

            return true;
        }

        // Those mistakes that make something else than the right tensor, with what they make of a few rows.
        private List<(Mistake Mistake, Sheet? Wrong)> Try(IReadOnlyList<Mistake> mistakes, int rank)
        {
            List<(Mistake Mistake, Sheet? Wrong)> kept = [];
            foreach (Mistake mistake in mistakes)
            {
                if (!Applies(mistake, _few) || !Spend(mistake.Whole ? _costs : _fewCost))
                {
                    continue;
                }

                if (mistake.Distance is { } distance)
                {
                    Ranked(rank, mistake, distance);
                }
                else if (Wrong(mistake, mistake.Evaluate) is { } wrong)
                {
                    _tried++;
                    if (!mistake.Whole)
                    {
                        _kept += wrong.Values.Length;
                        kept.Add((mistake, _kept <= MostKept ? wrong : null));
                    }

                    if (Error(wrong, mistake.Whole) <= Near)
                    {
                        Add(rank, mistake.Name, mistake.Explanation, mistake.Fix, mistake.References, null, mistake.Evaluate, null);
                    }
                }
            }

            return kept;
        }

        private void Ranked(int rank, Mistake mistake, Func<Algebra, StepInputs, Tensor<long>, double> distance)
        {
            try
            {
                using BufferScope scope = _algebra.Context.Scope();
                Tensor<long> right = _step.Kind.Evaluate(_algebra, _inputs).Whole;
                if (distance(_algebra, _inputs, right) <= Explains)
                {
                    return;
                }

                _tried++;
                double after = distance(_algebra, _inputs, (Tensor<long>)_whole);
                if (after <= Near)
                {
                    _findings.Add((rank, new(
                        mistake.Name, mistake.Explanation, mistake.Fix, mistake.References, _before, after, null)));
                }
            }
            catch (Exception exception) when (IsRefusal(exception))
            {
                // It can't be made here.
            }
        }

        private double Error(Sheet wrong, bool whole) => wrong.Error(whole ? _port : _fewPort);

        // Null where it can't be made here, or where it makes no difference.
        private Sheet? Wrong(Mistake mistake, Func<Algebra, StepInputs, Quantity> text)
        {
            Sheet right = mistake.Whole ? _right : _fewRight;
            Sheet? wrong = Evaluate(text, mistake.Whole ? _inputs : _few, right);
            return wrong is null || right.Error(wrong.Values) <= Explains ? null : wrong;
        }

        private Sheet? Evaluate(Func<Algebra, StepInputs, Quantity> text, StepInputs inputs, Sheet right)
        {
            try
            {
                using BufferScope scope = _algebra.Context.Scope();
                Quantity wrong = text(_algebra, inputs);
                Sheet? sheet = wrong.Shape == right.Shape ? Sheet.Of(wrong, right) : null;
                return sheet is null || sheet.IsVague(right) ? null : sheet;
            }
            catch (Exception exception) when (IsRefusal(exception))
            {
                return null;
            }
        }

        private static bool Applies(Mistake mistake, StepInputs inputs)
        {
            try
            {
                return mistake.Applies is null || mistake.Applies(inputs);
            }
            catch (Exception exception) when (IsRefusal(exception))
            {
                return false;
            }
        }

        // Measures on everything, and keeps what still explains.
        private void Add(
            int rank, string name, string explanation, string fix, IReadOnlyList<string> references, string? detail,
            Func<Algebra, StepInputs, Quantity>? text, Func<Sheet, Sheet>? change)
        {
            Work += _costs;
            Sheet? whole = text is null ? _right : Evaluate(text, _inputs, _right);
            if (whole is null)
            {
                return;
            }

            double after = (change is null ? whole : change(whole)).Error(_port);
            if (after <= Near)
            {
                _findings.Add((rank, new(name, explanation, fix, references, _before, after, detail)));
            }
        }

        // Other tensors may be zero too: that isn't where these come from.
        private void Zeros()
        {
            if (_fewPort.All(value => value == 0))
            {
                _tried++;
                Add(
                    1, "zero tensor", "Every element is zero.", "See whether the step ran at all, and on the right device.", ["D31"], null,
                    null,
                    on => new Sheet(on.Shape, new double[on.Values.Length], new double[on.Values.Length]));
            }
        }

        // Fitted numbers and other places, of the right tensor or of a mistake's.
        private void Changed(Mistake? mistake, Sheet sheet)
        {
            int rank = mistake is null ? 1 : 3;
            string prefix = mistake is null ? "" : $"{mistake.Name} + ";
            string first = mistake is null ? "" : $"{mistake.Explanation} ";
            string undo = mistake is null ? "" : $"{mistake.Fix} ";
            IReadOnlyList<string> references = mistake?.References ?? [];
            // Fits are made as they are asked for.
            bool spent = !Spend(Effort.Comparison(_fewPort.Length));
            foreach (Fit fit in spent ? [] : Fit.All(_step, sheet, _fewPort, _cut is null ? -1 : 1))
            {
                if (!Spend(Effort.Comparison(_fewPort.Length)))
                {
                    break;
                }

                _tried++;

                // A factor that is nearly 1 would only lend its own rounding.
                Sheet made = fit.Apply(sheet);
                if (made.Error(_fewPort) <= Near && sheet.Error(made.Values) > 2 * Near)
                {
                    Add(
                        rank, prefix + fit.Name, first + fit.Explanation, undo + fit.Fix, references, fit.Detail, mistake?.Evaluate,
                        fit.Apply);
                    if (Explained)
                    {
                        return;
                    }
                }
            }

            foreach (Rearrangement other in Rearrangement.All(_step, sheet.Shape))
            {
                // Rows that aren't there can't be moved: the right tensor is there whole.
                bool whole = _cut is not null && other.Rows;
                if (whole && mistake is not null)
                {
                    continue;
                }

                Sheet on = whole ? _right : sheet;
                double[] port = whole ? _port : _fewPort;
                if (other.From(on.Shape) is not { } from || !Spend(0))
                {
                    continue;
                }

                _tried++;
                double error = on.Error(port, from, out int looked);
                Work += Effort.Comparison(looked);
                if (error <= Near && !Same(on, from))
                {
                    Add(
                        rank, prefix + other.Name, first + other.Explanation, undo + "Put the numbers in the documented order.", references,
                        null, mistake?.Evaluate, all => Moved(all, other));
                    if (Explained)
                    {
                        return;
                    }
                }
            }
        }

        // Whether the rearrangement changes nothing that can be seen.
        private static bool Same(Sheet sheet, Func<int, int> from) => sheet.Error(sheet.Values, from, out _) <= Explains;

        private static Sheet Moved(Sheet sheet, Rearrangement other)
        {
            double[] values = new double[sheet.Values.Length];
            double[] noise = new double[values.Length];
            if (other.From(sheet.Shape) is { } from)
            {
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = sheet.Values[from(i)];
                    noise[i] = sheet.Noise[from(i)];
                }
            }

            return new(sheet.Shape, values, noise);
        }

        private void Rows()
        {
            if (Explained || _step.Axes.Count < 2 || _step.Axes[1] != "query")
            {
                return;
            }

            // Every row is compared with every other one, mostly by its first number.
            if (Spend(Effort.Comparison((long)_right.Shape[0] * _right.Shape[1] * _right.Shape[1]))
                && _diagnoser.RowOrder(_step, _right, _port) is { } finding)
            {
                _tried++;
                _findings.Add((1, finding));
            }
        }

        // The right tensor, kept in fewer bits: an error of half a unit of the format, and every number one of the format's.
        private void Stored()
        {
            foreach (NumberFormat format in NumberFormat.Kept)
            {
                if (_port.All(value => !double.IsFinite(value) || format.Round(value) == value) && Spend(Effort.Comparison(_port.Length)))
                {
                    _tried++;
                    Add(
                        2, $"{format.Name} result", $"The tensor is kept in {format.Name}.",
                        $"Keep it in float32, or judge the port as {format.Name}.",
                        ["H4"], null, null, on => Coarse(on, format));
                }
            }
        }

        private static Sheet Coarse(Sheet sheet, NumberFormat format)
        {
            double[] noise = new double[sheet.Values.Length];
            for (int i = 0; i < noise.Length; i++)
            {
                noise[i] = sheet.Noise[i] + (1.001 * format.Epsilon * Math.Max(Math.Abs(sheet.Values[i]), 6.2e-5));
            }

            return new(sheet.Shape, sheet.Values, noise);
        }

        // An error like that of a coarser format: within its noise, on most elements, and on both sides. Any small error is within it; so
        // this is said last, and only of errors that are near to it.
        private void HalfNoise()
        {
            double[] differences = new double[_port.Length];
            for (int i = 0; i < differences.Length; i++)
            {
                differences[i] = _port[i] - _right.Values[i];
            }

            double relative = Sheet.Size(differences) / Sheet.Size(_right.Values);
            foreach (NumberFormat format in NumberFormat.Halves)
            {
                if (!Spend(Effort.Comparison(_port.Length)))
                {
                    continue;
                }

                _tried++;
                double ratio = format.Epsilon * (1 << 24);
                (double largest, int beyond, int above, int below, int all) = (0, 0, 0, 0, 0);
                for (int i = 0; i < _port.Length; i++)
                {
                    double error = Sheet.Error(_port[i], _right.Values[i], _right.Noise[i]);
                    if (_right.Noise[i] > 0)
                    {
                        all++;
                        beyond += error > Explains ? 1 : 0;
                        above += _port[i] > _right.Values[i] ? 1 : 0;
                        below += _port[i] < _right.Values[i] ? 1 : 0;
                    }

                    largest = Math.Max(largest, error);
                }

                bool spread = beyond > all / 2 && Math.Min(above, below) > 0.35 * all;
                if (all > 64 && spread && largest <= ratio && largest > ratio / 256 && relative < MostUnits * format.Epsilon)
                {
                    _findings.Add((4, new(
                        $"{format.Name} arithmetic", $"The error is everywhere, on both sides, and as large as {format.Name} makes it.",
                        $"Compute this step in float32, or judge the port as {format.Name}.", ["H4", "H12"], _before, largest / ratio,
                        string.Create(CultureInfo.InvariantCulture, $"{largest / ratio:0.###} of the format's noise"))));
                    return;
                }
            }
        }

        // Two together: one of a mistake's parts around another, or something general on top. Each must show beside the other: a second one
        // that changes nothing would only lend its own rounding.
        private void Compounds(List<(Mistake Mistake, Sheet? Wrong)> wrong)
        {
            for (int i = 0; i < wrong.Count; i++)
            {
                for (int j = 0; j < wrong.Count; j++)
                {
                    (Mistake inner, Mistake outer) = (wrong[i].Mistake, wrong[j].Mistake);
                    bool again = inner.IsParts && j < i && (inner.Result is null || outer.Result is null);
                    bool parts = outer.IsParts && (outer.Inputs is not null || outer.Operators is not null || outer.Result is not null);
                    if (i == j || again || !parts || !Spend(_fewCost))
                    {
                        continue;
                    }

                    Func<Algebra, StepInputs, Quantity> both = outer.Around(inner.Evaluate);
                    Sheet? made = Evaluate(both, _few, _fewRight);
                    _tried++;
                    if (made?.Error(_fewPort) <= Near && Differs(wrong[i], made) && Differs(wrong[j], made))
                    {
                        Add(
                            3, $"{inner.Name} + {outer.Name}", $"{inner.Explanation} {outer.Explanation}", $"{inner.Fix} {outer.Fix}",
                            [.. inner.References.Union(outer.References)], null, both, null);
                        if (Explained)
                        {
                            return;
                        }
                    }
                }
            }

            foreach ((Mistake Mistake, Sheet? Wrong) one in wrong)
            {
                if ((one.Wrong is not null || Spend(_fewCost)) && Again(one) is { } sheet)
                {
                    Changed(one.Mistake, sheet);
                }

                if (Explained)
                {
                    return;
                }
            }
        }

        private Sheet? Again((Mistake Mistake, Sheet? Wrong) one) => one.Wrong ?? Evaluate(one.Mistake.Evaluate, _few, _fewRight);

        private bool Differs((Mistake Mistake, Sheet? Wrong) one, Sheet other) => !(Again(one)?.Error(other.Values) <= Explains);
    }

    private Algebra Algebra => algebra;

    private IReadOnlyList<Mistake> Catalogue => catalogue;

    private StepGraph? Graph => graph;
}
