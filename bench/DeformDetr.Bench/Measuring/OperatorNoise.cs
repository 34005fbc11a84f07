using DeformDetr.Oracle;
using DeformDetr.Reference;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Bench;

/// <summary>Errors of operators in every legal order, in units of 2^-24 of a magnitude that the operator's equation suggests.</summary>
internal static class OperatorNoise
{
    private const double Epsilon = 1.0 / (1 << 24);

    // Textbook in double: the truth.
    private static readonly OperatorContext Exact = new();

    private static readonly OperatorContext Context = new(Kernels.Simd, Environment.ProcessorCount);

    public static ReportTable Measure()
    {
        ReportTable table = new(
            "Largest error of an operator, in units of 2^-24 of its magnitude",
            [("operator", ""), ("magnitude", ""), .. LegalOrders.All.Select(order => (order.Name, "0.0"))]);
        const string Normed = "(\\|x\\| + \\|mean\\|) · r · \\|w\\| + \\|b\\|";
        foreach ((double mean, double deviation) in new[] { (0.0, 1.0), (1.0, 1.0), (10.0, 1.0), (100.0, 1.0), (0.0, 1e-3) })
        {
            Tensor<float> x = Agreement.Random(1, [2000, 256], mean - (1.7 * deviation), mean + (1.7 * deviation));
            Tensor<float> w = Agreement.Random(2, [256], 0.5, 1.5);
            Tensor<float> b = Agreement.Random(3, [256]);
            Row(
                table, Text($"layer norm of 256, mean {mean}, deviation {deviation}"), Normed,
                LayerNorm.Forward(Exact, Wide(x), Wide(w), Wide(b)), NormMagnitude(x, w, b, 256, 1),
                order => LegalOperators.LayerNorm(Context, order, x, w, b));
        }

        foreach (double mean in new[] { 0.0, 1.0, 10.0 })
        {
            Tensor<float> x = Agreement.Random(1, [1, 64, 100, 167], mean - 1.7, mean + 1.7);
            Tensor<float> w = Agreement.Random(2, [64], 0.5, 1.5);
            Tensor<float> b = Agreement.Random(3, [64]);
            Row(
                table, Text($"group norm of 2 x 16700, mean {mean}"), Normed, GroupNorm.Forward(Exact, Wide(x), 32, Wide(w), Wide(b)),
                NormMagnitude(x, w, b, 2 * 16700, 16700), order => LegalOperators.GroupNorm(Context, order, x, 32, w, b));
        }

        foreach ((int channels, double spread) in new[] { (16, 2.0), (16, 20.0), (300, 2.0), (300, 20.0) })
        {
            Tensor<float> x = Agreement.Random(1, [4000, channels], -spread, spread);
            Tensor<double> y = Softmax.Forward(Exact, Wide(x));
            Tensor<double> magnitude = new(y.Shape);
            for (int i = 0; i < y.Length; i++)
            {
                ReadOnlySpan<float> row = x.AsReadOnlySpan().Slice(i / channels * channels, channels);
                float most = float.NegativeInfinity;
                foreach (float value in row)
                {
                    most = Math.Max(most, value);
                }

                magnitude.AsSpan()[i] = y.AsReadOnlySpan()[i] * (1 + most - x.AsReadOnlySpan()[i]);
            }

            Row(
                table, Text($"softmax over {channels}, logits to {spread}"), "y · (1 + max - x)", y, magnitude,
                order => LegalOperators.Softmax(Context, order, x));
        }

        Elements(
            table, "sigmoid, -12 to 12", "y", Agreement.Random(1, [200000], -12, 12), x => Sigmoid.Forward(Exact, x),
            LegalOperators.Sigmoid, (_, y) => y);
        Elements(
            table, "inverse sigmoid, 0 to 1", "1 + \\|log x1\\| + \\|log x2\\|", Agreement.Random(2, [200000], 0, 1),
            x => InverseSigmoid.Forward(Exact, x), (context, order, x) => LegalOperators.InverseSigmoid(context, order, x),
            (x, _) => 1 + Math.Abs(Tensors.Numerics.Elementary.Log(Math.Max(x, 1e-5)))
                + Math.Abs(Tensors.Numerics.Elementary.Log(Math.Max(1 - x, 1e-5))));
        Elements(
            table, "gelu, -4 to 4", "\\|x\\|", Agreement.Random(3, [200000], -4, 4), x => Gelu.Forward(Exact, x), LegalOperators.Gelu,
            (x, _) => Math.Abs(x));
        Attention(table);
        return table;
    }

    private static void Attention(ReportTable table)
    {
        CoreTensors core = CoreTensors.Encoder(queries: 3000);
        Tensor<double> exact = MSDeformAttnCore.Forward(
            Exact, Wide(core.Value), core.SpatialShapes, core.LevelStartIndex, Wide(core.SamplingLocations), Wide(core.AttentionWeights));
        Row(
            table, "attention core", "Σ A · (Σ b · \\|v\\| + (\\|p\\| + W) · \\|dv/dp\\|)", exact, CoreMagnitude(core),
            order => LegalOperators.MSDeformAttnCore(
                Context, order, core.Value, core.SpatialShapes, core.LevelStartIndex, core.SamplingLocations, core.AttentionWeights));
        foreach (int size in new[] { 2, 4 })
        {
            Tensor<float> references = Agreement.Random(1, [1, 3000, 4, size], 0, 1);
            Tensor<float> offsets = Agreement.Random(2, [1, 3000, 8, 4, 4, 2], -4, 4);
            Tensor<double> locations = SamplingLocations.Forward(Exact, Wide(references), Wide(offsets), core.SpatialShapes);
            Tensor<double> magnitude = locations.Clone();
            for (int i = 0; i < magnitude.Length; i++)
            {
                (int query, int level) = (i / 256, i / 8 % 4);
                double reference = references.AsReadOnlySpan()[(((query * 4) + level) * size) + (i % 2)];
                magnitude.AsSpan()[i] = reference + Math.Abs(locations.AsReadOnlySpan()[i] - reference);
            }

            Row(
                table, Text($"sampling locations, {size}-d references"), "\\|reference\\| + \\|step\\|", locations, magnitude,
                order => LegalOperators.SamplingLocations(Context, order, references, offsets, core.SpatialShapes));
        }
    }

