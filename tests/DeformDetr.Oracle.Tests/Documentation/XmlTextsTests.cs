using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Documentation;

/// <summary>The XML texts of public members: a tensor that goes in has its shape in symbols.</summary>
public class XmlTextsTests
{
    public static TheoryData<string> Assemblies => [.. Loaded.Keys];

    private static readonly Dictionary<string, Assembly> Loaded =
        new[] { typeof(Tensor), typeof(TensorFile), typeof(ForwardPass), typeof(PassRule) }.Select(type => type.Assembly).ToDictionary(assembly => assembly.GetName().Name!);

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void The_text_of_every_tensor_parameter_gives_its_shape(string assembly)
    {
        Dictionary<string, XElement> texts = Members(assembly);
        List<string> faults = [];
        int seen = 0;
        foreach (MethodBase method in PublicMethods(Loaded[assembly]))
        {
            // What the compiler makes (a record's Deconstruct) has no text.
            if (!texts.TryGetValue(DocumentationId(method), out XElement? text))
            {
                continue;
            }

            text = text.Element("inheritdoc")?.Attribute("cref")?.Value is { } other && texts.TryGetValue(other, out XElement? named) ? named : text;
            foreach (ParameterInfo parameter in method.GetParameters().Where(parameter => IsTensor(parameter.ParameterType)))
            {
                seen++;
                string words = text.Elements("param").FirstOrDefault(param => param.Attribute("name")?.Value == parameter.Name)?.Value ?? "";
                if (text.Element("inheritdoc") is null && !Regex.IsMatch(words, @"\b[Ss]hapes? \[|\[N, "))
                {
                    faults.Add($"{DocumentationId(method)} · {parameter.Name}: {words}");
                }
            }
        }

        Assert.True(seen > 0);
        Texts.RequireNone(faults);
    }

    [Fact]
    public void Names_of_members_are_made_as_the_compiler_makes_them()
    {
        foreach (string assembly in Loaded.Keys)
        {
            // Members that aren't public have texts too.
            IEnumerable<MethodBase> hidden =
                from type in Loaded[assembly].GetTypes()
                where !type.IsDefined(typeof(CompilerGeneratedAttribute))
                from method in type.GetMethods(
                    BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly)
                where !method.IsDefined(typeof(CompilerGeneratedAttribute))
                select method;
            HashSet<string> made = [.. PublicMethods(Loaded[assembly]).Concat(hidden).Select(DocumentationId)];
            IEnumerable<string> written = Members(assembly).Keys.Where(id => id.StartsWith("M:", StringComparison.Ordinal) && id.Contains(".Forward", StringComparison.Ordinal));
            Texts.RequireNone(written.Where(id => !made.Contains(id)));
        }
    }

    private static Dictionary<string, XElement> Members(string assembly) =>
        XDocument.Load(Path.Combine(AppContext.BaseDirectory, $"{assembly}.xml")).Root!.Element("members")!.Elements("member").ToDictionary(member => member.Attribute("name")!.Value);

    private static IEnumerable<MethodBase> PublicMethods(Assembly assembly) =>
        from type in assembly.GetExportedTypes()
        from method in type.GetMembers(BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly).OfType<MethodBase>()
        select method;

    private static bool IsTensor(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Tensor<>);

    private static string DocumentationId(MethodBase method)
    {
        string name = method.Name.Replace('.', '#');
        string arity = method.IsGenericMethodDefinition ? $"``{method.GetGenericArguments().Length}" : "";
        string parameters = string.Join(',', method.GetParameters().Select(parameter => Word(parameter.ParameterType)));
        string result = name is "op_Implicit" or "op_Explicit" ? $"~{Word(((MethodInfo)method).ReturnType)}" : "";
        return $"M:{method.DeclaringType!.FullName!.Replace('+', '.')}.{name}{arity}{(parameters.Length == 0 ? "" : $"({parameters})")}{result}";
    }

    private static string Word(Type type)
    {
        if (type.IsByRef)
        {
            return $"{Word(type.GetElementType()!)}@";
        }

        if (type.IsArray)
        {
            return $"{Word(type.GetElementType()!)}[]";
        }

        if (type.IsGenericParameter)
        {
            return $"{(type.DeclaringMethod is null ? "`" : "``")}{type.GenericParameterPosition}";
        }

        if (!type.IsGenericType)
        {
            return type.FullName!.Replace('+', '.');
        }

        // A type inside a generic one: the arguments stand where they are declared.
        Queue<string> arguments = new(type.GetGenericArguments().Select(Word));
        return Regex.Replace(
            type.GetGenericTypeDefinition().FullName!, "`([0-9]+)",
            match => $"{{{string.Join(',', Enumerable.Range(0, int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).Select(_ => arguments.Dequeue()))}}}")
            .Replace('+', '.');
    }
}
