using System.Numerics;
using DeformDetr.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeformDetr.Reference.Tests.Backbone;

public class ResNetBlockTests
{
    private static readonly Gen<Setting> Any =
        from kind in Gen.Elements(ResidualBlock.Basic, ResidualBlock.Bottleneck)
        from stride in Gen.Choose(1, 2)
        from planes in Gen.Choose(1, 9)
        from inputs in Gen.Choose(0, 9)
        from n in Gen.Choose(1, 3)
        from height in Gen.Choose(1, 9)
        from width in Gen.Choose(1, 40)
        from dilation in Gen.Choose(1, 2)
        from threads in Gen.Choose(1, 7)
        from seed in Gen.Choose(0, 1_000_000)
        select new Setting(kind, stride, planes, inputs, n, height, width, kind == ResidualBlock.Basic ? 1 : dilation, threads, seed);

    // No inputs of its own: as many as outputs, so that nothing is downsampled at stride 1.
    private sealed record Setting(
        ResidualBlock Kind, int Stride, int Planes, int Inputs, int N, int Height, int Width, int Dilation, int Threads, int Seed)
    {
        public BackboneSpec Spec => new(Kind, Planes, [1, 1, 1, 1]);

        public int Channels => Inputs == 0 ? Planes * Spec.Expansion : Inputs;

        public string[] Names()
        {
            string[] convolutions = Kind == ResidualBlock.Basic
                ? ["b.conv1", "b.bn1", "b.conv2", "b.bn2"]
                : ["b.conv1", "b.bn1", "b.conv2", "b.bn2", "b.conv3", "b.bn3"];
            bool downsampled = Stride != 1 || Channels != Planes * Spec.Expansion;
            return downsampled ? [.. convolutions, "b.downsample.0", "b.downsample.1", "b"] : [.. convolutions, "b"];
        }
    }

    [Fact]
    public void It_has_the_same_bits_whoever_listens_and_a_sink_sees_the_full_trace_filtered()
    {
        Properties.Holds(Any, Law<float>, 80);
        Properties.Holds(Any, Law<double>, 40);

        static void Law<T>(Setting s)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            ResNetBlock<T> block = new(new MadeWeights<T>(seed: (ulong)s.Seed), "b", s.Spec, s.Channels, s.Planes, s.Stride, s.Dilation);
            Tensor<T> input = Draw.Numbers<T>(s.Seed, [s.N, s.Channels, s.Height, s.Width]);
            Tensor<T> before = input.Clone();
            RecordingSink all = new();
            Tensor<T> expected = block.Forward(new ForwardPass(Kernels.Simd, 1, all), input);
            string[] names = s.Names();
            Assert.Equal(names, all.Names);
            ForwardPass pass = new(Kernels.Simd, s.Threads);
            Expect.SameBits(expected, block.Forward(pass, input), "nobody listens");
            Expect.SameBits(expected, block.Forward(pass, input), "again with the same pass");
            Expect.SameBits(expected, block.Forward(pass, input.Clone(), spent: true), "in the place of its input, where it can be");
            Random random = new(s.Seed);
            HashSet<string> some = [.. names.Where(_ => random.Next(3) == 0)];
            foreach (HashSet<string> wanted in names.Select(name => new HashSet<string> { name }).Append(some))
            {
                RecordingSink sink = new(wanted.Contains);
                Tensor<T> actual = block.Forward(new ForwardPass(Kernels.Simd, s.Threads, sink), input);
                Expect.SameBits(expected, actual, $"{string.Join(", ", wanted)} wanted");
                Assert.Equal(names.Where(wanted.Contains), sink.Names);
                Assert.All(sink.Names, name => Expect.SameBits(all.Tensors[name], sink.Tensors[name], name));
            }

            Expect.SameBits(before, input, "the input");
        }
    }

    [Fact]
    public void The_block_in_doubles_is_the_sum_of_its_parts_then_its_positive_part()
    {
        // The heard norm and the heard identity, added after the fact.
        foreach (ResidualBlock kind in new[] { ResidualBlock.Basic, ResidualBlock.Bottleneck })
        {
            Setting s = new(kind, 2, 4, 3, 2, 7, 9, 1, 2, 8);
            ResNetBlock<double> block = new(new MadeWeights<double>(), "b", s.Spec, 3, 4, 2, 1);
            Tensor<double> input = Draw.Numbers<double>(1, [2, 3, 7, 9]);
            RecordingSink all = new();
            block.Forward(new ForwardPass(Kernels.Simd, 1, all), input);
            double[] normed = all.Of<double>(kind == ResidualBlock.Basic ? "b.bn2" : "b.bn3").Doubles();
            double[] identity = all.Of<double>("b.downsample.1").Doubles();
            double[] expected = [.. normed.Zip(identity, (a, b) => a + b > 0 ? a + b : 0)];
            Assert.Contains(0, expected);
            Assert.Equal(expected, block.Forward(new ForwardPass(Kernels.Simd, 2), input).Doubles());
        }
    }
}