    private static void Elements(
        ReportTable table, string name, string what, Tensor<float> x, Func<Tensor<double>, Tensor<double>> truth,
        Func<OperatorContext, LegalOrder, Tensor<float>, Tensor<float>> run, Func<double, double, double> magnitude)
    {
        Tensor<double> exact = truth(Wide(x));
        Tensor<double> scale = exact.Clone();
        for (int i = 0; i < scale.Length; i++)
        {
            scale.AsSpan()[i] = magnitude(x.AsReadOnlySpan()[i], exact.AsReadOnlySpan()[i]);
        }

        Row(table, name, what, exact, scale, order => run(Context, order, x));
    }

    private static void Row(
        ReportTable table, string name, string what, Tensor<double> exact, Tensor<double> magnitude, Func<LegalOrder, Tensor<float>> run)
    {
        object?[] cells = new object?[LegalOrders.All.Count + 2];
        (cells[0], cells[1]) = (name, what);
        for (int order = 0; order < LegalOrders.All.Count; order++)
        {
            Tensor<float> actual = run(LegalOrders.All[order]);
            double largest = 0;
            for (int i = 0; i < actual.Length; i++)
            {
                double error = Math.Abs(actual.AsReadOnlySpan()[i] - exact.AsReadOnlySpan()[i]);
                largest = error > 0 ? Math.Max(largest, error / (Epsilon * magnitude.AsReadOnlySpan()[i])) : largest;
            }

            cells[order + 2] = largest;
        }

        table.Add(cells);
    }

    // Rows of so many elements; a channel's factor for so many neighbours.
    private static Tensor<double> NormMagnitude(Tensor<float> x, Tensor<float> w, Tensor<float> b, int size, int pixels)
    {
        Tensor<double> magnitude = new(x.Shape);
        for (int row = 0; row < x.Length; row += size)
        {
            (double sum, double squares) = (0, 0);
            for (int i = 0; i < size; i++)
            {
                sum += x.AsReadOnlySpan()[row + i];
            }

            double mean = sum / size;
            for (int i = 0; i < size; i++)
            {
                double deviation = x.AsReadOnlySpan()[row + i] - mean;
                squares += deviation * deviation;
            }

            double inverse = 1 / Math.Sqrt((squares / size) + 1e-5);
            for (int i = 0; i < size; i++)
            {
                int channel = (row + i) / pixels % w.Length;
                magnitude.AsSpan()[row + i] =
                    ((Math.Abs(x.AsReadOnlySpan()[row + i]) + Math.Abs(mean)) * inverse * Math.Abs(w.AsReadOnlySpan()[channel]))
                    + Math.Abs(b.AsReadOnlySpan()[channel]);
            }
        }

        return magnitude;
    }

    private static Tensor<double> CoreMagnitude(CoreTensors core)
    {
        TensorShape s = core.SamplingLocations.Shape;
        int channels = core.Value.Shape[3];
        Tensor<double> magnitude = new([s[0], s[1], s[2] * channels]);
        for (int at = 0; at < core.AttentionWeights.Length; at++)
        {
            int level = at / s[4] % s[3];
            int head = at / s[4] / s[3] % s[2];
            (int height, int width) = ((int)core.SpatialShapes[level, 0], (int)core.SpatialShapes[level, 1]);
            double px = ((double)core.SamplingLocations.AsReadOnlySpan()[2 * at] * width) - 0.5;
            double py = ((double)core.SamplingLocations.AsReadOnlySpan()[(2 * at) + 1] * height) - 0.5;
            (double left, double top) = (Math.Floor(px), Math.Floor(py));
            (double fx, double fy) = (px - left, py - top);
            for (int channel = 0; channel < channels; channel++)
            {
                double Value(double x, double y) => x >= 0 && x < width && y >= 0 && y < height
                    ? core.Value[0, (int)core.LevelStartIndex[level] + ((int)y * width) + (int)x, head, channel]
                    : 0;
                (double v0, double v1) = (Value(left, top), Value(left + 1, top));
                (double v2, double v3) = (Value(left, top + 1), Value(left + 1, top + 1));
                double plain = (1 - fy) * (((1 - fx) * Math.Abs(v0)) + (fx * Math.Abs(v1)));
                plain += fy * (((1 - fx) * Math.Abs(v2)) + (fx * Math.Abs(v3)));
                double byX = Math.Abs(((1 - fy) * (v1 - v0)) + (fy * (v3 - v2)));
                double byY = Math.Abs(((1 - fx) * (v2 - v0)) + (fx * (v3 - v1)));
                magnitude.AsSpan()[(at / s[4] / s[3] * channels) + channel] +=
                    core.AttentionWeights.AsReadOnlySpan()[at] * (plain + ((Math.Abs(px) + width) * byX) + ((Math.Abs(py) + height) * byY));
            }
        }

        return magnitude;
    }

    private static Tensor<double> Wide(Tensor<float> tensor)
    {
        Tensor<double> wide = new(tensor.Shape);
        for (int i = 0; i < wide.Length; i++)
        {
            wide.AsSpan()[i] = tensor.AsReadOnlySpan()[i];
        }

        return wide;
    }

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
