using System.Reflection;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Operators;

/// <summary>The list of operators is complete, and says what is so.</summary>
public class OperatorCatalogueTests
{
    [Theory]
    [InlineData("linear matmul conv2d frozen_batch_norm group_norm layer_norm softmax relu gelu sigmoid inverse_sigmoid max_pool2d grid_sample")]
    [InlineData("linspace cumulative_sum masked_fill top_k gather nearest_resize embedding multihead_attention")]
    [InlineData("ms_deform_attn_core ms_deform_attn encoder_layer decoder_layer multi_head_attention feed_forward position_encoding")]
    [InlineData("valid_ratios encoder_reference_points encoder_output_proposals proposal_position_encoding sampling_locations box_refinement post_process")]
    public void WhatPeopleLookForIsThere(string names) =>
        Assert.All(names.Split(' '), name => Assert.NotNull(OperatorCatalogue.Find(name)));

    [Fact]
    public void EveryKindOfStepIsAnOperator()
    {
        StepKind[] kinds = [.. typeof(StepKinds).GetProperties(BindingFlags.Public | BindingFlags.Static)
            .Where(property => property.PropertyType == typeof(StepKind)).Select(property => (StepKind)property.GetValue(null)!)];
        Assert.True(kinds.Length > 40);
        Assert.All(kinds, kind =>
        {
            Assert.NotNull(OperatorCatalogue.Of(kind));
            Assert.NotNull(OperatorCatalogue.Find(OperatorCatalogue.NameOf(kind)));
        });
    }

    [Fact]
    public void EveryStepOfEveryModelHasADefinitionForEachOfItsInputs()
    {
        foreach (string name in SmallModels.Names)
        {
            (CheckModel model, RunConfiguration run) = SmallModels.Load(name);
            Assert.All(model.Graph.Steps, step =>
            {
                OperatorDefinition definition = StepOperator.Create(step, run.Preprocess);
                Assert.Equal(step.Inputs.Select(input => input.Value).Distinct(), definition.Inputs.Where(input => !input.Optional).Select(input => input.Name));
                Assert.Equal(step.Weights.Select(weight => weight.Value), definition.Weights.Select(weight => weight.Name));
            });
        }
    }

    [Fact]
    public void NamesAreSnakeCaseAndSourcesAreWhereTheySay() => Assert.All(OperatorCatalogue.All, definition =>
    {
        Assert.Matches("^[a-z][a-z0-9_]*$", definition.Name);
        Assert.EndsWith(".", definition.Summary, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(RepositoryFiles.Root, definition.Source)), definition.Source);
        Assert.True(OperatorExport.LineOf(definition.Source) > 0, definition.Source);
    });

    [Theory]
    [InlineData("[N, Lq, M·D]", new[] { 2, 5, 12 }, true)]
    [InlineData("[N, Lq, M·D]", new[] { 2, 5, 13 }, false)]
    [InlineData("[N, Lq, M·D]", new[] { 3, 5, 12 }, false)]
    [InlineData("[.., D]", new[] { 9, 9, 4 }, true)]
    [InlineData("[.., D]", new int[0], false)]
    [InlineData("[N, 2|4]", new[] { 2, 4 }, true)]
    [InlineData("[N, 2|4]", new[] { 2, 3 }, false)]
    [InlineData("[N, ?]", new[] { 2, 77 }, true)]
    public void ShapesInSymbolsFitOrNot(string symbols, int[] sizes, bool fits) =>
        Assert.Equal(
            fits,
            new SymbolicShape(symbols).Fits(TensorShape.Create(sizes), new(StringComparer.Ordinal) { ["N"] = 2, ["M"] = 3, ["D"] = 4 }));
}
