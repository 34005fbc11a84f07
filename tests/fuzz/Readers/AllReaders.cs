namespace DeformDetr.Fuzz;

internal static class AllReaders
{
    // Of DeformDetr.Formats.
    public static IReadOnlyList<string> Formats { get; } = ["safetensors", "npy", "npz", "pth", "pth-legacy", "index", "png", "jpeg", "ppm"];

    // Of DeformDetr.Oracle.
    public static IReadOnlyList<string> Oracle { get; } = ["config", "huggingface-config", "checkpoint", "case", "case-run", "map", "fingerprints", "truth"];

    public static IReadOnlyList<string> Names { get; } = [.. Formats, .. Oracle];

    public static Reader Create(string name, Scratch scratch)
    {
        Reader reader = name switch
        {
            "safetensors" => new SafetensorsReader(scratch),
            "npy" => new NpyReader(scratch),
            "npz" => new NpzReader(scratch),
            "pth" => new PyTorchZipReader(scratch),
            "pth-legacy" => new PyTorchLegacyReader(scratch),
            "index" => new ShardIndexReader(scratch),
            "huggingface-config" => new HuggingFaceConfigReader(scratch),
            "checkpoint" => new CheckpointReader(scratch),
            "png" => new PngFileReader(scratch),
            "jpeg" => new JpegFileReader(scratch),
            "ppm" => new PpmFileReader(scratch),
            "config" => new ConfigFileReader(scratch),
            "case" => new CaseFileReader(scratch),
            "case-run" => new CaseRunReader(scratch),
            "map" => new MapFileReader(scratch),
            "fingerprints" => new FingerprintsFileReader(scratch),
            "truth" => new TruthFileReader(scratch),
            _ => throw new ArgumentException($"--reader holds '{name}'; expected {string.Join(", ", Names)}."),
        };
        reader.Prepare();
        return reader;
    }
}
