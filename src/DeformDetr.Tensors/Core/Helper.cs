using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace DeformDetr.Tensors;

// A thread that takes part in runs beside the one that calls. It waits for the next part awake for some time before it sleeps: on a virtual
// machine waking it takes a third of a millisecond, as long as a small layer. There are never more than were busy at once.
internal sealed class Helper
{
    // Longer than what a pass does on one thread between two sweeps.
    private static readonly TimeSpan Awake = TimeSpan.FromMilliseconds(2);

    private static readonly ConcurrentStack<Helper> Idle = [];

    private readonly ManualResetEventSlim _begin = new(false, spinCount: 0);
    private readonly ManualResetEventSlim _end = new(false, spinCount: 0);
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
        }

        // So that the next run gives each its part of this one.
        for (int part = parts - 1; part > 0; part--)
        {
            Idle.Push(helpers[part - 1]);
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
            WaitFor(_end);
        }

        ExceptionDispatchInfo? failure = _failure;
        _failure = null;
        return failure;
    }

    private void Work()
    {
        while (true)
        {
            // What is set may be an event of long ago, whose part the caller took. What is reset may be that of a new part: it is there to be
            // taken then.
            WaitFor(_begin);
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

    // Awake at first, giving way to whoever else wants the core.
    private static void WaitFor(ManualResetEventSlim what)
    {
        long start = Stopwatch.GetTimestamp();
        SpinWait spin = default;
        while (!what.IsSet && Stopwatch.GetElapsedTime(start) < Awake)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }

        what.Wait();
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
