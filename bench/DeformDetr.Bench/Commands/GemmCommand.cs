using System.CommandLine;
using System.Globalization;
using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Bench;

/// <summary>Matrix products through the public operators, against the peak around them.</summary>
internal static class GemmCommand
{
    // By the layer that has the size, on one 800x1333 picture: S = 22 223 tokens, 300 queries.
    private static readonly (string Layer, int Rows, int Inputs, int Outputs, bool MatMul)[] Sizes =
    [
        ("value_proj, output_proj", 22223, 256, 256, false),
        ("sampling_offsets", 22223, 256, 256, false),
        ("attention_weights", 22223, 256, 128, false),
        ("linear1", 22223, 256, 1024, false),
        ("linear2", 22223, 1024, 256, false),
        ("class_embed of all tokens", 22223, 256, 91, false),
        ("layer1.0.conv1 as a product", 66800, 64, 64, false),
        ("layer1.0.conv3 as a product", 66800, 64, 256, false),
        ("layer2.0.conv1 as a product", 66800, 256, 128, false),
        ("layer3.1.conv1 as a product", 4200, 1024, 256, false),
        ("layer4.1.conv3 as a product", 1050, 512, 2048, false),
        ("decoder's linear1", 300, 256, 1024, false),
        ("decoder's linear2", 300, 1024, 256, false),
        ("class_embed", 300, 256, 91, false),
        ("bbox_embed.layers.2", 300, 256, 4, false),
        ("self_attn's scores", 300, 32, 300, true),
        ("conv1's depth", 22223, 147, 64, false),
        ("awkward", 1001, 147, 64, false),
        ("awkward", 22223, 255, 253, false),
        ("awkward", 333, 333, 333, true),
    ];

    public static Command Create()
    {
        Option<int> rounds = BenchOptions.Rounds(7);
        Option<string> dtype = BenchOptions.DType();
        Option<bool> json = BenchOptions.Json();
        Command command = new("gemm", "Matrix products of the model's sizes and of awkward ones, against the peak") { rounds, dtype, json };
        command.SetAction(parsed => ReportTable.Print(
            parsed.GetValue(json),
            parsed.GetValue(dtype) == "float64" ? Measure<double>(parsed.GetValue(rounds)) : Measure<float>(parsed.GetValue(rounds))));
        return command;
    }

    private static ReportTable Measure<T>(int rounds)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int[] threads = BenchOptions.Threads;
        List<(string Heading, string Format)> columns = [("layer", ""), ("rows x in x out", ""), ("operator", "")];
        foreach (int count in threads)
        {
            columns.AddRange([($"GFLOP/s, {count} thr.", "0.0"), ($"best, {count} thr.", "0.0"), ($"of peak, {count} thr.", "0.0%")]);
        }

        columns.Add(("share on all / on one", "0.000"));
        ReportTable table = new($"Matrix products, {ElementTypes.Of<T>().Word()}", [.. columns]);
        foreach ((string layer, int rows, int inputs, int outputs, bool matMul) in Sizes)
        {
            Tensor<T> input = Agreement.Random<T>(1, [rows, inputs]);
            Tensor<T> weight = Agreement.Random<T>(2, [outputs, inputs]);
            Tensor<T>? bias = matMul ? null : Agreement.Random<T>(3, [outputs]);
            Tensor<T> Run(OperatorContext context, Tensor<T> x) =>
                matMul ? MatMul.Forward(context, x, weight, transposed: true) : Linear.Forward(context, x, weight, bias);
            AgreeOnEnds(Run, input);
            Timing[] timings = Interleaved.Measure<T>(threads, rounds, 2.0 * rows * inputs * outputs, count =>
            {
                OperatorContext context = new(Kernels.Simd, count);
                return () =>
                {
                    using BufferScope scope = context.Scope();
                    Run(context, input);
                };
            });
            List<object?> cells =
            [
                layer, string.Create(CultureInfo.InvariantCulture, $"{rows} x {inputs} x {outputs}"), matMul ? "MatMul" : "Linear",
            ];
            foreach (Timing timing in timings)
            {
                cells.AddRange([timing.Gflops, timing.Operations / timing.Least / 1e9, timing.Share]);
            }

            cells.Add(Interleaved.Scaling(timings[0], timings[^1]));
            table.Add([.. cells]);
        }

        return table;
    }

    // The textbook body on the first and the last row says what those rows should be.
    private static void AgreeOnEnds<T>(Func<OperatorContext, Tensor<T>, Tensor<T>> run, Tensor<T> input)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int inputs = input.Shape[1];
        Tensor<T> ends = new([2, inputs]);
        input.AsReadOnlySpan()[..inputs].CopyTo(ends.AsSpan());
        input.AsReadOnlySpan()[^inputs..].CopyTo(ends.AsSpan()[inputs..]);
        Tensor<T> textbook = run(new OperatorContext(), ends);
        Tensor<T> simd = run(new OperatorContext(Kernels.Simd, Environment.ProcessorCount), input);
        int outputs = simd.Shape[1];
        Tensor<T> kept = new([2, outputs]);
        simd.AsReadOnlySpan()[..outputs].CopyTo(kept.AsSpan());
        simd.AsReadOnlySpan()[^outputs..].CopyTo(kept.AsSpan()[outputs..]);
        Agreement.Require(textbook, kept);
    }
}
