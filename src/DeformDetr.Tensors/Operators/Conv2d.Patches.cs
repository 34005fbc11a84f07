using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DeformDetr.Tensors.Operators;

public static partial class Conv2d
{
    // Lane = output pixel (row-major), k = (c, ky, kx): the pixel of the map that the window's tap covers, or zero.
    internal readonly struct PatchPanels<T>(
        Place<T> data, int height, int width, int kernelHeight, int kernelWidth, Conv2dWindow window, int outputWidth)
        : IPanels<T>
        where T : unmanaged
    {
        // Consecutive output pixels of one output row.
        private readonly record struct Run(int Lane, int Length, int Y, int X);

        // Of every channel the rows of the map that the windows see.
        public Footprint<T> Reads(int lane, int lanes, int k, int depth)
        {
            int taps = kernelHeight * kernelWidth;
            int channel = k / taps;
            int channels = ((k + depth - 1) / taps) + 1 - channel;
            int top = (lane / outputWidth * window.Stride) - window.Padding;
            int end = ((lane + lanes - 1) / outputWidth * window.Stride) - window.Padding + ((kernelHeight - 1) * window.Dilation) + 1;
            int from = Math.Clamp(top, 0, height);
            int rows = Math.Clamp(end, from, height) - from;
            return new(data.Array, data.Start + (((channel * height) + from) * width), rows * width, height * width, channels);
        }

        public void Pack(int lane, int lanes, int k, int depth, int panelWidth, Span<T> packed)
        {
            int most = Gemm.BlockPanels * panelWidth;
            Span<Run> runs = stackalloc Run[most];
            Span<T> line = stackalloc T[most];
            for (int done = 0; done < lanes; done += most)
            {
                int count = Math.Min(most, lanes - done);
                int found = Runs(lane + done, count, runs);
                PackGroup(lane + done, k, depth, panelWidth, runs[..found], line[..count], packed[(done * depth)..]);
            }
        }

        // Channel by channel, tap by tap: one element of every window, a line, is written over the panels.
        private void PackGroup(int lane, int k, int depth, int panelWidth, ReadOnlySpan<Run> runs, Span<T> line, Span<T> packed)
        {
            // Where the output is as wide as the map, neighbouring lanes read neighbouring pixels, across the ends of rows too.
            bool aligned = window.Stride == 1 && outputWidth == width;
            int pixels = height * width;
            int taps = kernelHeight * kernelWidth;
            for (int step = 0; step < depth; step++)
            {
                (int c, int tap) = Math.DivRem(k + step, taps);
                ReadOnlySpan<T> map = data.Span(c * pixels, pixels);
                int dy = (tap / kernelWidth * window.Dilation) - window.Padding;
                int dx = (tap % kernelWidth * window.Dilation) - window.Padding;
                int start = lane + (dy * width) + dx;
                Span<T> target = packed[(step * panelWidth)..];
                if (aligned && runs[0].Y + dy >= 0 && runs[^1].Y + dy < height && start >= 0 && start + line.Length <= pixels)
                {
                    Stretch.Spread(map.Slice(start, line.Length), target, panelWidth, depth);
                    ClearBeside(runs, dx, target, panelWidth, depth);
                }
                else
                {
                    foreach (ref readonly Run run in runs)
                    {
                        PackRun(run, map, (run.Y * window.Stride) + dy, dx, line);
                    }

                    Stretch.Spread(line, target, panelWidth, depth);
                }
            }
        }

        private int Runs(int lane, int lanes, Span<Run> runs)
        {
            int found = 0;
            int oy = lane / outputWidth;
            int ox = lane % outputWidth;
            for (int done = 0; done < lanes; oy++, ox = 0)
            {
                int length = Math.Min(outputWidth - ox, lanes - done);
                runs[found++] = new Run(done, length, oy, ox);
                done += length;
            }

            return found;
        }

        // Zeros where the tap looks past the left or right end of its row.
        private void ClearBeside(ReadOnlySpan<Run> runs, int dx, Span<T> target, int panelWidth, int depth)
        {
            foreach (ref readonly Run run in runs)
            {
                int left = Math.Min(run.Length, -dx - run.X);
                for (int at = 0; at < left; at++)
                {
                    target[Stretch.Place(run.Lane + at, panelWidth, depth)] = default;
                }

                for (int at = Math.Max(0, width - dx - run.X); at < run.Length; at++)
                {
                    target[Stretch.Place(run.Lane + at, panelWidth, depth)] = default;
                }
            }
        }

        private void PackRun(in Run run, ReadOnlySpan<T> map, int iy, int dx, Span<T> line)
        {
            Span<T> target = line.Slice(run.Lane, run.Length);
            if ((uint)iy >= (uint)height)
            {
                target.Clear();
                return;
            }

            int ix = (run.X * window.Stride) + dx;
            if (ix >= 0 && ix + ((run.Length - 1) * window.Stride) < width)
            {
                Pick(map[((iy * width) + ix)..], window.Stride, target);
                return;
            }

            // Output pixels [from, to) of the run look inside the map's row.
            int from = ix >= 0 ? 0 : Math.Min(run.Length, (-ix + window.Stride - 1) / window.Stride);
            int to = ix >= width ? from : Math.Clamp(((width - 1 - ix) / window.Stride) + 1, from, run.Length);
            target[..from].Clear();
            target[to..].Clear();
            if (from < to)
            {
                ReadOnlySpan<T> source = map[((iy * width) + ix + (from * window.Stride))..];
                Pick(source, window.Stride, target[from..to]);
            }
        }
    }

    // target[p] = source[p · stride].
    internal static void Pick<T>(ReadOnlySpan<T> source, int stride, Span<T> target)
        where T : unmanaged
    {
        if (stride == 1)
        {
            source[..target.Length].CopyTo(target);
            return;
        }

        int p = 0;
        int lanes = Vector512<float>.Count;
        if (stride == 2 && typeof(T) == typeof(float) && Avx512F.IsSupported && target.Length >= lanes)
        {
            ref float from = ref Unsafe.As<T, float>(ref Unsafe.AsRef(in source[0]));
            ref float to = ref Unsafe.As<T, float>(ref target[0]);
            Vector512<int> even = Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);

            // As many whole vectors as the source has pairs for, the last one over what the one before it wrote.
            int whole = Math.Min(target.Length, source.Length / 2);
            while (p < whole && whole >= lanes)
            {
                p = Math.Min(p, whole - lanes);
                Vector512<float> left = Vector512.LoadUnsafe(ref from, (nuint)(2 * p));
                Vector512<float> right = Vector512.LoadUnsafe(ref from, (nuint)((2 * p) + lanes));
                Avx512F.PermuteVar16x32x2(left, even, right).StoreUnsafe(ref to, (nuint)p);
                p += lanes;
            }
        }

        for (; p < target.Length; p++)
        {
            target[p] = source[p * stride];
        }
    }
}
