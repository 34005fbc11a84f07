namespace DeformDetr.Formats.Png;

// One chunk of a PNG file: four letters and what they announce.
internal readonly record struct PngChunk(string Type, byte[] Data)
{
    // A lower-case first letter marks a chunk that a reader may pass over.
    public bool IsAncillary => char.IsAsciiLetterLower(Type[0]);
}
