using DeformDetr.Independent;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Transformer;

public class ProposalPositionEncodingTests
{
    [Fact]
    public void Coordinates_follow_one_another_x_y_w_h_sines_and_cosines_interleaved()
    {
        // σ(0) = 1/2: the first pair of features is sin π and cos π; σ(∞) = 1: sin 2π and cos 2π; σ(-∞) = 0.
        Tensor<double> encoded = ProposalPositionEncoding.Forward(
            new OperatorContext(), Draw.Of<double>([1, 1, 4], 0, double.PositiveInfinity, double.NegativeInfinity, 0));
        Assert.Equal([1, 1, 512], encoded.Shape);
        Assert.Equal(0, encoded[0, 0, 0], 1e-15);
        Assert.Equal(-1, encoded[0, 0, 1]);
        Assert.Equal(0, encoded[0, 0, 128], 1e-15);
        Assert.Equal(1, encoded[0, 0, 129]);
        for (int feature = 0; feature < 128; feature++)
        {
            Assert.Equal(feature % 2, encoded[0, 0, 256 + feature]);
            Assert.Equal(encoded[0, 0, feature], encoded[0, 0, 384 + feature]);
        }
    }

    [Fact]
    public void Every_feature_agrees_with_an_independent_formula()
    {
        Tensor<double> proposals = Draw.Numbers<double>(3, [2, 9, 4], 2);
        proposals[1, 3, 2] = double.PositiveInfinity;
        Expect.Close(Geometry.ProposalEncoding(proposals.Doubles()), ProposalPositionEncoding.Forward(new OperatorContext(), proposals).Doubles(), 1e-14);

        Tensor<float> narrow = Draw.Numbers<float>(3, [2, 9, 4], 2);
        Expect.Close(Geometry.ProposalEncoding(narrow.Doubles()), ProposalPositionEncoding.Forward(new OperatorContext(), narrow).Doubles(), 1e-7);
    }

    [Fact]
    public void Boxes_of_another_size_are_refused() =>
        Expect.Refusal<ArgumentException>(
            "proposal position encoding: proposals holds [1, 2, 2]; expected [N, Q, 4] = [any, any, 4].",
            () => ProposalPositionEncoding.Forward(new OperatorContext(), new Tensor<float>([1, 2, 2])));
}
