using System.Globalization;
using System.Text.RegularExpressions;
using DeformDetr.Reference;
using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Diagnosis;

/// <summary>Named mistakes: each can be made, changes what it says it changes, and is no other mistake of its kind.</summary>
public partial class CatalogueTests
{
    private const double Visible = 1e-3;

    // Mistakes that a small number makes are smaller; how much they must still change.
    private static readonly Dictionary<string, double> Small = new(StringComparer.Ordinal)
    {
        ["sine positions with epsilon 1e-4"] = 1e-5,
        ["frozen batch norm with epsilon 1e-3"] = 1e-4,
        ["frozen batch norm without epsilon"] = 1e-6,
        ["group norm with epsilon 1e-6"] = 1e-6,
        ["group norm with epsilon 1e-3"] = 1e-4,
    };

    private static readonly IReadOnlyList<Mistake> Catalogue =
        [.. PictureMistakes.All, .. BackboneMistakes.All, .. PositionMistakes.All, .. ProposalMistakes.All, .. ResultMistakes.All];

    private static readonly Lazy<Trials> Made = new(() =>
    {
        Trials trials = new(Catalogue);
        int longest = 202;
        foreach (DeformableDetrConfig config in Configs())
        {
            longest = Math.Max(longest - 1, 200);
            Run(config, longest, trials);
        }

        return trials;
    });

    [Fact]
    public void NamesAreUnique() =>
        Assert.Empty(MistakeCatalogue.All.GroupBy(mistake => mistake.Name, StringComparer.Ordinal)
            .Where(group => group.Count() > 1).Select(group => group.Key));

    [Fact]
    public void TextsAreOneSentence()
    {
        foreach (Mistake mistake in Catalogue)
        {
            Assert.Matches(@"^[^.]", mistake.Name);
            Assert.False(mistake.Name.EndsWith('.'), mistake.Name);
            foreach (string sentence in new[] { mistake.Explanation, mistake.Fix })
            {
                Assert.True(char.IsUpper(sentence[0]) && sentence.EndsWith('.'), $"{mistake.Name}: {sentence}");
                Assert.False(sentence[..^1].Contains(". ", StringComparison.Ordinal), $"{mistake.Name}: {sentence}");
            }

            Assert.NotEmpty(mistake.Kinds);
            Assert.Contains(mistake.References, reference => Row().IsMatch(reference));
            Assert.All(mistake.References, reference => Assert.True(
                Row().IsMatch(reference) || Issue().IsMatch(reference), $"{mistake.Name}: {reference}"));
        }
    }

    [Fact]
    public void EveryMistakeHasTheShapeOfItsStep() => Assert.Empty(Made.Value.Misshapen);

    [Fact]
    public void EveryMistakeChangesItsTensor() => Assert.Empty(Made.Value.Dead);

    [Fact]
    public void NoTwoMistakesOfAKindAreTheSame() => Assert.Empty(Made.Value.Same);

    [Fact]
    public void MisshapenDeadAndEqualMistakesAreSeen()
    {
        Mistake first = Planted("first", (a, x) => a.Pick(StepKinds.SpatialShapes.Evaluate(a, x), 1, 1, 0));
        Trials trials = new(
        [
            first,
            first with { Name = "second" },
            Planted("right", StepKinds.SpatialShapes.Evaluate),
            Planted("misshapen", (a, x) => a.Pick(StepKinds.SpatialShapes.Evaluate(a, x), 1, 1)),
            Planted("thrown", (a, x) => a.Pick(x["maps.0"], 1, -1)),
            first with { Name = "never", Applies = _ => false },
        ]);
        Run(Configs()[0], 200, trials);
        Assert.Equal(
            ["right: changes 0", "misshapen: never applied", "thrown: never applied", "never: never applied"], trials.Dead);
        Assert.Equal(["spatial shapes: first = second"], trials.Same);
        Assert.Equal(2, trials.Misshapen.Count);
    }

    private static Mistake Planted(string name, Func<Algebra, StepInputs, Quantity> evaluate) => new()
    {
        Name = name,
        Explanation = "Planted.",
        Fix = "None.",
        References = ["A1"],
        Kinds = [StepKinds.SpatialShapes],
        Evaluate = evaluate,
    };

