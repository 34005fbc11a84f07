using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Formats.Png;
using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests;

/// <summary>What lies in golden/demo beside the case: Pillow's pixels and the ground truth.</summary>
public class DemoFilesTests
{
    private static readonly GoldenCase Demo = GoldenCase.Load(Path.Combine(RepositoryFiles.Golden, "demo"));

    [Fact]
    public void Resized_pictures_are_those_of_Pillow()
    {
        using TensorFile pillow = TensorFile.Open(Path.Combine(Demo.Folder, "pictures.safetensors"));
        Dictionary<string, Tensor<byte>> ours = [];
        PictureBatch.Prepare([.. Demo.PicturePaths.Select(PngReader.Read)], Demo.Preprocess, (name, tensor) => ours[name] = (Tensor<byte>)tensor);
        Assert.Equal(4, pillow.Entries.Count);
        foreach (TensorEntry entry in pillow.Entries)
        {
            Assert.Equal(entry.Shape, ours[entry.Name].Shape);
            Assert.Equal(pillow.Read<byte>(entry.Name).AsReadOnlySpan(), ours[entry.Name].AsReadOnlySpan());
        }
    }

    [Fact]
    public void Ground_truth_names_the_pictures_of_the_case_and_their_sizes()
    {
        using JsonDocument truth = JsonDocument.Parse(File.ReadAllText(Path.Combine(Demo.Folder, "truth.json")));
        Assert.Equal(Demo.Classes, truth.RootElement.GetProperty("classes").EnumerateArray().Select(name => name.GetString()!));
        JsonElement[] pictures = [.. truth.RootElement.GetProperty("pictures").EnumerateArray()];
        Assert.Equal(Demo.PicturePaths.Select(Path.GetFileName), pictures.Select(picture => picture.GetProperty("file").GetString()));
        foreach ((string path, JsonElement picture) in Demo.PicturePaths.Zip(pictures))
        {
            TensorShape shape = PngReader.Read(path).Shape;
            Assert.Equal(shape[0], picture.GetProperty("height").GetInt32());
            Assert.Equal(shape[1], picture.GetProperty("width").GetInt32());
        }
    }
}
