namespace DeformDetr.Formats.Png;

// The one wording of a bad file: FILE: what is wrong; expected what.
internal static class PngError
{
    public static InvalidDataException In(string file, FormattableString text, Exception? cause = null) =>
        new($"{file}: {FormattableString.Invariant(text)}", cause);
}
