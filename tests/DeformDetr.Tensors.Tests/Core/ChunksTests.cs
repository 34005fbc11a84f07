namespace DeformDetr.Tensors.Tests.Core;

public class ChunksTests
{
    [Fact]
    public void The_last_chunks_of_a_part_are_small_so_that_threads_end_together()
    {
        Chunks chunks = Chunks.All(64, 8, 2)[0];
        Assert.Equal([(0, 8), (8, 16), (16, 24), (24, 28), (28, 30), (30, 31), (31, 32)], Taken(chunks, 7));

        // Alone there is nobody to end together with.
        Assert.Equal([(0, 8), (8, 10)], Taken(Chunks.All(10, 8, 1)[0], 10));
    }

    [Fact]
    public void A_thread_takes_its_own_part_ascending_and_then_from_the_end_of_the_fullest()
    {
        Chunks[] chunks = Chunks.All(60, 5, 3);
        Assert.Equal([(20, 25)], Taken(chunks[1], 1));
        Assert.Equal([(40, 45), (45, 50), (50, 55), (55, 58), (58, 59), (59, 60)], Taken(chunks[2], 6));
        Assert.Equal([(15, 20), (10, 15), (35, 40), (5, 10)], Taken(chunks[2], 4));

        // What was taken from its end an owner doesn't get.
        Assert.Equal([(25, 30), (30, 33), (33, 34), (34, 35), (2, 5), (1, 2), (0, 1)], Taken(chunks[1], 10));
        Assert.All(chunks, one => Assert.False(one.Take(out _, out _)));
    }

    [Fact]
    public void Each_thread_begins_with_its_part()
    {
        using Barrier all = new(3);
        int[] begun = new int[3];
        new OperatorContext(Kernels.Simd, 3).Share(100, 5, 1, (thread, chunks) =>
        {
            Assert.True(chunks.Take(out begun[thread], out _));
            Assert.True(all.SignalAndWait(TimeSpan.FromSeconds(60)));
        });
        Assert.Equal([0, 33, 66], begun);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_item_goes_to_one_thread_however_unequal_their_work(int threads)
    {
        for (int run = 0; run < 40; run++)
        {
            int[] times = new int[20_011];
            new OperatorContext(Kernels.Simd, threads).Share(times.Length, 1 + (run % 3), 1, (thread, chunks) =>
            {
                while (chunks.Take(out int first, out int last))
                {
                    Thread.SpinWait(thread == run % threads ? 40 : 0);
                    for (int item = first; item < last; item++)
                    {
                        Interlocked.Increment(ref times[item]);
                    }
                }
            });
            Assert.Equal(-1, times.AsSpan().IndexOfAnyExcept(1));
        }
    }

    [Fact]
    public void As_many_items_as_there_are_numbers()
    {
        Chunks[] chunks = Chunks.All(int.MaxValue, int.MaxValue, 4);
        Assert.Equal([(0, 268435456)], Taken(chunks[0], 1));
        Assert.Equal([(1610612735, 1879048191)], Taken(chunks[3], 1));
        Assert.Equal([(0, int.MaxValue)], Taken(Chunks.All(int.MaxValue, int.MaxValue, 1)[0], 2));
    }

    [Fact]
    public void A_chunk_taken_early_is_the_next_one_and_beside_others_none_is_near_the_end_of_the_part()
    {
        foreach (int threads in new[] { 1, 2, 7 })
        {
            EarlyChunks mine = new(Chunks.All(99, 4, threads)[0]);
            EarlyChunks plain = new(Chunks.All(99, 4, threads)[0]);
            int own = 99 / threads;
            int end = 0;
            while (mine.Take(out int first, out int last) && first == end)
            {
                // The same chunks as without, each once.
                Assert.True(plain.Take(out int plainFirst, out int plainLast));
                Assert.Equal((plainFirst, plainLast), (first, last));
                end = last;
                bool known = mine.TakeEarly(out int nextFirst, out int nextLast);
                Assert.Equal(threads == 1 ? end < 99 : own - end >= 8, known);
                Assert.Equal(known ? (end, Math.Min(99, end + 4)) : (0, 0), (nextFirst, nextLast));
            }

            Assert.Equal(own, end);
        }
    }

    [Fact]
    public void What_one_thread_took_early_no_other_gets()
    {
        Chunks[] chunks = Chunks.All(48, 8, 2);
        EarlyChunks mine = new(chunks[0]);
        Assert.True(mine.Take(out int first, out _));
        Assert.True(mine.TakeEarly(out int early, out _));
        List<(int First, int Last)> others = Taken(chunks[1], 20);
        Assert.True(mine.Take(out int next, out _));
        Assert.Equal((0, 8, 8), (first, early, next));
        Assert.False(mine.Take(out _, out _));
        Assert.Equal((16, 17), others.Min());
    }

    private static List<(int First, int Last)> Taken(Chunks chunks, int most)
    {
        List<(int First, int Last)> taken = [];
        while (taken.Count < most && chunks.Take(out int first, out int last))
        {
            taken.Add((first, last));
        }

        return taken;
    }
}
