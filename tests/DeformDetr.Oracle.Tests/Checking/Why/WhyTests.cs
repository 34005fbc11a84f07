using DeformDetr.Oracle.Tests.Checking.Operators;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Why;

/// <summary>The terms of a number make the number, for every kind of step.</summary>
public class WhyTests
{
    public static TheoryData<string> Models() => [.. SmallModels.Names];

    [Theory]
    [MemberData(nameof(Models))]
    public void TheTermsAddUpInEveryTensor(string name)
    {
        (CheckModel model, _) = SmallModels.Load(name);
        Dictionary<string, Quantity> trace = SmallModels.Trace(
            model, new ReferenceAlgebra<double>(new OperatorContext(Kernels.Simd, 2)), out StepRun run);
        Random random = new(7);
        List<string> wrong = [];
        using (run)
        {
            foreach (Step step in model.Graph.Steps)
            {
                for (int turn = 0; turn < 4; turn++)
                {
                    Tensor tensor = trace[step.Name].Tensor;
                    int[] index = OperatorCheck.Index(tensor.Shape, random.Next(tensor.Length));
                    double value = TermKinds.At(tensor, index);
                    Explanation explanation = WhyRun.Explain(step, [], step, run.Inputs(step), index, value);
                    if (!explanation.AddsUp)
                    {
                        wrong.Add($"{step}[{string.Join(", ", index)}]: {explanation.Result:R}, not {value:R}");
                    }

                    // A bound that nothing exceeds says nothing: a number that is off by a millionth isn't the sum.
                    double other = double.IsFinite(value) ? value + (1e-6 * Math.Max(1e-3, explanation.Terms.Sum(term => Math.Abs(term.Value)))) : 0;
                    if (WhyRun.Explain(step, [], step, run.Inputs(step), index, other).AddsUp)
                    {
                        wrong.Add($"{step}: adds up to anything");
                    }
                }
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void EveryKindOfStepButTheResizeIsKnown()
    {
        HashSet<StepKind> known = [.. TermKinds.Known];
        Assert.Equal(
            [StepKinds.Resize],
            typeof(StepKinds).GetProperties().Where(property => property.PropertyType == typeof(StepKind))
                .Select(property => (StepKind)property.GetValue(null)!).Where(kind => !known.Contains(kind)));
    }

    [Fact]
    public void AnExplanationRunsWhatItNeedsAndFollowsCopies()
    {
        (CheckModel model, _) = SmallModels.Load("model-basic");
        List<string> ran = [];
        Explanation explanation = WhyRun.Run(model, "features.0.tensors", [0, 1, 1, 1], 1, null, ran.Add);
        Assert.True(explanation.AddsUp);
        Assert.Equal("residual and relu", explanation.Kind);
        Assert.StartsWith("backbone.0.body.layer2", Assert.Single(explanation.Copies), StringComparison.Ordinal);
        Assert.DoesNotContain(ran, name => name.StartsWith("transformer", StringComparison.Ordinal) || name.Contains("layer3", StringComparison.Ordinal));
        using StringWriter text = new() { NewLine = "\n" };
        WhyText.Write(explanation, text);
        Assert.Contains("2 terms add up to", text.ToString().TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pred_boxes", "why: 'pred_boxes' is no element; expected a tensor's name and an index, such as pred_boxes[0,12,3].")]
    [InlineData("pred_boxes[0,-1,3]", "why: 'pred_boxes[0,-1,3]' is no element; expected a tensor's name and an index, such as pred_boxes[0,12,3].")]
    [InlineData("pred_boxes[0,1", "why: 'pred_boxes[0,1' is no element; expected a tensor's name and an index, such as pred_boxes[0,12,3].")]
    public void WhatIsNoElementIsSaid(string address, string line) =>
        Assert.Equal(line, Assert.Throws<InvalidDataException>(() => WhyRun.Parse(address)).Message);

    [Fact]
    public void AnIndexBeyondTheShapeIsSaidWithTheShape()
    {
        (CheckModel model, _) = SmallModels.Load("model-basic");
        string line = Assert.Throws<InvalidDataException>(() => WhyRun.Run(model, "transformer.spatial_shapes", [0, 2], 1)).Message;
        Assert.Matches(@"^why: transformer\.spatial_shapes\[0, 2\] holds 2 on the axis hw; expected less than 2 \(its shape is \[\d, 2\]\)\.$", line);
        line = Assert.Throws<InvalidDataException>(() => WhyRun.Run(model, "transformer.spatial_shapes", [0], 1)).Message;
        Assert.Equal("why: transformer.spatial_shapes has the axes [level, hw], [0] holds 1; expected one index per axis.", line);
    }
}
