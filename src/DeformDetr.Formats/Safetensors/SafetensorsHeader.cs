namespace DeformDetr.Formats;

// What the JSON of a safetensors file says; entries in the order of their data, with offsets from the start of the file.
internal sealed record SafetensorsHeader(IReadOnlyList<TensorEntry> Entries, IReadOnlyDictionary<string, string> Metadata);
