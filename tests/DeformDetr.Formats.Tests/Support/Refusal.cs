using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests;

internal static class Refusal
{
    // One InvalidDataException of one line that begins with the file and holds all the parts.
    public static void Of(string path, Action action, params string[] parts)
    {
        InvalidDataException exception = Assert.Throws<InvalidDataException>(action);
        Assert.StartsWith($"{path}: ", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(exception.Message, char.IsControl);
        Assert.Contains("; expected ", exception.Message, StringComparison.Ordinal);
        foreach (string part in parts)
        {
            Assert.Contains(part, exception.Message, StringComparison.Ordinal);
        }
    }

    public static void OnOpening(string fileName, ReadOnlySpan<byte> content, params string[] parts)
    {
        using TemporaryFolder folder = new();
        string path = folder.File(fileName, content);
        Of(path, () => TensorFile.Open(path).Dispose(), parts);
    }

    // True if the file opens and all its tensors can be read, false if it is refused as it should be; anything else is thrown on.
    public static bool ReadsAll(string path, Action<Tensor>? check = null)
    {
        try
        {
            using TensorFile file = TensorFile.Open(path);
            foreach (TensorEntry entry in file.Entries)
            {
                Tensor tensor = file.Read(entry.Name);
                check?.Invoke(tensor);
            }

            return true;
        }
        catch (InvalidDataException exception) when (exception.Message.StartsWith($"{path}: ", StringComparison.Ordinal))
        {
            return false;
        }
    }
}
