using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DeformDetr.Tensors.Operators;

public static partial class Conv2d
{
    // Lane = output pixel (row-major), k = (c, ky, kx): the pixel of the map that the window's tap covers, or zero.
    internal readonly struct PatchPanels<T>(
        T[] data, int offset, int height, int width, int kernelHeight, int kernelWidth, Conv2dWindow window, int outputWidth)
        : IPanels<T>
        where T : unmanaged
    {
        // Consecutive output pixels of one output row.
        private readonly record struct Run(int Lane, int Length, int Y, int X);

        public void Pack(int lane, int lanes, int k, int depth, int panelWidth, Span<T> packed)
        {
            Span<Run> runs = stackalloc Run[Gemm.BlockPanels * (panelWidth + 1)];
            Span<int> ends = stackalloc int[Gemm.BlockPanels];
            for (int done = 0; done < lanes; done += Gemm.BlockPanels * panelWidth)
            {
                PackGroup(
                    lane + done, Math.Min(Gemm.BlockPanels * panelWidth, lanes - done), k, depth, panelWidth, runs, ends,
                    packed[(done * depth)..]);
            }
        }

        // Channel by channel, so that the few rows of a map that all taps and panels read are read together.
        private void PackGroup(int lane, int lanes, int k, int depth, int panelWidth, Span<Run> runs, Span<int> ends, Span<T> packed)
        {
            int panels = 0;
            for (int done = 0, found = 0; done < lanes; done += panelWidth)
            {
                found += Runs(lane + done, Math.Min(panelWidth, lanes - done), runs[found..]);
                ends[panels++] = found;
            }

            int taps = kernelHeight * kernelWidth;
            int tap = k % taps;
            for (int step = 0, c = k / taps; step < depth; c++)
            {
                int count = Math.Min(taps - tap, depth - step);
                for (int panel = 0; panel < panels; panel++)
                {
                    int done = panel * panelWidth;
                    PackTaps(
                        c, tap, count, lane + done, Math.Min(panelWidth, lanes - done), runs[(panel == 0 ? 0 : ends[panel - 1])..ends[panel]],
                        panelWidth, packed.Slice((done * depth) + (step * panelWidth), count * panelWidth));
                }

                step += count;
                tap = 0;
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

        private void PackTaps(int c, int tap, int count, int lane, int lanes, ReadOnlySpan<Run> runs, int panelWidth, Span<T> panel)
        {
            // Where the output is as wide as the map, neighbouring lanes read neighbouring pixels, across the ends of rows too.
            bool aligned = window.Stride == 1 && outputWidth == width && lanes == panelWidth;
            int pixels = height * width;
            ReadOnlySpan<T> map = data.AsSpan(offset + (c * pixels), pixels);
            int right = ((kernelWidth - 1) * window.Dilation) - window.Padding;
            bool beside = runs.Length > 1 || runs[0].X < window.Padding || runs[0].X + runs[0].Length + right > width;
            int ky = tap / kernelWidth;
            int kx = tap % kernelWidth;
            for (int at = 0; at < panel.Length; at += panelWidth)
            {
                Span<T> row = panel.Slice(at, panelWidth);
                int dy = (ky * window.Dilation) - window.Padding;
                int dx = (kx * window.Dilation) - window.Padding;
                int start = lane + (dy * width) + dx;
                if (aligned && runs[0].Y + dy >= 0 && runs[^1].Y + dy < height && start >= 0 && start + panelWidth <= pixels)
                {
                    Stretch.Copy(map.Slice(start, panelWidth), row);
                    if (beside)
                    {
                        ClearBeside(runs, dx, row);
                    }
                }
                else
                {
                    foreach (ref readonly Run run in runs)
                    {
                        PackRun(run, map, (run.Y * window.Stride) + dy, dx, row);
                    }

                    row[lanes..].Clear();
                }

                if (++kx == kernelWidth)
                {
                    kx = 0;
                    ky++;
                }
            }
        }

        // Zeros where the tap looks past the left or right end of its row.
        private void ClearBeside(ReadOnlySpan<Run> runs, int dx, Span<T> row)
        {
            foreach (ref readonly Run run in runs)
            {
                if (run.X + dx < 0)
                {
                    row.Slice(run.Lane, Math.Min(run.Length, -dx - run.X)).Clear();
                }

                int inside = Math.Max(0, width - dx - run.X);
                if (inside < run.Length)
                {
                    row[(run.Lane + inside)..(run.Lane + run.Length)].Clear();
                }
            }
        }

        private void PackRun(in Run run, ReadOnlySpan<T> map, int iy, int dx, Span<T> row)
        {
            Span<T> target = row.Slice(run.Lane, run.Length);
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
