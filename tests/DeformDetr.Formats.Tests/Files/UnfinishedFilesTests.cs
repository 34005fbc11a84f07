using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests;

/// <summary>Runs when no other test does: it deletes what any writer of the process has begun.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>What a program that is told to end leaves behind: nothing half-written.</summary>
[Collection(nameof(Alone))]
public class UnfinishedFilesTests
{
    [Fact]
    public void A_writer_that_is_cut_off_leaves_nothing()
    {
        using TemporaryFolder folder = new();
        using SafetensorsWriter writer = new(folder["t.safetensors"]);
        writer.Write("a", new Tensor<float>([3]));
        Assert.Single(folder.Names);
        UnfinishedFiles.Delete();
        Assert.Empty(folder.Names);
    }
}
