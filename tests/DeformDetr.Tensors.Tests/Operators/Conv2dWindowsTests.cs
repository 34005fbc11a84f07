using System.Numerics;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class Conv2dWindowsTests
{
    // C, H, W, kh, kw, stride, padding, dilation.
    private static readonly Axis[] Sizes = [new(1, 6), new(1, 12), new(1, 70), new(1, 7), new(1, 7), new(1, 4), new(0, 5), new(1, 3)];

    [Fact]
    public void Every_tap_of_every_pixel_stands_where_the_walk_goes()
    {
        Cases.Check(250, Sizes, Law<float>);
        Cases.Check(150, Sizes, Law<double>);
    }

    [Fact]
    public void Maps_of_one_row_or_column_and_windows_larger_than_the_map()
    {
        foreach (int[] s in new int[][]
        {
            [2, 1, 40, 3, 3, 1, 1, 1], [2, 40, 1, 3, 3, 1, 1, 1], [1, 1, 1, 3, 3, 1, 1, 1], [3, 1, 1, 7, 7, 1, 3, 1],
            [2, 2, 3, 7, 7, 2, 3, 1], [1, 3, 2, 3, 3, 1, 3, 3], [2, 1, 33, 1, 3, 2, 1, 1], [1, 2, 65, 3, 3, 2, 1, 1],
            [1, 9, 8, 1, 1, 3, 2, 1], [2, 9, 8, 2, 2, 4, 1, 1], [1, 9, 8, 2, 1, 3, 1, 3], [3, 12, 14, 3, 3, 2, 2, 2],
        })
        {
            foreach (int seed in Enumerable.Range(0, 12))
            {
                Law<float>(new Case(s, seed, Family.Plain));
                Law<double>(new Case(s, seed, Family.Plain));
            }
        }
    }

    private static void Law<T>(Case c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        (int channels, int height, int width, int kernelHeight, int kernelWidth) = (c[0], c[1], c[2], c[3], c[4]);
        Conv2dWindow window = new(c[5], c[6], c[7]);
        int outputHeight = window.OutputSize(height, kernelHeight);
        int outputWidth = window.OutputSize(width, kernelWidth);
        if (outputHeight <= 0 || outputWidth <= 0)
        {
            return;
        }

        // The maps stand in the middle of an array of NaN.
        Random random = c.Random();
        const int Before = 5;
        T[] maps = [.. Values.Counting<T>(Before + (channels * height * width)).AsSpan(), T.NaN];
        maps.AsSpan(0, Before).Fill(T.NaN);
        Conv2d.Windows<T> windows = new(
            new Place<T>(maps, Before), channels, height, width, kernelHeight, kernelWidth, window, outputHeight, outputWidth);
        int taps = kernelHeight * kernelWidth;
        Assert.Equal(channels * taps, windows.Depth);
        int depthBlock = random.Next(1, windows.Depth + 3);
        int most = random.Next(1, windows.Lanes + 8);
        int first = random.Next(windows.Lanes);
        int lanes = random.Next(1, most + 1);
        int rows = windows.Rows(most);
        (int[] starts, int[] reaches, int[] steps) = windows.Walk(rows, depthBlock);
        T[] buffer = new T[windows.BufferLength(rows, depthBlock)];
        int top = first / windows.Pitch;
        for (int pc = 0; pc < windows.Depth; pc += depthBlock)
        {
            int depth = Math.Min(depthBlock, windows.Depth - pc);
            Array.Fill(buffer, T.NaN);
            windows.Pack(pc, depth, top, windows.Rows(lanes), rows, buffer);
            string what = $"{channels}x{height}x{width}, kernel {kernelHeight}x{kernelWidth}, {window}";
            Footprint<T> reads = windows.Reads(first, lanes, pc, depth);
            Footprints.Hold(reads, maps, buffer, what);
            int last = top + windows.Rows(lanes) - 1;
            int phases = Math.Min(window.Stride, Math.Max(((kernelHeight - 1) * window.Dilation) + 1, ((kernelWidth - 1) * window.Dilation) + 1));
            (int above, int below) = (Math.Max(0, (top * window.Stride) - window.Padding), Math.Min(height, (last * window.Stride) - window.Padding + phases) - 1);
            Assert.Equal(above <= below, reads.Length > 0);
            if (above <= below)
            {
                int channel = (reads.Start - Before) / (height * width);
                Assert.Equal((above, below), Footprints.Rows(reads, Before, height, width));
                Assert.Equal((pc / taps, (pc + depth - 1) / taps), (channel, channel + reads.Count - 1));
            }

            int at = starts[pc / depthBlock] + first - (top * windows.Pitch);
            for (int k = pc; k < pc + depth; at += steps[k], k++)
            {
                Assert.InRange(at - first + (top * windows.Pitch), 0, reaches[pc / depthBlock]);
                for (int lane = 0; lane < lanes; lane++)
                {
                    // Every lane may be read; those that are pixels have what the tap sees.
                    T element = buffer[at + lane];
                    (int y, int x) = ((first + lane) / windows.Pitch, (first + lane) % windows.Pitch);
                    if (y >= outputHeight || x >= outputWidth)
                    {
                        continue;
                    }

                    int iy = (y * window.Stride) - window.Padding + (k % taps / kernelWidth * window.Dilation);
                    int ix = (x * window.Stride) - window.Padding + (k % kernelWidth * window.Dilation);
                    bool inside = iy >= 0 && iy < height && ix >= 0 && ix < width;
                    T expected = inside ? maps[Before + (k / taps * height * width) + (iy * width) + ix] : T.Zero;
                    Assert.True(
                        expected == element,
                        $"{what}, k {k}, pixel ({y}, {x}): {element}, expected {expected}");
                }
            }
        }
    }
}
