using System.Reflection;
using System.Text.RegularExpressions;
using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Documentation;

/// <summary>Whether a text's "file · Type.Member" is true.</summary>
internal static class SourceMembers
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Type[] Types =
        [.. new[] { typeof(Tensor), typeof(TensorFile), typeof(ForwardPass), typeof(PassRule) }.SelectMany(type => type.Assembly.GetTypes())];

    // Null where all is well, else what is wrong.
    public static string? Fault(string path, string member)
    {
        string full = Path.Combine(RepositoryFiles.Root, path);
        if (!File.Exists(full))
        {
            return $"{path}: no such file";
        }

        if (member.Split('.') is not [string type, string name])
        {
            return $"{path}: '{member}' is not Type.Member";
        }

        string source = File.ReadAllText(full);
        if (!Regex.IsMatch(source, $@"\b(class|struct|record|interface|enum) {type}\b"))
        {
            return $"{path}: declares no type {type}";
        }

        // A declaration: something that is a type or a modifier before the name, and a parameter list or a body behind it.
        if (!Regex.IsMatch(source, $@"(?m)^\s+(?!return |new |throw |else )[\w<>\[\],?()\. ]*[\w>\])?] {name}(<[^>]*>)?(\(| =>| \{{| =|;|$)"))
        {
            return $"{path}: declares no member {name}";
        }

        // The command line is not referenced here: its source has to do.
        return path.StartsWith("src/DeformDetr.Cli/", StringComparison.Ordinal) || Exists(type, name) ? null : $"{path}: {type} has no member {name}";
    }

    public static bool IsType(string name) => Types.Any(type => Plain(type) == name);

    public static bool Exists(string type, string member) =>
        Types.Any(candidate => Plain(candidate) == type && candidate.GetMember(member, Declared).Length > 0);

    private static string Plain(Type type) => type.Name.Split('`')[0];
}
