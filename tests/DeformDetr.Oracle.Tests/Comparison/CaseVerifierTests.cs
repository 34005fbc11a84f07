using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Comparison;

/// <summary>Whole cases: what fails, what is only counted, and what a ranking leaves free.</summary>
public class CaseVerifierTests
{
    [Fact]
    public void The_first_failing_tensor_in_the_order_of_computation_is_named()
    {
        using CaseCopy copy = new("attn-points");
        foreach (string name in new[] { "output", "sampling_locations" })
        {
            copy.Change<float>(name, tensor => tensor.AsSpan()[0] += 0.01f);
            copy.Change<double>(name, tensor => tensor.AsSpan()[0] += 0.01, "expected64.safetensors");
        }

        CaseResult result = copy.Verify();
        Assert.False(result.Passed);
        Assert.Equal("sampling_locations", result.FirstFailure?.Tensor);
        Assert.Equal(2, result.Tensors.Count(tensor => tensor.Failed));
    }

    [Fact]
    public void A_tensor_that_is_not_produced_fails()
    {
        using CaseCopy copy = new("operator-relu");
        copy.Rewrite("expected.safetensors", tensors => tensors.Add("nobody.makes.this", new Tensor<float>([1])));
        CaseResult result = copy.Verify();
        Assert.Equal(Verdict.Absent, result.FirstFailure?.Verdict);
        Assert.False(result.Passed);
    }

    [Fact]
    public void Gradients_of_a_whole_model_are_counted_apart_and_do_not_fail()
    {
        using CaseCopy copy = new("transformer-unpadded");
        copy.Rewrite("expected.safetensors", tensors => tensors.Add("grad.transformer.memory", new Tensor<float>([1])));
        CaseResult result = copy.Verify();
        Assert.True(result.Passed);
        Assert.Equal(1, result.NotComputed);
    }

    [Fact]
    public void A_case_that_expects_nothing_that_is_computed_does_not_pass()
    {
        using CaseCopy copy = new("transformer-unpadded");
        copy.Rewrite("expected.safetensors", tensors =>
        {
            tensors.Clear();
            tensors.Add("grad.transformer.memory", new Tensor<float>([1]));
        });
        File.Delete(Path.Combine(copy.Folder, "expected64.safetensors"));
        copy.RewriteJson(text => text.Replace("\"expected64\": \"expected64.safetensors\",", "", StringComparison.Ordinal));
        Assert.False(copy.Verify().Passed);
    }

    [Fact]
    public void Padded_elements_of_the_sine_encoding_do_not_count_but_others_do()
    {
        using CaseCopy copy = new("position-sine-padded");
        using DeformDetr.Formats.TensorFile inputs = DeformDetr.Formats.TensorFile.Open(Path.Combine(copy.Folder, "inputs.safetensors"));
        Tensor<bool> mask = inputs.Read<bool>("mask");
        int padded = mask.AsReadOnlySpan().IndexOf(true);
        int valid = mask.AsReadOnlySpan().IndexOf(false);
        int cells = mask.Shape[1] * mask.Shape[2];
        Assert.True(padded < cells || mask.Shape[0] > 1);
        copy.Change<double>("pos", tensor => tensor.AsSpan()[At(padded, cells, tensor.Shape[1])] += 5, "expected64.safetensors");
        CaseResult result = copy.Verify(ElementType.Float64);
        Assert.True(result.Passed);
        Assert.True(result.Tensors[0].PaddingError > 1);
        copy.Change<double>("pos", tensor => tensor.AsSpan()[At(valid, cells, tensor.Shape[1])] += 1e-9, "expected64.safetensors");
        Assert.False(copy.Verify(ElementType.Float64).Passed);
    }

    [Fact]
    public void Tied_proposals_may_stand_in_any_order_and_the_decoder_is_brought_into_it()
    {
        using CaseCopy copy = new("transformer-two-stage-ties");
        Assert.True(copy.Verify().Passed);
        copy.Change<long>("transformer.topk_proposals", Swap);
        copy.Change<long>("transformer.topk_proposals", Swap, "expected64.safetensors");
        Assert.True(copy.Verify().Passed);

        // The last two are among the masked tokens, which share one logit.
        static void Swap(Tensor<long> ranking) => (ranking[0, ranking.Shape[1] - 1], ranking[0, ranking.Shape[1] - 2]) = (ranking[0, ranking.Shape[1] - 2], ranking[0, ranking.Shape[1] - 1]);
    }

    [Fact]
    public void Detections_within_a_tie_may_change_places_but_not_across_scores()
    {
        using CaseCopy copy = new("post-process-ties-inside");
        Tensor<float>? scores = null;
        copy.Change<float>("results.0.scores", tensor => scores = tensor.Clone());
        int tied = Enumerable.Range(0, 99).First(rank => scores![rank] == scores[rank + 1]);
        int apart = Enumerable.Range(0, 99).First(rank => scores![rank] - scores[rank + 1] > 1e-3f);
        SwapDetections(copy, tied);
        Assert.True(copy.Verify().Passed);
        SwapDetections(copy, apart);
        CaseResult result = copy.Verify();
        Assert.False(result.Passed);
        Assert.Contains(result.FirstFailure?.Tensor, new[] { "results.0.labels", "results.0.boxes" });
    }

    [Fact]
    public void A_wrong_label_or_box_inside_a_tie_fails()
    {
        using CaseCopy copy = new("post-process-ties-across-the-cut");
        Assert.True(copy.Verify().Passed);
        copy.Change<long>("results.0.labels", labels => labels[50] += 1);
        copy.Change<long>("results.0.labels", labels => labels[50] += 1, "expected64.safetensors");
        Assert.False(copy.Verify().Passed);
    }

    private static void SwapDetections(CaseCopy copy, int rank)
    {
        foreach (string file in new[] { "expected.safetensors", "expected64.safetensors" })
        {
            copy.Rewrite(file, tensors =>
            {
                Tensor<long> labels = (Tensor<long>)tensors["results.0.labels"];
                (labels[rank], labels[rank + 1]) = (labels[rank + 1], labels[rank]);
                switch (tensors["results.0.boxes"])
                {
                    case Tensor<float> boxes: SwapRows(boxes, rank); break;
                    case Tensor<double> boxes: SwapRows(boxes, rank); break;
                }
            });
        }
    }

    private static void SwapRows<T>(Tensor<T> boxes, int row)
        where T : unmanaged
    {
        for (int axis = 0; axis < 4; axis++)
        {
            (boxes[row, axis], boxes[row + 1, axis]) = (boxes[row + 1, axis], boxes[row, axis]);
        }
    }

    // The flat index in [N, C, H, W], channel 0, of a flat cell of [N, H, W].
    private static int At(int cell, int cells, int channels) => (cell / cells * channels * cells) + (cell % cells);
}
