using DeformDetr.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeformDetr.Formats.Tests;

public class RoundTripTests
{
    [Fact]
    public void What_safetensors_hold_is_what_was_saved_bit_for_bit() => Prop.ForAll(Sample.Gen.ToArbitrary(), sample =>
    {
        using TemporaryFolder folder = new();
        List<(string Name, Tensor Tensor)> tensors = Sample.Tensors(sample.Seed, sample.Shapes);
        Dictionary<string, string> metadata = tensors.ToDictionary(t => t.Name, t => $"{t.Name} again");
        SafetensorsWriter.Save(folder["a.safetensors"], tensors, metadata);
        using TensorFile file = TensorFile.Open(folder["a.safetensors"]);
        Sample.AssertHolds(file, tensors);
        Assert.Equal(metadata.OrderBy(m => m.Key), file.Metadata.OrderBy(m => m.Key));
        Assert.All(file.Entries.TakeLast(1), last => Assert.Equal(new FileInfo(file.Path).Length, last.Offset + last.ByteLength));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void What_a_writer_streams_does_not_depend_on_the_room_it_reserved() => Prop.ForAll(
        Sample.Gen.ToArbitrary(),
        Gen.Choose(0, 2000).ToArbitrary(),
        (sample, reserve) =>
        {
            using TemporaryFolder folder = new();
            List<(string Name, Tensor Tensor)> tensors = Sample.Tensors(sample.Seed, sample.Shapes);
            using (SafetensorsWriter writer = new(folder["a.safetensors"], reserve))
            {
                foreach ((string name, Tensor tensor) in tensors)
                {
                    writer.Write(name, tensor);
                }

                writer.SetMetadata("reserve", "some");
                writer.Finish();
            }

            using TensorFile file = TensorFile.Open(folder["a.safetensors"]);
            Sample.AssertHolds(file, tensors);
            Assert.Equal("some", file.Metadata["reserve"]);
            Assert.All(file.Entries.Take(1), entry => Assert.Equal(0, entry.Offset % 8));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void What_an_npz_holds_is_what_was_written_bit_for_bit() => Prop.ForAll(
        Sample.Gen.ToArbitrary(),
        Gen.Elements(false, true).ToArbitrary(),
        (sample, compress) =>
        {
            using TemporaryFolder folder = new();
            List<(string Name, Tensor Tensor)> tensors = Sample.Tensors(sample.Seed, sample.Shapes);
            using (NpzWriter writer = new(folder["a.npz"], compress))
            {
                tensors.ForEach(t => writer.Write(t.Name, t.Tensor));
                writer.Finish();
            }

            using TensorFile file = TensorFile.Open(folder["a.npz"]);
            Sample.AssertHolds(file, tensors);
            Assert.Empty(file.Metadata);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void What_an_npy_holds_is_what_was_saved_bit_for_bit() => Prop.ForAll(Sample.Gen.ToArbitrary(), sample =>
    {
        using TemporaryFolder folder = new();
        Tensor tensor = Sample.Tensor(new Random(sample.Seed), sample.Shapes.FirstOrDefault([]));
        NpyFile.Save(folder["some.name.npy"], tensor);
        using TensorFile file = TensorFile.Open(folder["some.name.npy"]);
        Sample.AssertHolds(file, [("some.name", tensor)]);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_same_calls_give_the_same_bytes()
    {
        using TemporaryFolder folder = new();
        foreach (string extension in (string[])[".safetensors", ".npz"])
        {
            foreach (string name in (string[])["a", "b"])
            {
                using TensorWriter writer = TensorWriter.Create(folder[name + extension]);
                Sample.Tensors(7, [[3, 2], [4], [], [2, 0]]).ForEach(t => writer.Write(t.Name, t.Tensor));
                writer.Finish();
            }

            Assert.Equal(File.ReadAllBytes(folder["a" + extension]), File.ReadAllBytes(folder["b" + extension]));
        }
    }
}
