using System.Text;
using DeformDetr.Formats;

namespace DeformDetr.Oracle;

/// <summary>A check's report as one page that stands alone: it loads nothing, and works without a network and without scripts.</summary>
public static class CheckHtml
{
    /// <summary>Writes the page.</summary>
    /// <param name="report">The report.</param>
    /// <param name="writer">Gets text that says of itself that it is UTF-8.</param>
    public static void Write(CheckReport report, TextWriter writer) => new CheckPage(report).Write(writer);

    /// <summary>Writes the page to a file: whole, or not at all.</summary>
    /// <param name="report">The report.</param>
    /// <param name="path">The target; replaced if it exists.</param>
    /// <exception cref="IOException">The folder doesn't exist, or the file can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static void WriteFile(CheckReport report, string path) =>
        AtomicFile.Write(path, stream =>
        {
            using StreamWriter writer = new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
            Write(report, writer);
        });
}
