using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Passes;

public class ForwardPassTests
{
    [Fact]
    public void Without_a_sink_a_name_is_not_even_put_together()
    {
        Counted counted = new();
        ForwardPass pass = new();
        Tensor<float> tensor = new([1]);
        Assert.Same(tensor, pass.Tap($"{counted}.x", tensor));
        Assert.False(pass.Taps($"{counted}.x"));
        Assert.Equal(0, counted.Calls);
        Assert.Null(tensor.Name);
    }

    [Fact]
    public void A_sink_is_shown_what_it_wants_under_its_name()
    {
        Counted counted = new();
        RecordingSink sink = new(name => name != "y");
        ForwardPass pass = new(Kernels.Simd, 3, sink);
        Tensor<float> tensor = new([1]);
        Assert.Same(tensor, pass.Tap($"{counted}.x", tensor));
        Assert.Equal("layer.x", tensor.Name);
        Assert.Same(tensor, pass.Tap("y", tensor));
        Assert.Equal(["layer.x"], sink.Names);
        Assert.True(pass.Taps($"{counted}"));
        Assert.False(pass.Taps($"y"));
        Assert.Equal((Kernels.Simd, 3), (pass.Kernels, pass.Threads));
    }

    [Fact]
    public void A_replacement_of_another_shape_is_refused()
    {
        ForwardPass pass = new(sink: new ReplacingSink((_, _) => new Tensor<float>([2, 3])));
        Expect.Refusal<ArgumentException>("tap: the replacement for a.b holds [2, 3]; expected [3, 2].", () => pass.Tap("a.b", new Tensor<float>([3, 2])));
    }

    private sealed class Counted
    {
        public int Calls { get; private set; }

        public override string ToString()
        {
            Calls++;
            return "layer";
        }
    }
}
