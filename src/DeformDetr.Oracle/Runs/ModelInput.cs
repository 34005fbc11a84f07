using DeformDetr.Formats;
using DeformDetr.Formats.Pictures;
using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>A batch for the model, from pictures or from a file of prepared tensors.</summary>
/// <param name="Samples">Normalised pictures, zero-padded. Shape [N, 3, H, W].</param>
/// <param name="Mask">True is padding. Shape [N, H, W].</param>
/// <param name="TargetSizes">(h, w) that results are given in; null for no results. Shape [N, 2].</param>
/// <param name="Paths">The files, in batch order.</param>
public sealed record ModelInput(Tensor<float> Samples, Tensor<bool> Mask, Tensor<long>? TargetSizes, IReadOnlyList<string> Paths)
{
    /// <summary>
    /// Reads pictures (padded into one batch, in their order) or one .safetensors or .npz with samples.tensor and samples.mask.
    /// </summary>
    /// <param name="paths">The files.</param>
    /// <param name="preprocess">How pictures are resized.</param>
    /// <param name="see">Gets images.{b}.decoded and .resized; null for nobody.</param>
    /// <exception cref="InvalidDataException">Unreadable files, or tensors that are no batch; file and tensor named.</exception>
    /// <exception cref="ArgumentException">No file at all, or a picture too narrow to resize.</exception>
    public static ModelInput Load(IReadOnlyList<string> paths, PreprocessOptions preprocess, Action<string, Tensor>? see = null)
    {
        if (paths.Count == 0)
        {
            throw new InvalidDataException(
                "input: no file; expected at least one picture, or one .safetensors or .npz with samples.tensor and samples.mask.");
        }

        if (paths.Any(IsTensorFile))
        {
            return paths.Count == 1
                ? LoadTensors(paths[0])
                : throw new InvalidDataException(
                    $"input: {paths.Count} files with a tensor file among them; expected either pictures or one tensor file.");
        }

        return Of([.. paths.Select(path => Decode(path, preprocess))], paths, preprocess, see);
    }

    /// <summary>Pads pictures into one batch, in their order.</summary>
    /// <param name="pictures">What <see cref="Decode"/> gave.</param>
    /// <param name="paths">Their files.</param>
    /// <param name="preprocess">How they are resized.</param>
    /// <param name="see">Gets images.{b}.decoded and .resized; null for nobody.</param>
    public static ModelInput Of(
        IReadOnlyList<Picture> pictures, IReadOnlyList<string> paths, PreprocessOptions preprocess, Action<string, Tensor>? see = null)
    {
        PictureBatch batch = PictureBatch.Prepare([.. pictures.Select(picture => picture.Rgb)], preprocess, see);
        return new ModelInput(batch.SamplesTensor, batch.SamplesMask, batch.TargetSizes, paths);
    }

    /// <summary>Reads a picture and refuses, with the file's name, what can't be read or resized.</summary>
    /// <param name="path">The file: PNG, JPEG or binary PPM, whatever its name.</param>
    /// <param name="preprocess">How it will be resized.</param>
    /// <exception cref="InvalidDataException">No picture, a damaged one, or one too narrow to resize.</exception>
    /// <exception cref="IOException">The file can't be opened or read.</exception>
    public static Picture Decode(string path, PreprocessOptions preprocess)
    {
        if (Directory.Exists(path) || !File.Exists(path))
        {
            throw new InvalidDataException(
                $"{path}: {(Directory.Exists(path) ? "is a folder" : "no such file")}; expected {Picture.Formats}.");
        }

        Picture picture = Picture.Read(path);
        try
        {
            PictureSize.Resized(picture.Rgb.Shape[0], picture.Rgb.Shape[1], preprocess.Shortest, preprocess.Longest);
        }
        catch (ArgumentException exception)
        {
            throw new InvalidDataException($"{path}: {exception.Message}", exception);
        }

        return picture;
    }

    /// <summary>SHA-256 of every file, in hexadecimal, in order.</summary>
    public string Sha256() => string.Join(',', Paths.Select(FileHash.Sha256));

    private static bool IsTensorFile(string path) => Path.GetExtension(path).ToLowerInvariant() is ".safetensors" or ".npz";

    private static ModelInput LoadTensors(string path)
    {
        using TensorFile file = TensorFile.Open(path);
        Tensor<float> samples = Required<float>(file, "samples.tensor");
        Tensor<bool> mask = Required<bool>(file, "samples.mask");
        Tensor<long>? targetSizes = file.Contains("target_sizes") ? file.Read<long>("target_sizes") : null;
        foreach (TensorEntry entry in file.Entries)
        {
            if (entry.Name is not ("samples.tensor" or "samples.mask" or "target_sizes"))
            {
                throw new InvalidDataException(
                    $"{path}: tensor '{SafeText.Short(entry.Name)}' is unexpected; expected samples.tensor, samples.mask and optionally target_sizes.");
            }
        }

        bool fits = samples.Shape.Rank == 4 && samples.Shape[1] == 3 && samples.Length > 0;
        if (!fits)
        {
            throw new InvalidDataException(
                $"{path}: tensor 'samples.tensor' holds {samples.Shape}; expected [N, 3, H, W] with at least one picture.");
        }

        if (mask.Shape != TensorShape.Create([samples.Shape[0], samples.Shape[2], samples.Shape[3]]))
        {
            throw new InvalidDataException(
                $"{path}: tensor 'samples.mask' holds {mask.Shape}; expected [N, H, W] of samples.tensor {samples.Shape}.");
        }

        if (targetSizes is not null && targetSizes.Shape != TensorShape.Create([samples.Shape[0], 2]))
        {
            throw new InvalidDataException(
                $"{path}: tensor 'target_sizes' holds {targetSizes.Shape}; expected [N, 2] with N = {samples.Shape[0]}.");
        }

        return new ModelInput(samples, mask, targetSizes, [path]);
    }

    private static Tensor<T> Required<T>(TensorFile file, string name)
        where T : unmanaged =>
        file.Contains(name)
            ? file.Read<T>(name)
            : throw new InvalidDataException($"{file.Path}: tensor '{name}' is absent; expected samples.tensor and samples.mask.");
}
