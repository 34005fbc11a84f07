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
