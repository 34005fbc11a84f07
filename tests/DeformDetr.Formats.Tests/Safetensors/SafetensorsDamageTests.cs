using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests;

public class SafetensorsDamageTests
{
    private static readonly List<(string Name, Tensor Tensor)> Tensors = Sample.Tensors(3, [[2, 3], [], [4], [0, 2]]);

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        using TemporaryFolder folder = new();
        SafetensorsWriter.Save(folder["a.safetensors"], Tensors, new Dictionary<string, string> { ["a"] = "b" });
        byte[] content = File.ReadAllBytes(folder["a.safetensors"]);
        for (int length = 0; length < content.Length; length++)
        {
            Assert.False(Refusal.ReadsAll(folder.File("cut.safetensors", content.AsSpan(0, length))), $"cut at {length}");
        }
    }

    [Fact]
    public void A_file_with_a_changed_byte_is_read_or_refused_and_nothing_else()
    {
        using TemporaryFolder folder = new();
        SafetensorsWriter.Save(folder["a.safetensors"], Tensors, new Dictionary<string, string> { ["a"] = "b" });
        byte[] content = File.ReadAllBytes(folder["a.safetensors"]);
        Damage.Mutate(content, seed: 1, times: 4000, mutated => Refusal.ReadsAll(folder.File("mutated.safetensors", mutated)));
    }
}
