using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace DeformDetr.Tensors;

// A thread that takes part in runs beside the one that calls. It waits for the next part awake for a millisecond or so before it sleeps: on
// a virtual machine waking it takes a third of a millisecond, as long as a small layer. There are never more than were busy at once.
internal sealed class Helper
{
    // The most that an event takes; each is a short wait or a turn given to others.
    private const int Spins = 2047;

    private static readonly ConcurrentStack<Helper> Idle = [];

    private readonly ManualResetEventSlim _begin = new(false, Spins);
    private readonly ManualResetEventSlim _end = new(false, Spins);
    private Action<int>? _body;
    private int _part;
    private ExceptionDispatchInfo? _failure;

    // Whether somebody has the part: this thread, or the one that calls, which then needn't wait until this one is awake.
    private int _taken = 1;

    private Helper() => new Thread(Work) { IsBackground = true, Name = nameof(Helper) }.Start();

    // Calls the body once for each part, the first on the calling thread. When one fails the others are waited for.
    public static void Run(int parts, Action<int> body)
    {
        Helper[] helpers = new Helper[parts - 1];
        foreach (ref Helper helper in helpers.AsSpan())
        {
            helper = Idle.TryPop(out Helper? idle) ? idle : new Helper();
        }

        for (int part = 1; part < parts; part++)
        {
            helpers[part - 1].Begin(body, part);
        }

        ExceptionDispatchInfo? failure = Failure(body, 0);
        foreach (Helper helper in helpers)
        {
            ExceptionDispatchInfo? its = helper.End();
            failure ??= its;
            Idle.Push(helper);
        }

        failure?.Throw();
    }

    private void Begin(Action<int> body, int part)
    {
        (_body, _part) = (body, part);
        _end.Reset();
        Volatile.Write(ref _taken, 0);
        _begin.Set();
    }

    private ExceptionDispatchInfo? End()
    {
        if (Take())
        {
            Do();
        }
        else
        {
            _end.Wait();
        }

        return _failure;
    }

    private void Work()
    {
        while (true)
        {
            // What is set may be an event of long ago, whose part the caller took. What is reset may be that of a new part: it is there to be
            // taken then.
            _begin.Wait();
            _begin.Reset();
            if (Take())
            {
                Do();
                _end.Set();
            }
        }
    }

    private bool Take() => Interlocked.Exchange(ref _taken, 1) == 0;

    private void Do()
    {
        _failure = Failure(_body!, _part);

        // An idle thread keeps nothing alive.
        _body = null;
    }

    private static ExceptionDispatchInfo? Failure(Action<int> body, int part)
    {
        try
        {
            body(part);
            return null;
        }
        catch (Exception exception)
        {
            return ExceptionDispatchInfo.Capture(exception);
        }
    }
}
