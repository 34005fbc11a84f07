using System.Text;
using System.Text.Json;
using DeformDetr.Oracle;
using Spectre.Console;

namespace DeformDetr.Cli;

// Where a command writes: facts on standard output; progress on standard error, and only where a person watches.
internal sealed class CliConsole : IDisposable
{
    private readonly IAnsiConsole _styled;
    public bool IsWatched { get; }
    private readonly bool _owned;

    public CliConsole(TextWriter output, TextWriter error)
        : this(output, error, colours: false, watched: false)
    {
    }

    private CliConsole(TextWriter output, TextWriter error, bool colours, bool watched)
    {
        Out = output;
        Error = error;
        IsWatched = watched;
        _owned = watched || colours;
        _styled = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = colours ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = colours ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(output),
        });

        // A line is a line: the terminal wraps it, and nothing is cut when it goes to a file.
        _styled.Profile.Width = 1 << 14;
    }

    public TextWriter Out { get; }

    public TextWriter Error { get; }

    public static CliConsole OfProcess()
    {
        StreamWriter output = new(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true, NewLine = "\n" };
        bool colours = !Console.IsOutputRedirected
            && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            && Environment.GetEnvironmentVariable("TERM") != "dumb";
        return new CliConsole(output, Console.Error, colours, !Console.IsErrorRedirected);
    }

    public void WriteLine(string line = "") => Out.WriteLine(line);

    public void Write(string text, Style style) => _styled.Write(new Text(text, style));

    public void Json(Action<Utf8JsonWriter> write) => Out.WriteLine(ReportJson.Text(write));

    // Runs something that reports its steps; a person sees them, with a bar where their number is known (not 0), and nobody else sees
    // anything.
    public T Track<T>(string what, int steps, Func<Action<string>, T> work)
    {
        if (!IsWatched)
        {
            return work(_ => { });
        }

        IAnsiConsole screen = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        ProgressColumn[] bar = steps > 0 ? [new ProgressBarColumn(), new PercentageColumn()] : [];
        return screen.Progress()
            .AutoClear(true)
            .Columns([new SpinnerColumn(), .. bar, new ElapsedTimeColumn(), new TaskDescriptionColumn { Alignment = Justify.Left }])
            .Start(context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(what), maxValue: Math.Max(1, steps));
                return work(step =>
                {
                    task.Description = Markup.Escape($"{what}: {OneLine.Printable(step)}");
                    task.Increment(steps > 0 ? 1 : 0);
                });
            });
    }

    public void Dispose()
    {
        if (_owned)
        {
            Out.Flush();
        }
    }
}
