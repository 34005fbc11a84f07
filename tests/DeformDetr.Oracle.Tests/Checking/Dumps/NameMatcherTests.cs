using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Oracle.Tests.Checking.Dumps;

public class NameMatcherTests
{
    [Fact]
    public void Tensors_are_found_by_content_in_any_layout()
    {
        using DumpFolder folder = new();
        Tensor<double> memory = DumpFolder.Numbers(1, 2, 90, 64);
        Tensor<double> layer = DumpFolder.Numbers(2, 2, 90, 64);
        Tensor<double> map = DumpFolder.Numbers(3, 2, 64, 9, 10);
        Tensor<double> value = DumpFolder.Numbers(4, 2, 90, 8, 8);
        Tensor<double> offsets = DumpFolder.Numbers(5, 2, 90, 8, 2, 2, 2);
        Tensor<double> sampled = DumpFolder.Numbers(6, 2, 90, 64);
        Tensor<long> proposals = Tensor<long>.FromArray([2, 30], [.. Enumerable.Range(0, 60).Select(index => index * 37L % 61)]);
        using PortDump dump = folder.Open(
            "safetensors",
            ("a", Noisy(memory)), ("b", Noisy(Turned(layer, 1, 0, 2))), ("c", Noisy(Turned(map, 0, 2, 3, 1))),
            ("d", Noisy(Turned(value, 0, 2, 3, 1).Reshape([16, 8, 90]))), ("e", Noisy(offsets.Reshape([2, 90, 64]))),
            ("f", Noisy(Turned(sampled.Reshape([2, 90, 8, 8]), 0, 2, 1, 3))), ("g", proposals), ("stray", Noisy(DumpFolder.Numbers(9, 2, 90, 64))));
        NameMatcher matcher = new();
        matcher.Offer("memory", memory);
        matcher.Offer("layer", layer);
        matcher.Offer("map", map);
        matcher.Offer("value", value);
        matcher.Offer("offsets", offsets);
        matcher.Offer("sampled", sampled);
        matcher.Offer("topk", proposals);
        matcher.Offer("absent", DumpFolder.Numbers(10, 2, 90, 64));

        IReadOnlyList<NameProposal> found = matcher.Propose(dump, dump.Entries.Select(entry => entry.Name));
        Assert.Equal(
            ["a memory as it is", "b layer axes 1 0 2", "c map axes 0 3 1 2", "d value shape 2,8,8,90] [axes 0 3 1 2", "e offsets shape expected",
                "f sampled axes 0 2 1 3] [shape expected", "g topk as it is"],
            found.Select(proposal => $"{proposal.PortName} {proposal.Name} {proposal.Layout}").Order(StringComparer.Ordinal));
        Assert.All(found, proposal => Assert.InRange(proposal.Correlation, 0.999, 1));
    }

    [Fact]
    public void A_layout_that_is_proposed_works_in_a_map()
    {
        using DumpFolder folder = new();
        Tensor<double> value = DumpFolder.Numbers(4, 2, 90, 8, 8);
        Tensor<double> held = Turned(value, 0, 2, 3, 1).Reshape([16, 8, 90]);
        NameMatcher matcher = new();
        matcher.Offer("value", value);
        NameProposal proposal;
        using (PortDump dump = folder.Open("safetensors", ("d", held)))
        {
            proposal = Assert.Single(matcher.Propose(dump, ["d"]));
        }

        using PortDump mapped = folder.Mapped($"{proposal.PortName} -> {proposal.Name} [{proposal.Layout}]", ("d", held));
        Assert.Equal(value.AsReadOnlySpan().ToArray(), mapped.ReadReal("value", value.Shape, out _)!.AsReadOnlySpan().ToArray());
    }

    [Fact]
    public void Of_equal_contents_the_names_words_decide()
    {
        using DumpFolder folder = new();
        Tensor<double> tensor = DumpFolder.Numbers(1, 2, 50);
        using PortDump dump = folder.Open("safetensors", ("enc/layers/3/norm2", tensor), ("enc/layers/3", tensor));
        NameMatcher matcher = new();
        matcher.Offer("transformer.encoder.layers.3", tensor);
        matcher.Offer("transformer.encoder.layers.3.norm2", tensor);
        Assert.Equal(
            [("enc/layers/3/norm2", "transformer.encoder.layers.3.norm2"), ("enc/layers/3", "transformer.encoder.layers.3")],
            matcher.Propose(dump, ["enc/layers/3", "enc/layers/3/norm2"]).Select(proposal => (proposal.PortName, proposal.Name)));
    }

    [Fact]
    public void What_is_not_alike_is_not_proposed()
    {
        using DumpFolder folder = new();
        Tensor<double> infinite = DumpFolder.Numbers(2, 40);
        infinite[3] = double.PositiveInfinity;
        using PortDump dump = folder.Open(
            "safetensors", ("x", DumpFolder.Numbers(1, 40)), ("constant", new Tensor<double>([40])), ("infinite", DumpFolder.Numbers(2, 40)),
            ("short", DumpFolder.Numbers(1, 39)));
        NameMatcher matcher = new();
        matcher.Offer("other", DumpFolder.Numbers(3, 40));
        matcher.Offer("infinite", infinite);
        matcher.Offer("zeros", new Tensor<double>([40]));
        matcher.Offer("nothing", new Tensor<double>([0]));
        Assert.Empty(matcher.Propose(dump, dump.Entries.Select(entry => entry.Name)));
    }

    private static Tensor<double> Turned(Tensor<double> tensor, params int[] axes) =>
        Permute.Forward(new OperatorContext(), tensor, axes);

    private static Tensor<float> Noisy(Tensor<double> tensor)
    {
        Random random = new(7);
        return Tensor<float>.FromArray(
            tensor.Shape, [.. tensor.AsReadOnlySpan().ToArray().Select(number => (float)(number + (random.NextDouble() * 1e-3)))]);
    }
}
