using System.Security.Cryptography;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Dumps;

// Dumps for one test, in each of the kinds that a port may write.
internal sealed class DumpFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("dump-tests-").FullName;

    public static TheoryData<string> Kinds => ["safetensors", "npz", "folder"];

    public string this[string name] => Path.Combine(_path, name);

    public static Tensor<double> Numbers(int seed, params int[] shape)
    {
        Random random = new(seed);
        Tensor<double> tensor = new([.. shape]);
        foreach (ref double element in tensor.AsSpan())
        {
            element = (random.NextDouble() * 4) - 2;
        }

        return tensor;
    }

    public static Tensor<float> Narrow(Tensor<double> tensor) =>
        Tensor<float>.FromArray(tensor.Shape, [.. tensor.AsReadOnlySpan().ToArray().Select(number => (float)number)]);

    public string Write(string kind, params (string Name, Tensor Tensor)[] tensors)
    {
        string path = this[kind == "folder" ? "dump" : $"dump.{kind}"];
        switch (kind)
        {
            case "safetensors":
                SafetensorsWriter.Save(path, tensors);
                break;
            case "npz":
                using (NpzWriter writer = new(path))
                {
                    foreach ((string name, Tensor tensor) in tensors)
                    {
                        writer.Write(name, tensor);
                    }

                    writer.Finish();
                }

                break;
            default:
                Directory.CreateDirectory(path);
                foreach ((string name, Tensor tensor) in tensors)
                {
                    string file = Path.Combine(path, $"{name}.npy");
                    Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                    NpyFile.Save(file, tensor);
                }

                break;
        }

        return path;
    }

    public PortDump Open(string kind, params (string Name, Tensor Tensor)[] tensors) =>
        PortDump.Open(Write(kind, tensors), null, DumpDType.Float32);

    public PortDump Mapped(string map, params (string Name, Tensor Tensor)[] tensors) =>
        PortDump.Open(Write("safetensors", tensors), NameMap.Parse("m.map", $"deform-detr-map/1\n{map}"), DumpDType.Float32);

    public string Hashes() =>
        string.Join(
            '\n',
            Directory.EnumerateFiles(_path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
                .Select(file => $"{file} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))} {File.GetLastWriteTimeUtc(file):O}"));

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
