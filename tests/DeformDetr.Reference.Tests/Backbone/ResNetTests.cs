using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Backbone;

public class ResNetTests
{
    private const string Body = "backbone.0.body";

    private static readonly BackboneSpec Basic = new(ResidualBlock.Basic, 8, [1, 2, 1, 1]);
    private static readonly BackboneSpec Bottleneck = new(ResidualBlock.Bottleneck, 4, [1, 1, 2, 2]);

    [Theory]
    [InlineData(64, 96)]
    [InlineData(65, 97)]
    [InlineData(33, 63)]
    [InlineData(1, 31)]
    public void Every_stride_rounds_up(int height, int width)
    {
        foreach (BackboneSpec spec in new[] { Basic, Bottleneck })
        {
            List<Tensor<float>> maps = Run(spec, false, height, width).Maps;
            Assert.Equal(3, maps.Count);
            for (int layer = 1; layer <= 3; layer++)
            {
                Assert.Equal([1, spec.Channels(layer), Halve(height, layer + 2), Halve(width, layer + 2)], maps[layer - 1].Shape);
            }
        }
    }

    [Fact]
    public void Dilation_keeps_the_stride_of_layer3_in_layer4_and_its_first_block_undilated()
    {
        (List<Tensor<float>> maps, RecordingSink sink, MadeWeights<float> w) = Run(Bottleneck, true, 65, 97, first: 3);
        Assert.Single(maps);
        Assert.Equal([1, 128, 5, 7], maps[0].Shape);
        Assert.Equal([1, 64, 5, 7], sink.Tensors[$"{Body}.layer3.1"].Shape);

        // torchvision: the first block keeps the dilation of the layer before, 1; the others have 2.
        Expect.Close(Convolve(sink, w, "layer4.0.conv2", ReluOf(sink, "layer4.0.bn1"), 3, 1, 1, 1), sink.Of<float>($"{Body}.layer4.0.conv2").Doubles(), 1e-5);
        Expect.Close(Convolve(sink, w, "layer4.1.conv2", ReluOf(sink, "layer4.1.bn1"), 3, 1, 2, 2), sink.Of<float>($"{Body}.layer4.1.conv2").Doubles(), 1e-5);
    }

    [Fact]
    public void Outputs_and_what_a_listener_puts_in_are_not_written_to()
    {
        foreach (BackboneSpec spec in new[] { Basic, Bottleneck, new BackboneSpec(ResidualBlock.Bottleneck, 4, [3, 3, 3, 3]) })
        {
            ResNet<float> net = new(new MadeWeights<float>(), spec, false);
            Tensor<float> samples = Draw.Numbers<float>(3, [2, 3, 70, 130]);
            Tensor<float> before = samples.Clone();
            RecordingSink all = new();
            List<Tensor<float>> expected = net.Forward(new ForwardPass(Kernels.Simd, 1, all), samples, 1);
            foreach (Func<string, bool> wants in new Func<string, bool>[]
            {
                _ => false,
                name => name.EndsWith("downsample.1", StringComparison.Ordinal),
                name => name.Split('.').Length == 5,
                name => name.EndsWith("maxpool", StringComparison.Ordinal),
            })
            {
                ReplacingSink sink = new((_, tensor) => tensor.CloneUntyped(), wants);
                List<Tensor<float>> maps = net.Forward(new ForwardPass(Kernels.Simd, 2, sink), samples, 1);
                foreach ((Tensor<float> map, Tensor<float> map0) in maps.Zip(expected))
                {
                    Expect.SameBits(map0, map, "an output");
                }

                sink.RequireUntouched();
            }

            Expect.SameBits(before, samples, "samples");
        }
    }

    [Fact]
    public void Names_are_those_of_torchvisions_modules_in_order()
    {
        List<string> basic = Run(Basic, false, 33, 40).Sink.Names;
        Assert.Equal(
            [
                "conv1", "bn1", "maxpool",
                "layer1.0.conv1", "layer1.0.bn1", "layer1.0.conv2", "layer1.0.bn2", "layer1.0",
                "layer2.0.conv1", "layer2.0.bn1", "layer2.0.conv2", "layer2.0.bn2", "layer2.0.downsample.0", "layer2.0.downsample.1", "layer2.0",
                "layer2.1.conv1", "layer2.1.bn1", "layer2.1.conv2", "layer2.1.bn2", "layer2.1",
                "layer3.0.conv1", "layer3.0.bn1", "layer3.0.conv2", "layer3.0.bn2", "layer3.0.downsample.0", "layer3.0.downsample.1", "layer3.0",
                "layer4.0.conv1", "layer4.0.bn1", "layer4.0.conv2", "layer4.0.bn2", "layer4.0.downsample.0", "layer4.0.downsample.1", "layer4.0",
            ],
            basic.Select(name => name[(Body.Length + 1)..]));
        List<string> bottleneck = Run(Bottleneck, false, 33, 40).Sink.Names;
        Assert.Contains($"{Body}.layer1.0.downsample.1", bottleneck);
        Assert.Contains($"{Body}.layer3.1.bn3", bottleneck);
        Assert.DoesNotContain($"{Body}.layer3.1.downsample.0", bottleneck);
    }

