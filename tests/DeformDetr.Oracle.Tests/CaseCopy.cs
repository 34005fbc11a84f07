using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests;

/// <summary>A copy of a golden case in a temporary folder, whose expectations a test may spoil.</summary>
internal sealed class CaseCopy : IDisposable
{
    public CaseCopy(string name)
    {
        Folder = Directory.CreateTempSubdirectory("golden-case-").FullName;
        foreach (string file in Directory.GetFiles(Path.Combine(RepositoryFiles.Golden, "cases", name)))
        {
            File.Copy(file, Path.Combine(Folder, Path.GetFileName(file)));
        }
    }

    public string Folder { get; }

    public CaseResult Verify(ElementType type = ElementType.Float32) => CaseVerifier.Verify(GoldenCase.Load(Folder), type, Kernels.Simd, 1);

    // Rewrites a tensor of expected.safetensors and, where it has one, of expected64.safetensors.
    public void Change<T>(string name, Action<Tensor<T>> change, string file = "expected.safetensors")
        where T : unmanaged => Rewrite(file, tensors =>
        {
            Tensor<T> tensor = (Tensor<T>)tensors[name];
            change(tensor);
        });

    public void Rewrite(string file, Action<Dictionary<string, Tensor>> change)
    {
        string path = Path.Combine(Folder, file);
        Dictionary<string, Tensor> tensors = [];
        using (TensorFile source = TensorFile.Open(path))
        {
            foreach (TensorEntry entry in source.Entries)
            {
                tensors.Add(entry.Name, source.Read(entry.Name));
            }
        }

        change(tensors);
        SafetensorsWriter.Save(path, tensors.Select(entry => (entry.Key, entry.Value)));
    }

    public void RewriteJson(Func<string, string> change)
    {
        string path = Path.Combine(Folder, "case.json");
        File.WriteAllText(path, change(File.ReadAllText(path)));
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
