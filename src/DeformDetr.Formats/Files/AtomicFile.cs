using System.Text;

namespace DeformDetr.Formats;

/// <summary>Writes a whole file or nothing: to a temporary file beside the target, which then takes the target's name.</summary>
public static class AtomicFile
{
    /// <summary>
    /// Writes a file. When <paramref name="write"/> throws, whatever stood under the name before still does, and nothing else is left
    /// behind.
    /// </summary>
    /// <param name="path">The target; replaced if it exists.</param>
    /// <param name="write">Writes the content to the stream it is given.</param>
    /// <exception cref="IOException">The folder doesn't exist, or the file can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        using TemporaryFile file = new(path);
        write(file.Stream);
        file.Commit();
    }

    /// <summary>Writes text as UTF-8 without a byte order mark.</summary>
    /// <param name="path">The target; replaced if it exists.</param>
    /// <param name="text">The whole content.</param>
    /// <exception cref="IOException">The folder doesn't exist, or the file can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static void WriteAllText(string path, string text) => Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
