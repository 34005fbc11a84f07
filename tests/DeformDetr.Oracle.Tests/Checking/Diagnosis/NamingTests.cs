using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Diagnosis;

/// <summary>Every mistake of the catalogue, planted in a small model's own steps, is named first.</summary>
public class CatalogueTests
{
    // In how many steps each is planted.
    private const int Places = 2;

    private static readonly string[] Models = ["model-basic", "model-bottleneck-refine-gelu", "model-two-stage"];

    // What can't be told from one another, and why.
    private static readonly Dictionary<string, string[]> Equivalents = new(StringComparer.Ordinal)
    {
    };

    private static IReadOnlyList<Mistake> Catalogue => [.. AttentionMistakes.All, .. LayerMistakes.All];

    [Fact]
    public void EveryMistakeIsNamedFirst()
    {
        Dictionary<string, int> planted = new(StringComparer.Ordinal);
        List<string> wrong = [];
        foreach (string name in Models)
        {
            SmallModel model = SmallModel.Of(name);
            Diagnoser diagnoser = new(model.Algebra, Catalogue, model.Graph) { Limit = TimeSpan.FromMinutes(1) };
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
                            wrong.Add($"{name}: {step.Name}: {mistake.Name} is named {string.Join(" | ", diagnosis.Findings.Select(finding => $"{finding.Mistake} {finding.After:0.##}"))}");
                        }
                    }
                }
            }
        }

        string[] never = [.. Catalogue.Select(mistake => mistake.Name).Where(name => planted.GetValueOrDefault(name) == 0)];
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
        });
    }

    // Null where it can't be made there, or makes no difference.
    private static Tensor<double>? Plant(SmallModel model, Step step, Mistake mistake)
    {
        Quantity right = model.Right(step);
        try
        {
            StepInputs inputs = model.Inputs(step);
            if (mistake.Applies is not null && !mistake.Applies(inputs))
            {
                return null;
            }

            Quantity wrong = mistake.Evaluate(model.Algebra, inputs);
            Tensor<double> port = SmallModel.Dumped(wrong.Tensor);
            return wrong.Shape == right.Shape && Sheet.Of(right).Error(port.AsSpan()) > 4 ? port : null;
        }
        catch (Exception exception) when (exception is ArgumentException or KeyNotFoundException)
        {
            return null;
        }
    }
}
