using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Core;

public class TensorStatisticsTests
{
    [Fact]
    public void By_hand_over_finite_elements()
    {
        Tensor<float> tensor = Values.Of<float>([5], 1, double.NaN, -3, double.PositiveInfinity, 8);
        Assert.Equal(new TensorStatistics(-3, 8, 2, 2), TensorStatistics.Of(tensor));
    }

    [Fact]
    public void Every_element_type()
    {
        TensorStatistics expected = new(0, 3, 1.5, 0);
        Assert.Equal(expected, TensorStatistics.Of(Values.Counting<float>(4)));
        Assert.Equal(expected, TensorStatistics.Of(Values.Counting<double>(4)));
        Assert.Equal(expected, TensorStatistics.Of(Values.Counting<long>(4)));
        Assert.Equal(expected, TensorStatistics.Of(Values.Counting<int>(4)));
        Assert.Equal(expected, TensorStatistics.Of(Values.Counting<byte>(4)));
        Assert.Equal(new TensorStatistics(0, 1, 0.75, 0), TensorStatistics.Of(Tensor<bool>.FromArray([4], [true, false, true, true])));
    }

    [Fact]
    public void Without_finite_elements_there_is_none()
    {
        Assert.Equal(new TensorStatistics(double.NaN, double.NaN, double.NaN, 0), TensorStatistics.Of(new Tensor<float>([0])));
        Assert.Equal(new TensorStatistics(double.NaN, double.NaN, double.NaN, 1), TensorStatistics.Of(Values.Of<double>([1], double.NaN)));
    }

    [Fact]
    public void The_mean_of_floats_is_summed_in_double()
    {
        float[] values = new float[1 << 20];
        Array.Fill(values, 0.1f);
        values[0] = 1e8f;
        Assert.Equal((1e8 + ((values.Length - 1) * (double)0.1f)) / values.Length, TensorStatistics.Of(Tensor<float>.FromArray([values.Length], values)).Mean, 1e-6);
    }
}
