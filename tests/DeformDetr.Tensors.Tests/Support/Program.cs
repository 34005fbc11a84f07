namespace DeformDetr.Tensors.Tests.Support;

// xunit doesn't come in through here: SameBitsEverywhereTests starts this assembly as a program of its own, with vector widths switched off.
internal static class Program
{
    public static int Main(string[] arguments)
    {
        if (arguments is not ["digests"])
        {
            return 2;
        }

        Console.WriteLine(Digests.WidestVector);
        foreach (string line in Digests.Lines())
        {
            Console.WriteLine(line);
        }

        return 0;
    }
}
