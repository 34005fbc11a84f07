using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Diagnosis;

/// <summary>Every mistake of the catalogue, planted in a small model's own steps, is named first.</summary>
public class NamingTests
{
    // In how many steps each is planted.
    private const int Places = 2;

    private static readonly string[] Models = ["model-basic", "model-bottleneck-refine-gelu", "model-two-stage"];

    // What can't be told from one another, and why.
    private static readonly Dictionary<string, string[]> Equivalents = new(StringComparer.Ordinal)
    {
        // Two points, in layers that have boxes.
        ["boxes without division by P"] = ["boxes without 0.5"],

        // No number above 6.
        ["ReLU6 for the activation"] = ["ReLU for GELU"],
        ["ReLU for GELU"] = ["ReLU6 for the activation"],

        // What isn't negative stays so in a sum.
        ["ReLU on the branch and on the sum"] = ["ReLU on the branch and not on the sum"],

        // Two layers.
        ["previous layer's head"] = ["head 0 for every layer"],
    };

    private static IReadOnlyList<Mistake> Catalogue => MistakeCatalogue.All;

    [Fact]
    public void EveryMistakeIsNamedFirst()
    {
        Dictionary<string, int> planted = new(StringComparer.Ordinal);
        List<string> wrong = [];
        foreach (string name in Models)
        {
            SmallModel model = SmallModel.Of(name);
            Diagnoser diagnoser = new(model.Noise, Catalogue, model.Graph) { Total = long.MaxValue };
            foreach (Step step in model.Graph.Steps)
            {
                foreach (Mistake mistake in Catalogue.Where(mistake => mistake.Kinds.Contains(step.Kind)))
                {
                    planted.TryAdd(mistake.Name, 0);
                    if (planted[mistake.Name] < Places && Plant(model, step, mistake) is { } port)
                    {
                        planted[mistake.Name]++;
                        Oracle.Diagnosis diagnosis = diagnoser.Diagnose(step, model.Inputs(step), model.Right(step), port);
                        string first = diagnosis.Findings.Count == 0 ? "nothing" : diagnosis.Findings[0].Mistake;
                        if (first != mistake.Name && !(Equivalents.TryGetValue(mistake.Name, out string[]? same) && same.Contains(first)))
                        {
                            string named = string.Join(
                                " | ",
                                diagnosis.Findings.Select(one => FormattableString.Invariant($"{one.Mistake} {one.After:0.##}")));
                            wrong.Add($"{name}: {step.Name}: {mistake.Name} is named {named}");
                        }
                    }
                }
            }
        }

        // Others than these want pictures, whole numbers or levels of their own: they are planted elsewhere.
        string[] never = [.. AttentionMistakes.All.Concat(LayerMistakes.All).Select(mistake => mistake.Name)
            .Where(name => planted.GetValueOrDefault(name) == 0)];
        Assert.True(wrong.Count == 0 && never.Length == 0, $"{string.Join('\n', wrong)}\nnever planted: {string.Join(", ", never)}");
    }

    [Fact]
    public void NamesAreUniqueAndTextsAreSentences()
    {
        Assert.Equal(Catalogue.Count, Catalogue.Select(mistake => mistake.Name).Distinct().Count());
        Assert.All(Catalogue, mistake =>
        {
            Assert.EndsWith(".", mistake.Explanation, StringComparison.Ordinal);
            Assert.EndsWith(".", mistake.Fix, StringComparison.Ordinal);
            Assert.NotEmpty(mistake.References);
            Assert.NotEmpty(mistake.Kinds);
            Assert.DoesNotContain(" + ", mistake.Name, StringComparison.Ordinal);
            Assert.Contains(mistake.References, reference => reference.Length <= 3);
        });
    }

    // In float32. Null where it can't be made there, or makes no difference.
    private static Tensor<double>? Plant(SmallModel model, Step step, Mistake mistake)
    {
        Quantity right = model.Right(step);
        try
        {
            StepInputs inputs = model.Narrow(step);
            if (right.Tensor is not Tensor<double> || (mistake.Applies is not null && !mistake.Applies(inputs)))
            {
                return null;
            }

            Quantity wrong = mistake.Evaluate(SmallModel.Single, inputs);
            Tensor<double> port = SmallModel.Dumped(wrong.Tensor);
            return wrong.Shape == right.Shape && Sheet.Of(right).Error(port.AsSpan()) > 4 ? port : null;
        }
        catch (Exception exception) when (exception is ArgumentException or KeyNotFoundException)
        {
            return null;
        }
    }
}
