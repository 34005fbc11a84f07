using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;
using Xunit.Abstractions;

namespace DeformDetr.Oracle.Tests.Checking.Noise;

/// <summary>Small mistakes exceed the noise of a step.</summary>
public class NoiseCatchesTests(ITestOutputHelper output)
{
    private readonly Draws _draws = new(7);

    [Theory]
    [InlineData(256)]
    [InlineData(1024)]
    public void A_bias_of_a_4096th_of_the_scale_that_one_channel_of_a_linear_layer_lost(int depth)
    {
        Tensor<float> x = _draws.Normal([100, depth]);
        Tensor<float> weight = _draws.Normal([64, depth]);
        Tensor<float> bias = Lost(64, a => a.Linear(a.Given(_x!), a.Given(_weight!), null), x, weight, 21);
        Caught(
            a => a.Linear(a.Given(x), a.Given(weight), a.Given(bias)), a => a.Linear(a.Given(x), a.Given(weight), null));
    }

    [Fact]
    public void A_bias_of_a_4096th_of_the_scale_that_one_channel_of_a_convolution_of_4608_terms_lost()
    {
        Tensor<float> x = _draws.Fill([1, 512, 7, 7], () => Math.Max(0, _draws.Normal()));
        Tensor<float> weight = _draws.Normal([8, 512, 3, 3]);
        Conv2dWindow window = new(1, 1);
        Tensor<float> bias = Lost(8, a => a.Conv2d(a.Given(_x!), a.Given(_weight!), null, window), x, weight, 3);
        Caught(
            a => a.Conv2d(a.Given(x), a.Given(weight), a.Given(bias), window),
            a => a.Conv2d(a.Given(x), a.Given(weight), null, window));
    }

    [Fact]
    public void LayerNorms_epsilon()
    {
        Tensor<float> x = _draws.Normal([10, 256]);
        Tensor<float> weight = _draws.Fill([256], () => 1);
        Tensor<float> bias = new([256]);
        Caught(
            a => a.LayerNorm(a.Given(x), a.Given(weight), a.Given(bias)),
            a => a.LayerNorm(a.Given(x), a.Given(weight), a.Given(bias), 1e-6));
    }

    [Fact]
    public void GroupNorms_epsilon()
    {
        Tensor<float> x = _draws.Normal([1, 64, 8, 8]);
        Tensor<float> weight = _draws.Fill([64], () => 1);
        Tensor<float> bias = new([64]);
        Caught(
            a => a.GroupNorm(a.Given(x), 8, a.Given(weight), a.Given(bias)),
            a => a.GroupNorm(a.Given(x), 8, a.Given(weight), a.Given(bias), 1e-6));
    }

    [Theory]
    [InlineData(1e-3)]
    [InlineData(1e-6)]
    [InlineData(0)]
    public void FrozenBatchNorms_epsilon(double epsilon)
    {
        Tensor<float> x = _draws.Normal([1, 16, 8, 8]);
        Tensor<float> weight = _draws.Fill([16], () => 1);
        Tensor<float> bias = _draws.Normal([16]);
        Tensor<float> mean = _draws.Normal([16]);
        Tensor<float> variance = _draws.Fill([16], () => 0.5 + _draws.Real(0, 1));
        Caught(
            a => a.FrozenBatchNorm(a.Given(x), a.Given(weight), a.Given(bias), a.Given(mean), a.Given(variance)),
            a => a.FrozenBatchNorm(a.Given(x), a.Given(weight), a.Given(bias), a.Given(mean), a.Given(variance), epsilon));
    }

    [Theory]
    [InlineData(1e-3)]
    [InlineData(1e-6)]
    public void Inverse_sigmoids_epsilon(double epsilon)
    {
        Tensor<float> x = Tensor<float>.Create([6], [0, 1e-6f, 1e-4f, 0.5f, 0.99999f, 1]);
        Caught(a => a.InverseSigmoid(a.Given(x)), a => a.InverseSigmoid(a.Given(x), epsilon));
    }

