using System.Numerics;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class Conv2dPatchesTests
{
    // C, H, W, kh, kw, stride, padding, dilation.
    private static readonly Axis[] Sizes = [new(1, 4), new(1, 12), new(1, 70), new(1, 7), new(1, 7), new(1, 3), new(0, 5), new(1, 3)];

    [Fact]
    public void Patches_are_packed_as_the_window_sees_them()
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
            [2, 2, 3, 7, 7, 1, 3, 1], [2, 2, 3, 7, 7, 2, 3, 1], [1, 3, 2, 3, 3, 1, 3, 3], [2, 1, 33, 1, 3, 2, 1, 1],
            [1, 2, 65, 3, 3, 2, 1, 1], [1, 3, 16, 5, 5, 1, 2, 1], [2, 4, 32, 3, 3, 1, 1, 1], [2, 4, 31, 3, 3, 1, 1, 1],
            [2, 4, 33, 3, 3, 1, 2, 2], [1, 9, 8, 3, 3, 1, 1, 1], [1, 1, 100, 1, 1, 3, 0, 1], [1, 3, 70, 3, 3, 1, 1, 1],
            [1, 12, 4, 5, 3, 1, 2, 1], [1, 70, 2, 3, 3, 1, 1, 1],
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
        int pixels = outputHeight * outputWidth;
        if (pixels == 0)
        {
            return;
        }

        // The group's maps start in the middle of an array and end with it: 5 elements that no tap may see, then 1, 2, 3 ..
        Random random = c.Random();
        const int Before = 5;
        T[] maps = [.. Values.Counting<T>(Before + (channels * height * width)).AsSpan()];
        maps.AsSpan(0, Before).Fill(T.NaN);
        Conv2d.PatchPanels<T> patches = new(new Place<T>(maps, Before), height, width, kernelHeight, kernelWidth, window, outputWidth);
        int taps = kernelHeight * kernelWidth;
        foreach (int panelWidth in new[] { 4, 8, 16, 32 })
        {
            // Some panels, or all from one to the map's end, and some depths in the middle.
            int lane = panelWidth * random.Next((pixels + panelWidth - 1) / panelWidth);
            int lanes = random.Next(2) == 0 ? pixels - lane : Math.Min(pixels - lane, panelWidth * random.Next(1, 12));
            int k = random.Next(channels * taps);
            int depth = random.Next((channels * taps) - k + 1);
            string what = $"{channels}x{height}x{width}, kernel {kernelHeight}x{kernelWidth}, {window}, panels of {panelWidth}";
            GemmPanelsTests.Packed(
                patches, lane, lanes, k, depth, panelWidth, (pixel, step) =>
                {
                    int iy = (pixel / outputWidth * window.Stride) - window.Padding + (step % taps / kernelWidth * window.Dilation);
                    int ix = (pixel % outputWidth * window.Stride) - window.Padding + (step % kernelWidth * window.Dilation);
                    bool inside = iy >= 0 && iy < height && ix >= 0 && ix < width;
                    return inside ? maps[Before + (step / taps * height * width) + (iy * width) + ix] : T.Zero;
                },
                maps, what);
            if (depth == 0)
            {
                continue;
            }

            // No rows are asked for but those between the first and the last that a window covers, of those channels.
            Footprint<T> reads = patches.Reads(lane, lanes, k, depth);
            int[] covered = [.. from pixel in Enumerable.Range(lane, lanes)
                                from ky in Enumerable.Range(0, kernelHeight)
                                select (pixel / outputWidth * window.Stride) - window.Padding + (ky * window.Dilation)];
            (int top, int bottom) = (Math.Max(0, covered.Min()), Math.Min(height - 1, covered.Max()));
            Assert.Equal(top <= bottom, reads.Length > 0);
            if (top <= bottom)
            {
                int channel = (reads.Start - Before) / (height * width);
                Assert.Equal((top, bottom), Footprints.Rows(reads, Before, height, width));
                Assert.Equal((k / taps, (k + depth - 1) / taps), (channel, channel + reads.Count - 1));
            }
        }
    }
}
