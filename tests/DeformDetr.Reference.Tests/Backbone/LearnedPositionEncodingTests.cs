using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Backbone;

public class LearnedPositionEncodingTests
{
    [Fact]
    public void Columns_stand_before_rows()
    {
        MadeWeights<float> weights = new();
        Tensor<float> encoded = new LearnedPositionEncoding<float>(weights, "backbone.1", 8).Forward(new OperatorContext(), 2, 3, 5);
        Assert.Equal([2, 8, 3, 5], encoded.Shape);
        Tensor<float> rows = weights.Taken["backbone.1.row_embed.weight"];
        Tensor<float> columns = weights.Taken["backbone.1.col_embed.weight"];
        Assert.Equal([50, 4], rows.Shape);
        Assert.Equal([50, 4], columns.Shape);
        for (int at = 0; at < encoded.Length; at++)
        {
            (int channel, int i, int j) = (at / 15 % 8, at / 5 % 3, at % 5);
            Assert.Equal(channel < 4 ? columns[j, channel] : rows[i, channel - 4], encoded.AsSpan()[at]);
        }
    }

    [Fact]
    public void Fifty_rows_and_columns_are_the_most()
    {
        LearnedPositionEncoding<double> encoding = new(new MadeWeights<double>(), "backbone.1", 4);
        Assert.Equal([1, 4, 50, 50], encoding.Forward(new OperatorContext(), 1, 50, 50).Shape);
        Expect.Refusal<ArgumentException>(
            "learned position encoding: map holds 51 x 3 cells; expected at most 50 x 50 (the original's tables).", () => encoding.Forward(new OperatorContext(), 1, 51, 3));
        Expect.Refusal<ArgumentException>(
            "learned position encoding: map holds 3 x 51 cells; expected at most 50 x 50 (the original's tables).", () => encoding.Forward(new OperatorContext(), 1, 3, 51));
    }
}
