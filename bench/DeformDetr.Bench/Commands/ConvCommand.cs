using System.CommandLine;
using System.Globalization;
using System.Numerics;
using DeformDetr.Reference;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Bench;

/// <summary>Every distinct convolution of the backbone, against the peak around it.</summary>
internal static class ConvCommand
{
    private readonly record struct Convolution(int Channels, int Outputs, int Height, int Width, int Kernel, Conv2dWindow Window)
    {
        public double Operations =>
            2.0 * Outputs * Channels * Kernel * Kernel * Window.OutputSize(Height, Kernel) * Window.OutputSize(Width, Kernel);

        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture,
            $"{Channels} -> {Outputs}, {Kernel}x{Kernel}{(Window.Stride > 1 ? $" / {Window.Stride}" : "")}, {Height}x{Width}");
    }

    public static Command Create()
    {
        Option<int> rounds = BenchOptions.Rounds(5);
        Option<int> height = BenchOptions.Number("--height", "Of the picture", 800);
        Option<int> width = BenchOptions.Number("--width", "Of the picture", 1333);
        Option<string> dtype = BenchOptions.DType();
        Option<bool> json = BenchOptions.Json();
        Command command = new("conv", "Every distinct convolution of ResNet-50, against the peak") { rounds, height, width, dtype, json };
        command.SetAction(parsed =>
        {
            (int h, int w, int r) = (parsed.GetValue(height), parsed.GetValue(width), parsed.GetValue(rounds));
            bool wide = parsed.GetValue(dtype) == "float64";
            ReportTable.Print(parsed.GetValue(json), wide ? Measure<double>(h, w, r) : Measure<float>(h, w, r));
        });
        return command;
    }

    private static ReportTable Measure<T>(int height, int width, int rounds)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int[] threads = BenchOptions.Threads;
        List<(string First, Convolution Convolution, int Count)> distinct =
            [.. Layers(BackboneSpec.Named["resnet50"], height, width)
                .GroupBy(layer => layer.Convolution)
                .Select(group => (group.First().Name, group.Key, group.Count()))];
        List<Timing[]> timings = [.. distinct.Select(layer => Measure<T>(layer.Convolution, threads, rounds))];
        double[] totals =
            [.. threads.Select((_, index) => distinct.Zip(timings, (layer, times) => layer.Count * times[index].Median).Sum())];

        List<(string Heading, string Format)> columns = [("first layer", ""), ("convolution", ""), ("times", "0")];
        foreach (int count in threads)
        {
            columns.AddRange(
            [
                ($"ms, {count} thr.", "0.00"), ($"GFLOP/s, {count} thr.", "0.0"), ($"of peak, {count} thr.", "0.0%"),
                ($"of time, {count} thr.", "0.0%"),
            ]);
        }

        columns.Add(("share on all / on one", "0.000"));
        ReportTable table = new($"Convolutions of ResNet-50, {height}x{width}, {ElementTypes.Of<T>().Word()}", [.. columns]);
        foreach (((string first, Convolution convolution, int count), Timing[] times) in distinct.Zip(timings))
        {
            List<object?> cells = [first, convolution.ToString(), count];
            for (int index = 0; index < threads.Length; index++)
            {
                Timing time = times[index];
                cells.AddRange([time.Median * 1e3, time.Gflops, time.Share, count * time.Median / totals[index]]);
            }

            cells.Add(Interleaved.Scaling(times[0], times[^1]));
            table.Add([.. cells]);
        }

        double operations = distinct.Sum(layer => layer.Count * layer.Convolution.Operations);
        List<object?> sums = ["all", "", distinct.Sum(layer => layer.Count)];
        for (int index = 0; index < threads.Length; index++)
        {
            // The mean share, each layer weighed by its time.
            double busy = distinct.Zip(timings, (layer, times) => layer.Count * times[index].Median * times[index].Share).Sum();
            sums.AddRange([totals[index] * 1e3, operations / totals[index] / 1e9, busy / totals[index], 1.0]);
        }

        sums.Add(double.NaN);
        table.Add([.. sums]);
        return table;
    }

    private static Timing[] Measure<T>(Convolution convolution, int[] threads, int rounds)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        (int channels, int outputs, int height, int width, int kernel, Conv2dWindow window) = convolution;
        Tensor<T> input = Agreement.Random<T>(1, [1, channels, height, width]);
        Tensor<T> weight = Agreement.Random<T>(2, [outputs, channels, kernel, kernel]);
        AgreeOnEnds(input, weight, window);
        return Interleaved.Measure<T>(threads, rounds, convolution.Operations, count =>
        {
            OperatorContext context = new(Kernels.Simd, count);
            return () =>
            {
                using BufferScope scope = context.Scope();
                Conv2d.Forward(context, input, weight, null, window);
            };
        });
    }

    // The textbook body of the first and the last output channel says what those maps should be.
    private static void AgreeOnEnds<T>(Tensor<T> input, Tensor<T> weight, Conv2dWindow window)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int taps = weight.Length / weight.Shape[0];
        Tensor<T> ends = new(weight.Shape.With(0, 2));
        weight.AsReadOnlySpan()[..taps].CopyTo(ends.AsSpan());
        weight.AsReadOnlySpan()[^taps..].CopyTo(ends.AsSpan()[taps..]);
        Tensor<T> textbook = Conv2d.Forward(new OperatorContext(), input, ends, null, window);
        Tensor<T> simd = Conv2d.Forward(new OperatorContext(Kernels.Simd, Environment.ProcessorCount), input, weight, null, window);
        int pixels = textbook.Length / 2;
        Tensor<T> kept = new(textbook.Shape);
        simd.AsReadOnlySpan()[..pixels].CopyTo(kept.AsSpan());
        simd.AsReadOnlySpan()[^pixels..].CopyTo(kept.AsSpan()[pixels..]);
        Agreement.Require(textbook, kept);
    }

    // As ResNet and ResNetBlock build them.
    private static IEnumerable<(string Name, Convolution Convolution)> Layers(BackboneSpec spec, int height, int width)
    {
        Convolution stem = new(3, spec.Width, height, width, 7, new Conv2dWindow(2, 3));
        yield return ("conv1", stem);
        (height, width) = (stem.Window.OutputSize(height, 7), stem.Window.OutputSize(width, 7));
        Conv2dWindow pool = new(2, 1);
        (height, width) = (pool.OutputSize(height, 3), pool.OutputSize(width, 3));
        int inputs = spec.Width;
        for (int layer = 0; layer < spec.Layers.Count; layer++)
        {
            int planes = spec.Width << layer;
            int outputs = spec.Channels(layer);
            for (int block = 0; block < spec.Layers[layer]; block++)
            {
                string name = string.Create(CultureInfo.InvariantCulture, $"layer{layer + 1}.{block}");
                int stride = block == 0 && layer > 0 ? 2 : 1;
                Conv2dWindow window = new(stride, 1);
                (int h, int w) = (window.OutputSize(height, 3), window.OutputSize(width, 3));
                yield return ($"{name}.conv1", new Convolution(inputs, planes, height, width, 1, new Conv2dWindow()));
                yield return ($"{name}.conv2", new Convolution(planes, planes, height, width, 3, window));
                yield return ($"{name}.conv3", new Convolution(planes, outputs, h, w, 1, new Conv2dWindow()));
                if (block == 0)
                {
                    yield return ($"{name}.downsample.0", new Convolution(inputs, outputs, height, width, 1, new Conv2dWindow(stride)));
                }

                (height, width, inputs) = (h, w, outputs);
            }
        }
    }
}
