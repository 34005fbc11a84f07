using System.Collections.Concurrent;

namespace DeformDetr.Tensors.Tests.Core;

public class OperatorContextTests
{
    [Theory]
    [InlineData(1, 100, 1)]
    [InlineData(4, 100, 1)]
    [InlineData(7, 100, 10)]
    [InlineData(7, 3, 1)]
    [InlineData(3, 100, 60)]
    [InlineData(3, 0, 1)]
    [InlineData(5, 1, 1)]
    public void Split_covers_every_item_once_in_contiguous_parts(int threads, int count, int least)
    {
        ConcurrentBag<(int First, int Last)> parts = [];
        new OperatorContext(Kernels.Simd, threads).Split(count, least, (first, last) => parts.Add((first, last)));
        int next = 0;
        foreach ((int first, int last) in parts.Order())
        {
            Assert.Equal(next, first);
            Assert.True(last > first);
            Assert.True(parts.Count == 1 || last - first >= least);
            next = last;
        }

        Assert.Equal(count, next);
        Assert.Equal(count == 0 ? 0 : Math.Min(threads, Math.Max(1, count / least)), parts.Count);
    }

    [Fact]
    public void Split_does_not_overflow_on_large_counts()
    {
        ConcurrentBag<(int First, int Last)> parts = [];
        new OperatorContext(Kernels.Simd, 3).Split(int.MaxValue, 1, (first, last) => parts.Add((first, last)));
        Assert.Equal([(0, 715827882), (715827882, 1431655764), (1431655764, int.MaxValue)], parts.Order());
    }

    [Theory]
    [InlineData(1, 100, 8, 1)]
    [InlineData(2, 100, 8, 1)]
    [InlineData(7, 1000, 8, 10)]
    [InlineData(7, 3, 8, 1)]
    [InlineData(3, 100, 8, 60)]
    [InlineData(3, 0, 8, 1)]
    [InlineData(2, 9, 0, 1)]
    public void Share_gives_every_item_to_one_thread_in_chunks(int threads, int count, int most, int least)
    {
        ConcurrentBag<(int First, int Last, int Thread)> taken = [];
        ConcurrentBag<int> started = [];
        new OperatorContext(Kernels.Simd, threads).Share(count, most, least, (thread, chunks) =>
        {
            started.Add(thread);
            while (chunks.Take(out int first, out int last))
            {
                taken.Add((first, last, thread));
                Thread.Yield();
            }
        });
        int next = 0;
        foreach ((int first, int last, int thread) in taken.Order())
        {
            Assert.Equal(next, first);
            Assert.InRange(last - first, 1, Math.Max(1, most));
            Assert.InRange(thread, 0, threads - 1);
            next = last;
        }

        Assert.Equal(count, next);
        Assert.Equal(count == 0 ? 0 : Math.Min(threads, Math.Max(1, count / least)), started.Distinct().Count());
        Assert.Equal(started.Count, started.Distinct().Count());
    }

    [Fact]
    public void It_says_what_it_was_made_with()
    {
        OperatorContext context = new(Kernels.Simd, 3);
        Assert.Equal((Kernels.Simd, 3), (context.Kernels, context.Threads));
        Assert.Equal((Kernels.Textbook, 1), (new OperatorContext().Kernels, new OperatorContext().Threads));
        Assert.Equal((Kernels.Simd, 1), (context.SingleThread.Kernels, context.SingleThread.Threads));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    public void Refusals(int threads) =>
        Assert.StartsWith("threads: expected at least 1.", Assert.Throws<ArgumentOutOfRangeException>(() => new OperatorContext(Kernels.Simd, threads)).Message, StringComparison.Ordinal);
}
