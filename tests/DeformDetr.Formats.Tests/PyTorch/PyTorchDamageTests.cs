using System.Diagnostics;

namespace DeformDetr.Formats.Tests;

public class PyTorchDamageTests
{
    public static TheoryData<string> Files => ["strided.pth", "strided-legacy.pth"];

    [Theory]
    [MemberData(nameof(Files))]
    public void A_file_cut_anywhere_is_refused(string name)
    {
        using TemporaryFolder folder = new();
        byte[] content = Content(name);
        for (int length = 0; length < content.Length; length += length < 2000 ? 7 : 1009)
        {
            Assert.False(Refusal.ReadsAll(folder.File("cut.pth", content.AsSpan(0, length))), $"cut at {length}");
        }

        Assert.False(Refusal.ReadsAll(folder.File("cut.pth", content.AsSpan(0, content.Length - 1))));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void A_file_with_a_changed_byte_is_read_or_refused_and_nothing_else(string name)
    {
        using TemporaryFolder folder = new();
        byte[] whole = Content(name);

        // In the pickle, and in a zip's directory at the end.
        foreach (Range part in name == "strided.pth" ? new[] { ..24000, ^400.. } : new[] { ..24000 })
        {
            byte[] some = whole[part];
            Damage.Mutate(some, seed: 3, times: 150, changed =>
            {
                changed.CopyTo(whole.AsSpan(part));
                Stopwatch clock = Stopwatch.StartNew();
                bool read = Refusal.ReadsAll(folder.File("mutated.pth", whole));
                Assert.InRange(clock.Elapsed.TotalSeconds, 0, 5);
                return read;
            });
            some.CopyTo(whole.AsSpan(part));
        }
    }

    private static byte[] Content(string name) => File.ReadAllBytes(Path.Combine(Fixture.Repository, "golden", "checkpoints", name));
}
