using DeformDetr.Formats.Png;
using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Cli;

internal static class PictureFiles
{
    // Refuses what can't be read or resized before a model is loaded, and names the file.
    public static void RequireUsable(IEnumerable<string> paths, PreprocessOptions preprocess)
    {
        foreach (string path in paths)
        {
            if (Directory.Exists(path))
            {
                throw new IOException($"{path}: is a folder; expected a PNG file.");
            }

            if (!File.Exists(path))
            {
                throw new FileNotFoundException($"{path}: no such file.", path);
            }

            TensorShape shape = PngReader.Read(path).Shape;
            try
            {
                PictureSize.Resized(shape[0], shape[1], preprocess.Shortest, preprocess.Longest);
            }
            catch (ArgumentException exception)
            {
                throw new InvalidDataException($"{path}: {exception.Message}", exception);
            }
        }
    }
}
