namespace DeformDetr.Tensors.Tests.Support;
internal static class Digests
{
    public static string WidestVector => "";
    public static IEnumerable<string> Lines() => [];
}