    // Two pictures, one shrunk to 96 x 115 and one enlarged to 48 x longest, each smaller than the batch along one side. Of the rules for
    // resizing masks, 201 columns tell rounding from cutting and 200 rounding from rounding up.
    private static (Tensor<byte>[] Pictures, PreprocessOptions Preprocess) Batch(int longest) =>
        ([Picture(150, 180, 1), Picture(30, (longest * 5 + 7) / 8, 2)], new PreprocessOptions(96, longest));

    private static Tensor<byte> Picture(int height, int width, ulong seed)
    {
        Tensor<byte> picture = new([height, width, 3]);
        for (int i = 0; i < picture.Length; i++)
        {
            picture.AsSpan()[i] = (byte)(128 + (127 * Recipe.Uniform(seed, "picture", i)));
        }

        return picture;
    }

    private static DeformableDetrConfig[] Configs()
    {
        DeformableDetrConfig plain = new()
        {
            Backbone = new BackboneSpec(ResidualBlock.Basic, 8, [1, 1, 1, 1]),
            EncLayers = 1,
            DecLayers = 1,
            DimFeedforward = 40,
            HiddenDim = 64,
            Nheads = 2,
            NumQueries = 20,
            EncNPoints = 3,
            DecNPoints = 2,
            NumClasses = 13,
        };
        return
        [
            plain,
            plain with
            {
                Backbone = new BackboneSpec(ResidualBlock.Bottleneck, 6, [1, 2, 1, 1]),
                HiddenDim = 256,
                Nheads = 8,
                NumQueries = 110,
                NumClasses = 91,
                WithBoxRefine = true,
                TwoStage = true,
            },
            plain with
            {
                Backbone = new BackboneSpec(ResidualBlock.Basic, 8, [2, 1, 1, 1]),
                PositionEmbedding = PositionEmbedding.Learned,
                NumFeatureLevels = 5,
                HiddenDim = 96,
                Nheads = 6,
                WithBoxRefine = true,
            },
            plain with
            {
                Backbone = new BackboneSpec(ResidualBlock.Bottleneck, 4, [1, 1, 1, 2]),
                Dilation = true,
                NumFeatureLevels = 1,
                HiddenDim = 160,
                Nheads = 4,
            },
        ];
    }

    private static void Run(DeformableDetrConfig config, int longest, Trials trials)
    {
        (Tensor<byte>[] pictures, PreprocessOptions preprocess) = Batch(longest);
        StepGraph graph = StepGraph.Build(config, pictures.Length, pictures.Length);
        Tensor<long> sizes = new([pictures.Length, 2]);
        Dictionary<string, Tensor> given = new(StringComparer.Ordinal) { [StepGraph.TargetSizes] = sizes };
        for (int b = 0; b < pictures.Length; b++)
        {
            given[string.Create(CultureInfo.InvariantCulture, $"images.{b}.decoded")] = pictures[b];
            (sizes[b, 0], sizes[b, 1]) = (pictures[b].Shape[0], pictures[b].Shape[1]);
        }

        Algebra algebra = new ReferenceAlgebra<double>(new OperatorContext(Kernels.Simd, 2));
        using StepRun run = new(
            graph, algebra, StepWeights.Load(new WeightSource(null, 7), config), given,
            new PictureInputs(pictures, preprocess));
        foreach (Step step in graph.Steps)
        {
            Quantity right = run.Evaluate(step);
            run.Put(step, right);
            trials.Try(algebra, run.Inputs(step), right);
            if (step.Kind == StepKinds.OutputProposals || step.Kind == StepKinds.OutputMemory)
            {
                StepInputs wide = Wide(algebra, run.Inputs(step), config.HiddenDim);
                trials.Try(algebra, wide, step.Kind.Evaluate(algebra, wide));
            }

            run.Finish(step);
        }
    }

    // Levels so wide that cells at the border are closer to it than the proposals' limits.
    private static StepInputs Wide(Algebra algebra, StepInputs x, int channels)
    {
        Tensor<long> shapes = Tensor<long>.Create([2, 2], [3, 70, 2, 30]);
        Tensor<bool> mask = new([2, 270]);
        mask[1, 69] = mask[1, 139] = mask[1, 209] = true;
        StepInputs wide = x.With("mask_flatten", algebra.Given(mask)).With("spatial_shapes", algebra.Given(shapes));
        if (x.Has("memory"))
        {
            Tensor<double> memory = new([2, 270, channels]);
            for (int i = 0; i < memory.Length; i++)
            {
                memory.AsSpan()[i] = Recipe.Uniform(3, "memory", i);
            }

            wide = wide.With("memory", algebra.Given(memory));
        }

        return wide;
    }

