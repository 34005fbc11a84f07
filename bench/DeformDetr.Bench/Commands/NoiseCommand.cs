using System.CommandLine;
using System.Globalization;
using DeformDetr.Oracle;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Bench;

/// <summary>How far legal float32 sums lie from the exact ones: the constant of the oracle's bound (docs/numerics.md).</summary>
internal static class NoiseCommand
{
    private const double Epsilon = 1.0 / (1 << 24);

    private static readonly int[] Depths = [3, 4, 8, 16, 32, 64, 147, 256, 576, 1024, 2304, 4608, 18432];

    public static Command Create()
    {
        Option<int> seeds = BenchOptions.Number("--seeds", "How many draws of each kind of data", 4);
        Option<bool> json = BenchOptions.Json();
        Command command = new("noise", "Largest errors of sums and operators in every legal order, in units of 2^-24 of their magnitude")
        {
            seeds, json,
        };
        command.SetAction(parsed => Measure(parsed.GetValue(seeds), parsed.GetValue(json)));
        return command;
    }

    private static void Measure(int seeds, bool json)
    {
        // Families, orders, depths: the largest error seen.
        double[,,] largest = new double[SumFamily.All.Count, LegalOrders.All.Count, Depths.Length];
        for (int family = 0; family < SumFamily.All.Count; family++)
        {
            for (int depth = 0; depth < Depths.Length; depth++)
            {
                for (int seed = 0; seed < seeds; seed++)
                {
                    double[] errors = Draw(SumFamily.All[family], Depths[depth], (seed * 1000) + family);
                    for (int order = 0; order < errors.Length; order++)
                    {
                        largest[family, order, depth] = Math.Max(largest[family, order, depth], errors[order]);
                    }
                }
            }
        }

        ReportTable.Print(json, ByDepth(largest, made: false), ByDepth(largest, made: true), ByFamily(largest), OperatorNoise.Measure());
    }

    // The largest error of each order over 48 times 48 sums of a bias and so many terms; every row has inputs or weights of its own.
    private static double[] Draw(SumFamily family, int depth, int seed)
    {
        const int Rows = 48;
        Random random = new(seed);
        Tensor<float> x = new([Rows, depth]);
        Tensor<float> w = new([Rows, depth]);
        Tensor<float> bias = Agreement.Random(seed + 1, [Rows]);
        for (int row = 0; row < Rows; row++)
        {
            family.Fill(random, x.AsSpan().Slice(row * depth, depth), w.AsSpan().Slice(row * depth, depth));
        }

        OperatorContext context = new(Kernels.Simd, Environment.ProcessorCount);
        Tensor<double> exact = Linear.Forward(context, Widened(x, false), Widened(w, false), Widened(bias, false));
        Tensor<double> magnitudes = Linear.Forward(context, Widened(x, true), Widened(w, true), Widened(bias, true));
        double[] largest = new double[LegalOrders.All.Count];
        for (int order = 0; order < largest.Length; order++)
        {
            Tensor<float> sums = LegalOperators.Linear(context, LegalOrders.All[order], x, w, bias);
            for (int i = 0; i < sums.Length; i++)
            {
                double error = Math.Abs(sums.AsReadOnlySpan()[i] - exact.AsReadOnlySpan()[i]) / (Epsilon * magnitudes.AsReadOnlySpan()[i]);
                largest[order] = Math.Max(largest[order], error);
            }
        }

        return largest;
    }

    private static ReportTable ByDepth(double[,,] largest, bool made)
    {
        ReportTable table = new(
            made ? "Largest error, data made to go wrong" : "Largest error, by terms and order",
            [("K", "0"), .. LegalOrders.All.Select(order => (order.Name, "0.0"))]);
        for (int depth = 0; depth < Depths.Length; depth++)
        {
            object?[] cells = new object?[LegalOrders.All.Count + 1];
            cells[0] = Depths[depth];
            for (int order = 0; order < LegalOrders.All.Count; order++)
            {
                double most = 0;
                for (int family = 0; family < SumFamily.All.Count; family++)
                {
                    most = SumFamily.All[family].Made == made ? Math.Max(most, largest[family, order, depth]) : most;
                }

                cells[order + 1] = most;
            }

            table.Add(cells);
        }

        return table;
    }

    private static ReportTable ByFamily(double[,,] largest)
    {
        ReportTable table = new(
            "The constant that each kind of data asks for (error / √terms where it is above 4), and the largest share of the terms",
            ("data", ""), ("c", "0.000"), ("at K", ""), ("order", ""), ("error / terms", "0.000"), ("c of the house", "0.000"));
        for (int family = 0; family < SumFamily.All.Count; family++)
        {
            (double c, double share, double house) = (0, 0, 0);
            (string at, string who) = ("", "");
            for (int order = 0; order < LegalOrders.All.Count; order++)
            {
                for (int depth = 0; depth < Depths.Length; depth++)
                {
                    double error = largest[family, order, depth];
                    double terms = Depths[depth] + 1;
                    share = Math.Max(share, error / terms);
                    if (error > 4 && error / Math.Sqrt(terms) > c)
                    {
                        (c, at, who) = (
                            error / Math.Sqrt(terms), Depths[depth].ToString(CultureInfo.InvariantCulture), LegalOrders.All[order].Name);
                    }

                    house = order == 0 && error > 4 ? Math.Max(house, error / Math.Sqrt(terms)) : house;
                }
            }

            table.Add(SumFamily.All[family].Name, c, at, who, share, house);
        }

        return table;
    }

    private static Tensor<double> Widened(Tensor<float> tensor, bool magnitudes)
    {
        Tensor<double> wide = new(tensor.Shape);
        for (int i = 0; i < wide.Length; i++)
        {
            double value = tensor.AsReadOnlySpan()[i];
            wide.AsSpan()[i] = magnitudes ? Math.Abs(value) : value;
        }

        return wide;
    }
}
