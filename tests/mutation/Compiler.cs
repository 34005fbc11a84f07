using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;

namespace DeformDetr.Mutation;

// One project of the product, compiled again and again with another file in it.
internal sealed class Compiler
{
    private static readonly CSharpParseOptions Parsing = new(LanguageVersion.Preview);

    private readonly CSharpCompilation _compilation;
    private readonly Dictionary<string, SyntaxTree> _trees = new(StringComparer.Ordinal);

    public Compiler(string root, string project)
    {
        string folder = Path.Combine(root, "src", project);
        string generated = Path.Combine(folder, "obj", "Release", "net10.0");
        IEnumerable<string> files = Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.StartsWith(Path.Combine(folder, "obj"), StringComparison.Ordinal) && !file.StartsWith(Path.Combine(folder, "bin"), StringComparison.Ordinal))
            .Concat(Directory.EnumerateFiles(generated, "*.GlobalUsings.g.cs")).Concat(Directory.EnumerateFiles(generated, "*.AssemblyInfo.cs"));
        foreach (string file in files)
        {
            _trees.Add(Path.GetRelativePath(root, file).Replace('\\', '/'), CSharpSyntaxTree.ParseText(File.ReadAllText(file), Parsing, file));
        }

        IEnumerable<string> references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(file => Path.GetFileNameWithoutExtension(file) != project);
        CSharpCompilation plain = CSharpCompilation.Create(
            project, _trees.Values, references.Select(file => MetadataReference.CreateFromFile(file)),
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, allowUnsafe: true,
                nullableContextOptions: NullableContextOptions.Enable));
        CSharpGeneratorDriver.Create([.. Generators().Select(generator => generator.AsSourceGenerator())], parseOptions: Parsing)
            .RunGeneratorsAndUpdateCompilation(plain, out Compilation generatedToo, out _);
        _compilation = (CSharpCompilation)generatedToo;
    }

    // What the framework writes for [GeneratedRegex], from the reference pack beside the running framework.
    private static IEnumerable<IIncrementalGenerator> Generators()
    {
        string dotnet = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", ".."));
        string? file = Directory.EnumerateFiles(Path.Combine(dotnet, "packs", "Microsoft.NETCore.App.Ref"), "System.Text.RegularExpressions.Generator.dll", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal).LastOrDefault();
        return file is null
            ? throw new InvalidDataException("mutation: no System.Text.RegularExpressions.Generator.dll; expected the reference pack of the framework.")
            : [(IIncrementalGenerator)Activator.CreateInstance(Assembly.LoadFrom(file).GetType("System.Text.RegularExpressions.Generator.RegexGenerator", throwOnError: true)!)!];
    }

    // The assembly with one file changed; what the compiler says against it otherwise.
    public string? Compile(string file, string source, string output)
    {
        CSharpCompilation changed = _compilation.ReplaceSyntaxTree(_trees[file], CSharpSyntaxTree.ParseText(source, Parsing, file));
        using MemoryStream assembly = new();
        EmitResult result = changed.Emit(assembly);
        if (!result.Success)
        {
            return result.Diagnostics.First(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).ToString();
        }

        File.WriteAllBytes(output, assembly.ToArray());
        return null;
    }
}