    [Theory]
    [InlineData(1, Kernels.Textbook)]
    [InlineData(1, Kernels.Simd)]
    [InlineData(2, Kernels.Textbook)]
    [InlineData(2, Kernels.Simd)]
    public void A_bottleneck_block_agrees_with_plain_loops(int stride, Kernels kernels)
    {
        Block<float>(ResidualBlock.Bottleneck, stride, kernels, 4e-6);
        Block<double>(ResidualBlock.Bottleneck, stride, kernels, 1e-13);
    }

    [Theory]
    [InlineData(1, Kernels.Textbook)]
    [InlineData(2, Kernels.Simd)]
    public void A_basic_block_agrees_with_plain_loops(int stride, Kernels kernels)
    {
        Block<float>(ResidualBlock.Basic, stride, kernels, 4e-6);
        Block<double>(ResidualBlock.Basic, stride, kernels, 1e-13);
    }

    [Fact]
    public void The_stem_agrees_with_plain_loops()
    {
        MadeWeights<double> w = new();
        Tensor<double> picture = Draw.Numbers<double>(3, [2, 3, 13, 18]);
        RecordingSink sink = new();
        new ResNet<double>(w, Basic, false).Forward(new ForwardPass(Kernels.Simd, 2, sink), picture, 1);
        Maps conv = new Maps(2, 3, 13, 18, picture.Doubles()).Convolve(w[$"{Body}.conv1.weight"], null, 8, 7, 2, 3);
        Maps norm = Norm(conv, w, $"{Body}.bn1");
        Expect.Close(conv.Values, sink.Of<double>($"{Body}.conv1").Doubles(), 1e-13, "conv1");
        Expect.Close(norm.Values, sink.Of<double>($"{Body}.bn1").Doubles(), 1e-13, "bn1");
        Expect.Close(norm.Relu().MaxPool().Values, sink.Of<double>($"{Body}.maxpool").Doubles(), 1e-13, "maxpool");
    }

    internal static Maps Norm<T>(Maps maps, MadeWeights<T> w, string name)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        maps.FrozenNorm(w[$"{name}.weight"], w[$"{name}.bias"], w[$"{name}.running_mean"], w[$"{name}.running_var"]);

    private static void Block<T>(ResidualBlock kind, int stride, Kernels kernels, double relative)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        const int Planes = 3;
        BackboneSpec spec = new(kind, Planes, [1, 1, 1, 1]);
        int outputs = Planes * spec.Expansion;
        int inputs = stride == 1 ? outputs : 5;
        MadeWeights<T> w = new();
        ResNetBlock<T> block = new(w, "b", spec, inputs, Planes, stride, 1);
        Tensor<T> input = Draw.Numbers<T>(9, [2, inputs, 6, 7]);
        Maps x = new(2, inputs, 6, 7, input.Doubles());
        Maps y = kind == ResidualBlock.Bottleneck
            ? Norm(
                Norm(Norm(x.Convolve(w["b.conv1.weight"], null, Planes, 1), w, "b.bn1").Relu().Convolve(w["b.conv2.weight"], null, Planes, 3, stride, 1), w, "b.bn2")
                    .Relu().Convolve(w["b.conv3.weight"], null, outputs, 1),
                w,
                "b.bn3")
            : Norm(Norm(x.Convolve(w["b.conv1.weight"], null, Planes, 3, stride, 1), w, "b.bn1").Relu().Convolve(w["b.conv2.weight"], null, Planes, 3, 1, 1), w, "b.bn2");
        Maps identity = stride == 1 ? x : Norm(x.Convolve(w["b.downsample.0.weight"], null, outputs, 1, stride), w, "b.downsample.1");
        Expect.Close(y.Plus(identity).Relu().Values, block.Forward(new ForwardPass(kernels, 2), input).Doubles(), relative);
    }

    private static int Halve(int size, int times) => times == 0 ? size : Halve((size + 1) / 2, times - 1);

    private static double[] Convolve(RecordingSink sink, MadeWeights<float> w, string name, Maps input, int kernel, int stride, int padding, int dilation) =>
        input.Convolve(w[$"{Body}.{name}.weight"], null, sink.Tensors[$"{Body}.{name}"].Shape[1], kernel, stride, padding, dilation).Values;

    private static Maps ReluOf(RecordingSink sink, string name)
    {
        Tensor<float> tensor = sink.Of<float>($"{Body}.{name}");
        return new Maps(tensor.Shape[0], tensor.Shape[1], tensor.Shape[2], tensor.Shape[3], tensor.Doubles()).Relu();
    }

    private static (List<Tensor<float>> Maps, RecordingSink Sink, MadeWeights<float> Weights) Run(BackboneSpec spec, bool dilation, int height, int width, int first = 1)
    {
        MadeWeights<float> weights = new();
        RecordingSink sink = new();
        List<Tensor<float>> maps = new ResNet<float>(weights, spec, dilation).Forward(new ForwardPass(Kernels.Simd, 2, sink), Draw.Numbers<float>(5, [1, 3, height, width]), first);
        return (maps, sink, weights);
    }
}