    [Fact]
    public void Half_a_pixel()
    {
        Tensor<long> shapes = Tensor<long>.Create([1, 2], [20, 30]);
        Tensor<long> starts = new([1]);
        Tensor<float> value = _draws.Normal([1, 600, 2, 8]);
        Tensor<float> locations = _draws.Fill([1, 50, 2, 1, 4, 2], () => _draws.Real(0, 1));
        Tensor<float> shifted = _draws.Fill(locations.Shape, () => 0);
        for (int i = 0; i < locations.Length; i++)
        {
            shifted.AsSpan()[i] = locations.AsSpan()[i] + (0.5f / shapes[0, 1 - (i % 2)]);
        }

        Tensor<float> weights = _draws.Fill([1, 50, 2, 1, 4], () => 0.25);
        Caught(
            a => a.Sample(a.Given(value), a.Given(shapes), a.Given(starts), a.Given(locations), a.Given(weights)),
            a => a.Sample(a.Given(value), a.Given(shapes), a.Given(starts), a.Given(shifted), a.Given(weights)));
    }

    [Fact]
    public void Gelu_by_tanh()
    {
        Tensor<float> x = _draws.Normal([300]);
        Caught(
            a => a.Gelu(a.Given(x)),
            a => a.Apply(
                a.Given(x),
                v => v / (1 + DeformDetr.Tensors.Numerics.Elementary.Exp(-2 * 0.7978845608028654 * (v + (0.044715 * v * v * v))))));
    }

    [Fact]
    public void Sine_positions_without_the_half_cell_or_with_another_temperature()
    {
        Tensor<bool> mask = new([1, 20, 30]);
        Quantity expected = Spread.Noise().SinePosition(new Quantity(mask), 64);
        Tensor<bool> larger = new([1, 21, 31]);
        Quantity other = Spread.Noise().SinePosition(new Quantity(larger), 64);
        Tensor<float> wrong = new(expected.Shape);
        for (int i = 0; i < wrong.Length; i++)
        {
            (int channel, int row, int column) = (i / 600, i / 30 % 20, i % 30);
            wrong.AsSpan()[i] = (float)other.Real.AsReadOnlySpan()[(((channel * 21) + row) * 31) + column];
        }

        Assert.True(Spread.Of(wrong, expected).Largest > 100);
    }

    [Fact]
    public void What_has_no_noise_must_be_exact()
    {
        Tensor<float> x = _draws.Normal([4, 5]);
        Quantity moved = Spread.Noise().Permute(Spread.Noise().Given(x), 1, 0);
        Assert.Null(moved.Noise);
        Tensor<float> wrong = Permute.Forward(new OperatorContext(), x, 1, 0);
        Assert.Equal(0, Spread.Of(wrong, moved).Largest);
        wrong.AsSpan()[3] = MathF.BitIncrement(wrong.AsSpan()[3]);
        Assert.Equal(double.PositiveInfinity, Spread.Of(wrong, moved).Largest);
    }

    private Tensor<float>? _x;

    private Tensor<float>? _weight;

    private Tensor<float> Lost(int outputs, Func<Algebra, Quantity> layer, Tensor<float> x, Tensor<float> weight, int channel)
    {
        (_x, _weight) = (x, weight);
        double scale = 0;
        foreach (double y in layer(Spread.Noise()).Real.AsReadOnlySpan())
        {
            scale = Math.Max(scale, Math.Abs(y));
        }

        Tensor<float> bias = new([outputs]);
        bias.AsSpan()[channel] = (float)Math.ScaleB(scale, -12);
        return bias;
    }

    private void Caught(Func<Algebra, Quantity> right, Func<Algebra, Quantity> wrong)
    {
        Quantity expected = right(Spread.Noise());
        double least = double.PositiveInfinity;
        foreach ((_, Algebra algebra) in Spread.Runs)
        {
            Assert.True(Spread.Of((Tensor<float>)right(algebra).Tensor, expected).Largest <= 1);
            least = Math.Min(least, Spread.Of((Tensor<float>)wrong(algebra).Tensor, expected).Largest);
        }

        output.WriteLine($"{least:0.0}");
        Assert.True(least > 1, $"{least:0.00} of the noise");
    }
}
