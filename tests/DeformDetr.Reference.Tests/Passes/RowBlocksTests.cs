using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Passes;

public class RowBlocksTests
{
    [Fact]
    public void Every_row_comes_once_and_no_two_threads_share_scratch_rows()
    {
        foreach (int threads in new[] { 1, 2, 3, 7 })
        {
            foreach (int count in new[] { 0, 1, 5, 95, 96, 97, 191, 192, 193, 700, 1000 })
            {
                int[] seen = new int[count];
                int[] users = new int[threads];
                int[] uses = new int[threads];
                RowBlocks.Run(new ForwardPass(Kernels.Simd, threads), count, (row, rows, scratch) =>
                {
                    Assert.InRange(rows, 1, RowBlocks.Rows);
                    Assert.True(row % RowBlocks.Least == 0 && scratch % RowBlocks.Rows == 0, $"row {row}, scratch {scratch}");
                    int slot = scratch / RowBlocks.Rows;
                    Assert.Equal(1, Interlocked.Increment(ref users[slot]));
                    Interlocked.Increment(ref uses[slot]);
                    for (int i = row; i < row + rows; i++)
                    {
                        Interlocked.Increment(ref seen[i]);
                    }

                    Thread.Yield();
                    Interlocked.Decrement(ref users[slot]);
                });
                Assert.All(seen, times => Assert.Equal(1, times));

                // Never more slots than threads have work; who takes how many groups is left to the threads. Alone all groups are whole.
                int most = (count + RowBlocks.Least - 1) / RowBlocks.Least;
                Assert.InRange(uses.Count(times => times > 0), Math.Min(1, most), Math.Min(threads, most));
                Assert.InRange(uses.Sum(), (count + RowBlocks.Rows - 1) / RowBlocks.Rows, threads == 1 ? (count + RowBlocks.Rows - 1) / RowBlocks.Rows : most);
            }
        }
    }

    [Fact]
    public void Scratch_has_a_group_of_rows_for_each_thread_and_a_group_is_whole_tiles()
    {
        Assert.Equal([5 * RowBlocks.Rows, 13], RowBlocks.Scratch<float>(new ForwardPass(Kernels.Simd, 5), 13).Shape);
        Assert.Equal(0, RowBlocks.Rows % RowBlocks.Least);
        Assert.Equal(0, RowBlocks.Least % 12);
    }
}