    [GeneratedRegex("^[A-H][1-9][0-9]?$")]
    private static partial Regex Row();

    [GeneratedRegex("^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+#[1-9][0-9]*$")]
    private static partial Regex Issue();

    // What came of making every mistake in every step.
    private sealed class Trials(IReadOnlyList<Mistake> catalogue)
    {
        private readonly Dictionary<string, double> _largest = new(StringComparer.Ordinal);
        private readonly HashSet<string> _together = new(StringComparer.Ordinal);
        private readonly HashSet<string> _apart = new(StringComparer.Ordinal);

        public List<string> Misshapen { get; } = [];

        public IEnumerable<string> Same => _together.Except(_apart);

        public IEnumerable<string> Dead => catalogue
            .Select(mistake => (mistake.Name, Change: _largest.GetValueOrDefault(mistake.Name, -1)))
            .Where(made => !(made.Change > Small.GetValueOrDefault(made.Name, Visible)))
            .Select(made => string.Create(
                CultureInfo.InvariantCulture, $"{made.Name}: {(made.Change < 0 ? "never applied" : $"changes {made.Change:G3}")}"));

        public void Try(Algebra algebra, StepInputs x, Quantity right)
        {
            using BufferScope scope = algebra.Context.Scope();
            List<(string Name, Tensor Wrong)> made = [];
            foreach (Mistake mistake in catalogue)
            {
                if (!mistake.Kinds.Contains(x.Step.Kind) || mistake.Applies?.Invoke(x) == false)
                {
                    continue;
                }

                Tensor wrong;
                try
                {
                    wrong = mistake.Evaluate(algebra, x).Tensor;
                }
                catch (Exception exception) when (exception is SystemException)
                {
                    Misshapen.Add($"{x.Step.Name}: {mistake.Name}: {exception.Message}");
                    continue;
                }

                if (wrong.Shape != right.Shape || wrong.ElementType != right.Tensor.ElementType)
                {
                    Misshapen.Add(
                        $"{x.Step.Name}: {mistake.Name}: {wrong.ElementType} {wrong.Shape}, not {right.Tensor.ElementType} {right.Shape}");
                    continue;
                }

                _largest[mistake.Name] = Math.Max(_largest.GetValueOrDefault(mistake.Name), Difference(wrong, right.Tensor));
                foreach ((string name, Tensor other) in made)
                {
                    string pair = $"{x.Step.Kind}: {name} = {mistake.Name}";
                    _together.Add(pair);
                    if (!_apart.Contains(pair) && Difference(wrong, other) > 1e-9)
                    {
                        _apart.Add(pair);
                    }
                }

                made.Add((mistake.Name, wrong));
            }
        }

        // In parts of the right tensor's largest number; 1 for masks and whole numbers, infinite where only one number is finite.
        private static double Difference(Tensor wrong, Tensor right)
        {
            switch (wrong, right)
            {
                case (Tensor<bool> w, Tensor<bool> r):
                    return w.AsReadOnlySpan().SequenceEqual(r.AsReadOnlySpan()) ? 0 : 1;
                case (Tensor<long> w, Tensor<long> r):
                    return w.AsReadOnlySpan().SequenceEqual(r.AsReadOnlySpan()) ? 0 : 1;
                case (Tensor<byte> w, Tensor<byte> r):
                    return w.AsReadOnlySpan().SequenceEqual(r.AsReadOnlySpan()) ? 0 : 1;
                default:
                    double largest = 0;
                    double scale = 0;
                    for (int i = 0; i < wrong.Length; i++)
                    {
                        double w = ((Tensor<double>)wrong).AsReadOnlySpan()[i];
                        double r = ((Tensor<double>)right).AsReadOnlySpan()[i];
                        scale = double.IsFinite(r) ? Math.Max(scale, Math.Abs(r)) : scale;
                        largest = w.Equals(r) ? largest
                            : double.IsFinite(w) && double.IsFinite(r) ? Math.Max(largest, Math.Abs(w - r))
                            : double.PositiveInfinity;
                    }

                    return largest == 0 ? 0 : largest / Math.Max(scale, double.Epsilon);
            }
        }
    }
}
