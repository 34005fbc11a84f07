using System.Collections.Concurrent;

namespace DeformDetr.Tensors.Tests.Core;

// Helpers are the whole process's: tests beside these would take them away between two runs.
[CollectionDefinition(nameof(HelpersAlone), DisableParallelization = true)]
public class HelpersAlone;

[Collection(nameof(HelpersAlone))]
public class HelperTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void Every_part_is_done_once_whether_helpers_are_awake_or_asleep(int parts)
    {
        int[][] done = [.. Enumerable.Range(0, 300).Select(_ => new int[parts])];
        for (int run = 0; run < done.Length; run++)
        {
            int[] ofRun = done[run];
            Helper.Run(parts, part => Interlocked.Increment(ref ofRun[part]));
            Assert.All(ofRun, times => Assert.Equal(1, times));
            if (run % 100 == 0)
            {
                Thread.Sleep(30);
            }
        }

        // Nor does a helper do a part afterwards that the caller took.
        Thread.Sleep(100);
        Assert.All(done, ofRun => Assert.All(ofRun, times => Assert.Equal(1, times)));
    }

    [Fact]
    public void Parts_that_helpers_have_begun_are_waited_for()
    {
        for (int run = 0; run < 20; run++)
        {
            using CountdownEvent begun = new(3);
            int done = 0;
            Helper.Run(4, part =>
            {
                if (part == 0)
                {
                    Assert.True(begun.Wait(TimeSpan.FromSeconds(60)));
                    return;
                }

                begun.Signal();
                Thread.Sleep(3);
                Interlocked.Increment(ref done);
            });
            Assert.Equal(3, done);
        }
    }

    [Fact]
    public void The_first_part_stays_on_the_calling_thread()
    {
        int here = Environment.CurrentManagedThreadId;
        Helper.Run(3, part => Assert.True(part > 0 || here == Environment.CurrentManagedThreadId));
    }

    [Fact]
    public void Parts_run_at_the_same_time()
    {
        // Each waits for the other.
        using Barrier both = new(2);
        Helper.Run(2, _ => Assert.True(both.SignalAndWait(TimeSpan.FromSeconds(60))));
    }

    [Fact]
    public void From_run_to_run_a_thread_gets_the_part_that_it_had()
    {
        int[] before = new int[4];
        int same = 0;
        for (int run = 0; run < 200; run++)
        {
            int[] threads = new int[4];
            using Barrier all = new(4);
            Helper.Run(4, part =>
            {
                threads[part] = Environment.CurrentManagedThreadId;
                Assert.True(all.SignalAndWait(TimeSpan.FromSeconds(60)));
            });
            same += threads.AsSpan().SequenceEqual(before) ? 1 : 0;
            before = threads;
        }

        Assert.Equal(199, same);
    }

    [Fact]
    public void Runs_inside_parts_and_of_many_callers_keep_apart()
    {
        ConcurrentBag<string> wrong = [];
        Thread[] callers = [.. Enumerable.Range(0, 6).Select(caller => new Thread(() =>
        {
            for (int run = 0; run < 200; run++)
            {
                int sum = 0;
                Helper.Run(4, part => Helper.Run(3, inner =>
                {
                    Thread.SpinWait(20 * ((run + inner) % 50));
                    Interlocked.Add(ref sum, (100 * part) + inner + caller);
                }));
                if (sum != 1800 + 12 + (12 * caller))
                {
                    wrong.Add($"caller {caller}, run {run}: {sum}");
                }
            }
        }))];
        Array.ForEach(callers, caller => caller.Start());
        Array.ForEach(callers, caller => caller.Join());
        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void A_failure_comes_as_it_is_when_all_others_are_done(int failing)
    {
        for (int run = 0; run < 50; run++)
        {
            int done = 0;
            ArgumentException failure = Assert.Throws<ArgumentException>(() => Helper.Run(4, part =>
            {
                if (part == failing)
                {
                    throw new ArgumentException("tensor: this one");
                }

                Thread.Yield();
                Interlocked.Increment(ref done);
            }));
            Assert.Equal("tensor: this one", failure.Message);
            Assert.Equal(3, done);
        }

        int after = 0;
        Helper.Run(4, _ => Interlocked.Increment(ref after));
        Assert.Equal(4, after);
    }
}
