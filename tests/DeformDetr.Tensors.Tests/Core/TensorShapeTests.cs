namespace DeformDetr.Tensors.Tests.Core;

public class TensorShapeTests
{
    [Fact]
    public void Sizes_rank_and_length()
    {
        TensorShape shape = [2, 193, 256];
        Assert.Equal(3, shape.Rank);
        Assert.Equal(2 * 193 * 256, shape.ElementCount);
        Assert.Equal(193, shape[1]);
        Assert.Equal(256, shape[^1]);
        Assert.Equal(193 * 256, shape.LengthFrom(1));
        Assert.Equal(1, shape.LengthFrom(3));
        Assert.Equal([2, 193, 256], shape.ToArray());
        Assert.Equal("[2, 193, 256]", shape.ToString());
    }

    [Fact]
    public void A_scalar_has_no_axes_and_one_element()
    {
        foreach (TensorShape shape in new TensorShape[] { [], default })
        {
            Assert.Equal(0, shape.Rank);
            Assert.Equal(1, shape.ElementCount);
            Assert.Equal("[]", shape.ToString());
            Assert.Empty(shape);
        }

        Assert.True(default(TensorShape) == []);
    }

    [Fact]
    public void Equality_is_that_of_the_sizes()
    {
        TensorShape shape = [2, 3];
        Assert.True(shape == [2, 3]);
        Assert.True(shape != [3, 2]);
        Assert.True(shape != [2, 3, 1]);
        Assert.Equal(shape.GetHashCode(), TensorShape.Create([2, 3]).GetHashCode());
        Assert.NotEqual(shape.GetHashCode(), TensorShape.Create([3, 2]).GetHashCode());
        Assert.True(shape.Equals((object)TensorShape.Create([2, 3])));
        Assert.False(shape.Equals("[2, 3]"));
    }

    [Fact]
    public void With_changes_one_axis_of_a_copy()
    {
        TensorShape shape = [2, 3];
        Assert.Equal([2, 7], shape.With(^1, 7));
        Assert.Equal([7, 3], shape.With(0, 7));
        Assert.Equal([2, 3], shape);
    }

    [Fact]
    public void A_zero_makes_it_empty() => Assert.Equal(0, TensorShape.Create([5, 0, 3]).ElementCount);

    [Fact]
    public void Refusals()
    {
        Assert.Equal("shape: axis sizes [2, -1] hold a negative number; expected sizes >= 0.", Assert.Throws<ArgumentException>(() => TensorShape.Create([2, -1])).Message);
        Assert.Equal(
            "shape: [65536, 65536] holds more elements than one array can; expected at most 2147483591.", Assert.Throws<ArgumentException>(() => TensorShape.Create([65536, 65536])).Message);
        Assert.Throws<ArgumentException>(() => TensorShape.Create([2, 3]).With(0, -1));
        Assert.ThrowsAny<Exception>(() => TensorShape.Create([2, 3])[2]);
        Assert.ThrowsAny<Exception>(() => TensorShape.Create([2, 3])[^3]);
    }
}
