
namespace DeformDetr.Oracle.Tests.Checking.Rankings;

/// <summary>Optimal assignment against trying all.</summary>
public class AssignmentTests
{
    [Fact]
    public void Agrees_with_trying_all_assignments() => Properties.Holds(
        random =>
        {
            int rows = random.Next(0, 8);
            int columns = random.Next(0, 8);
            double[,] cost = new double[rows, columns];

            // Few distinct numbers make ties; forbidden pairs can make rows impossible.
            int kind = random.Next(4);
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                {
                    cost[row, column] = kind == 0 ? random.NextDouble() - 0.5
                        : kind == 1 ? random.Next(3)
                        : kind == 2 ? (random.Next(2) == 0 ? double.PositiveInfinity : random.Next(-3, 4))
                        : random.Next(3) == 0 ? double.NaN : 1e6 * random.NextDouble();
                }
            }

            int[] found = Assignment.Solve(cost);
            (int Missing, double Cost) best = Best(cost, 0, new bool[columns]);
            (int missing, double total) = Value(cost, found);
            Assert.Equal(best.Missing, missing);
            Assert.True(Math.Abs(best.Cost - total) <= 1e-12 * (1 + Math.Abs(best.Cost)) * (kind == 3 ? 10 : 1), $"{best.Cost} {total}");
        },
        3000);

    [Fact]
    public void Eight_by_eight_agrees_too() => Properties.Holds(
        random =>
        {
            double[,] cost = new double[8, 8];
            for (int i = 0; i < 64; i++)
            {
                cost[i / 8, i % 8] = random.Next(2) == 0 ? random.Next(5) : random.NextDouble();
            }

            Assert.Equal(Best(cost, 0, new bool[8]).Cost, Value(cost, Assignment.Solve(cost)).Cost, 1e-12);
        },
        20);

    [Fact]
    public void Nobody_and_nothing_are_assigned_to_nobody()
    {
        Assert.Empty(Assignment.Solve(new double[0, 3]));
        Assert.Equal([-1, -1], Assignment.Solve(new double[2, 0]));
        Assert.Equal([-1], Assignment.Solve(new double[,] { { double.PositiveInfinity } }));
        Assert.Equal([0], Assignment.Solve(new double[,] { { 3 } }));
    }

    [Fact]
    public void As_many_as_possible_are_assigned_and_then_the_cheapest()
    {
        // Both rows want the only column; the cheaper one gets it.
        Assert.Equal([-1, 0], Assignment.Solve(new double[,] { { 5 }, { 1 } }));
        Assert.Equal([1, 0], Assignment.Solve(new[,] { { 0, 1000 }, { 1, double.PositiveInfinity } }));
    }

    [Fact]
    public void Sums_beyond_the_largest_number_are_no_obstacle() =>
        Assert.Equal([1, 0, 2], Assignment.Solve(new[,] { { 1.7e308, 1e300, 1.7e308 }, { 1e307, 1.7e308, double.PositiveInfinity }, { 1e308, 1.7e308, 1e306 } }));

    [Fact]
    public void Minus_infinity_is_refused() => Assert.Throws<ArgumentException>(() => Assignment.Solve(new[,] { { double.NegativeInfinity } }));

    [Theory]
    [InlineData("random")]
    [InlineData("products")]
    [InlineData("equal")]
    [InlineData("few values")]
    [InlineData("forbidden")]
    public void Nine_hundred_queries_are_assigned(string kind)
    {
        const int Count = 900;
        Random random = new(1);
        double[,] cost = new double[Count, Count];
        for (int i = 0; i < Count; i++)
        {
            for (int j = 0; j < Count; j++)
            {
                cost[i, j] = kind switch
                {
                    "random" => random.NextDouble(),
                    "products" => (i + 1.0) * (j + 1),
                    "equal" => 1,
                    "few values" => random.Next(10),
                    _ => random.Next(300) == 0 ? random.NextDouble() : double.PositiveInfinity,
                };
            }
        }

        int[] found = Assignment.Solve(cost);
        Assert.Equal(found.Count(column => column >= 0), found.Where(column => column >= 0).Distinct().Count());
        if (kind == "products")
        {
            // The largest row takes the smallest column.
            Assert.Equal(Enumerable.Range(0, Count).Select(row => Count - 1 - row), found);
        }
    }

    private static (int Missing, double Cost) Value(double[,] cost, int[] columns)
    {
        Assert.Equal(columns.Count(column => column >= 0), columns.Where(column => column >= 0).Distinct().Count());
        return (columns.Count(column => column < 0), columns.Select((column, row) => column < 0 ? 0 : cost[row, column]).Sum());
    }

    private static (int Missing, double Cost) Best(double[,] cost, int row, bool[] used)
    {
        if (row == cost.GetLength(0))
        {
            return (0, 0);
        }

        (int Missing, double Cost) best = Best(cost, row + 1, used);
        best.Missing++;
        for (int column = 0; column < used.Length; column++)
        {
            if (!used[column] && double.IsFinite(cost[row, column]))
            {
                used[column] = true;
                (int missing, double rest) = Best(cost, row + 1, used);
                used[column] = false;
                best = (missing, rest + cost[row, column]).CompareTo(best) < 0 ? (missing, rest + cost[row, column]) : best;
            }
        }

        return best;
    }
}
