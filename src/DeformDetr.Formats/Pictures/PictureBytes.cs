namespace DeformDetr.Formats.Pictures;

// A picture's whole file in memory, for the formats that are read from there.
internal static class PictureBytes
{
    public static byte[] ReadAll(string path)
    {
        using FileStream stream = Open(path);
        return ReadAll(stream, path);
    }

    public static FileStream Open(string path) => new(InputFile.Open(path), FileAccess.Read, 1 << 16);

    // The stream stands at its beginning and can seek.
    public static byte[] ReadAll(FileStream stream, string path)
    {
        if (stream.Length > Array.MaxLength)
        {
            throw Fault.File(path, $"{stream.Length} bytes; expected at most {Array.MaxLength}.");
        }

        byte[] content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
