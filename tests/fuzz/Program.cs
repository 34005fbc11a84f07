namespace DeformDetr.Fuzz;

// Damaged files for every reader: docs/robustness.md.
internal static class Program
{
    public const int BadOptions = 2;

    public static int Main(string[] arguments)
    {
        Options options;
        try
        {
            options = Options.Parse(arguments);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            Console.Error.WriteLine(exception.Message);
            Console.Error.WriteLine(Options.Usage);
            return BadOptions;
        }

        return options.Progress is null ? Run.All(options) : Worker.Run(options);
    }
}
