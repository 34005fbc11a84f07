using System.Runtime.InteropServices;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests;

public class PyTorchLimitsTests
{
    private const int Many = 100_000;

    [EnoughMemoryFact]
    public void A_tensor_over_two_to_the_31_bytes_is_read()
    {
        const int Length = (1 << 29) + 1000;
        const long Bytes = Length * 4L;
        using TemporaryFolder folder = new();
        byte[] storage = Pickle.Storage("0", Length);
        byte[] pickle = Pickle.StateDict(("whole", Pickle.Tensor(storage, 0, [Length], [1])), ("last", Pickle.Tensor(storage, Length - 2, [2], [1])));
        byte[] head = Pickle.Legacy(pickle, Pickle.Of(']', Pickle.Text("0"), 'a'), BitConverter.GetBytes((long)Length));
        using (FileStream stream = new(folder["a.pth"], FileMode.CreateNew))
        {
            stream.Write(head);
            stream.SetLength(head.Length + Bytes);
            stream.Position = head.Length + (1L << 31);
            stream.Write(MemoryMarshal.AsBytes<float>([1.5f]));
            stream.Position = head.Length + Bytes - 4;
            stream.Write(MemoryMarshal.AsBytes<float>([2.5f]));
        }

        using TensorFile file = TensorFile.Open(folder["a.pth"]);
        Assert.Equal([0, 2.5f], file.Read<float>("last").AsReadOnlySpan().ToArray());
        ReadOnlySpan<float> elements = file.Read<float>("whole").AsReadOnlySpan();
        Assert.Equal((Length, 0, 1.5f, 2.5f), (elements.Length, elements[(1 << 29) - 1], elements[1 << 29], elements[^1]));
    }

    // A few bytes each name one large value, some of them by the same key.
    [Fact]
    public void Metadata_grow_with_the_file_and_not_with_what_it_repeats()
    {
        using TemporaryFolder folder = new();
        byte[] large = Pickle.Join(']', '(', Pickle.Join([.. Enumerable.Repeat<object>(Pickle.Text(new string('x', 10)), 250)]), 'e', 'q', 0, '0');
        byte[] arguments = Pickle.Join('}', Pickle.Text("a"), 'h', 0, 's', 'q', 1, '0');
        byte[] model = Pickle.Join(Pickle.Text("model"), '}', Pickle.Text("w"), Pickle.Tensor(Pickle.Storage("0", 1), 0, [1], [1]), 's');
        object[] beside = [.. Enumerable.Range(0, 2000).Select(entry => (object)Pickle.Join(Pickle.Text(FormattableString.Invariant($"{entry}")), 'h', 0))];
        object[] again = [.. Enumerable.Repeat<object>(Pickle.Join(Pickle.Text("args"), 'h', 1), 2000)];
        byte[] pickle = Pickle.Of(large, arguments, '}', '(', model, Pickle.Join(beside), Pickle.Join(again), 'u');
        string path = Pickle.Zip(folder, pickle, ("archive/data/0", new byte[4]));
        long before = GC.GetAllocatedBytesForCurrentThread();
        using TensorFile file = TensorFile.Open(path);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256 * new FileInfo(path).Length);
        Assert.InRange(file.Metadata.Values.Sum(text => text.Length), 1 << 18, 1 << 19);
        Assert.Equal("250 elements", file.Metadata["1999"]);
    }

    [Fact]
    public void A_hundred_thousand_tensors_are_written_and_read()
    {
        using TemporaryFolder folder = new();
        using (PyTorchWriter writer = new(folder["a.pth"]))
        {
            // More records than a zip counts in 16 bits.
            const int Records = 66_000;
            for (int index = 0; index < Many; index++)
            {
                Tensor<int> tensor = Tensor<int>.Create([1], [index]);
                if (index < Records)
                {
                    writer.Write($"t{index}", tensor);
                }
                else
                {
                    writer.WriteAgain($"t{index}", $"t{index - Records}", tensor);
                }
            }

            writer.Finish();
        }

        using TensorFile file = TensorFile.Open(folder["a.pth"]);
        Assert.Equal(Many, file.Entries.Count);
        Assert.Equal([65_999], file.Read<int>("t65999").AsReadOnlySpan().ToArray());
        Assert.Equal([0], file.Read<int>("t66000").AsReadOnlySpan().ToArray());
    }

    [Fact]
    public void A_hundred_thousand_tensors_of_a_safetensors_file_are_written_and_read()
    {
        using TemporaryFolder folder = new();
        SafetensorsWriter.Save(folder["a.safetensors"], Enumerable.Range(0, Many).Select(index => ($"t{index}", (Tensor)Tensor<int>.Create([1], [index]))));
        using TensorFile file = TensorFile.Open(folder["a.safetensors"]);
        Assert.Equal(Many, file.Entries.Count);
        Assert.Equal([Many - 1], file.Read<int>($"t{Many - 1}").AsReadOnlySpan().ToArray());
    }
}
