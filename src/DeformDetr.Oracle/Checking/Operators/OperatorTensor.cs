using System.Globalization;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// What elements an operator's tensor may have.
internal enum ElementKind
{
    Real,
    Whole,
    Mask,
    Bytes,
    Any,
}

// A tensor that goes into or comes out of an operator. Names with {l} or {b} stand for a list. The role is what the step's text calls it.
internal sealed record OperatorTensor(string Name, string Role, SymbolicShape Shape, ElementKind Kind, bool Optional)
{
    public bool IsList => Name.Contains('{', StringComparison.Ordinal);

    // "x?=role [N, C] bool; …": a question mark where it may be left out, a role where the name is another.
    public static IReadOnlyList<OperatorTensor> Parse(string text) =>
        [.. text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(ParseOne)];

    public string NameOf(int index) => Indexed(Name, index);

    public string RoleOf(int index) => Indexed(Role, index);

    public bool Admits(ElementType type) => Kind switch
    {
        ElementKind.Real => type.IsFloat(),
        ElementKind.Whole => type == ElementType.Int64,
        ElementKind.Mask => type == ElementType.Bool,
        ElementKind.Bytes => type == ElementType.UInt8,
        _ => true,
    };

    public string KindWord => Kind switch
    {
        ElementKind.Real => "float",
        ElementKind.Whole => "int64",
        ElementKind.Mask => "bool",
        ElementKind.Bytes => "uint8",
        _ => "any",
    };

    private static OperatorTensor ParseOne(string text)
    {
        int open = text.IndexOf('[', StringComparison.Ordinal);
        int close = text.IndexOf(']', StringComparison.Ordinal);
        string[] names = text[..open].Trim().Split('=');
        bool optional = names[0].EndsWith('?');
        string name = names[0].TrimEnd('?');
        ElementKind kind = text[(close + 1)..].Trim() switch
        {
            "int64" => ElementKind.Whole,
            "bool" => ElementKind.Mask,
            "uint8" => ElementKind.Bytes,
            "any" => ElementKind.Any,
            _ => ElementKind.Real,
        };
        return new OperatorTensor(name, names.Length > 1 ? names[1] : name, new SymbolicShape(text[open..(close + 1)]), kind, optional);
    }

    private static string Indexed(string name, int index) =>
        name.Replace("{l}", index.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{b}", index.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
}
