using System.Globalization;
using System.Text.RegularExpressions;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Documentation;

/// <summary>docs/shapes.md against runs: every tensor fits one row, in shape and type, and every row has a tensor.</summary>
public class ShapesTests
{
    private static readonly Row[] Table = [.. ReadRows()];

    private static readonly Lazy<(string Run, Runs.Result Result)[]> All = new(() =>
    [
        ("demo", Runs.Demo(Kernels.Simd, 1, 2)),
        .. new[] { "model-basic", "model-bottleneck-refine-gelu", "model-two-stage", "model-dilation-single-scale" }.Select(name => (name, Runs.Case(name, Kernels.Simd))),
    ]);

    [Fact]
    public void Every_named_tensor_of_a_run_fits_exactly_one_row() =>
        Texts.RequireNone(from entry in All.Value
                          from name in entry.Result.Tensors.Keys
                          let rows = Table.Where(row => row.Name.IsMatch(name)).Select(row => row.Pattern).ToArray()
                          where rows.Length != 1
                          select $"{entry.Run}: {name} fits {rows.Length} rows: {string.Join(", ", rows)}");

    [Fact]
    public void Every_row_names_a_tensor_of_some_run() =>
        Texts.RequireNone(from row in Table
                          where !All.Value.Any(entry => entry.Result.Tensors.Keys.Any(name => row.Name.IsMatch(name)))
                          select row.Pattern);

    [Fact]
    public void Every_tensor_has_its_row_s_shape_and_type() =>
        Texts.RequireNone(from entry in All.Value
                          from tensor in entry.Result.Tensors
                          from row in Table.Where(row => row.Name.IsMatch(tensor.Key))
                          where Type(tensor.Value) != row.Type || !Fits(tensor.Value.Shape, row.Shape, Symbols(entry.Result, tensor.Key))
                          select $"{entry.Run}: {tensor.Key} is {Type(tensor.Value)} {tensor.Value.Shape}; its row says {row.Type} [{string.Join(", ", row.Shape)}]");

    [Fact]
    public void Every_row_names_a_file_that_taps_and_a_member_of_it() =>
        Texts.RequireNone(Table.Select(row =>
        {
            string path = $"src/DeformDetr.Reference/{row.File}";
            string? fault = SourceMembers.Fault(path, row.Member);
            return fault ?? (Regex.IsMatch(File.ReadAllText(Path.Combine(RepositoryFiles.Root, path)), @"\bTap\(|see\?\.Invoke\(") ? null : $"{path}: taps nothing");
        }).OfType<string>());

    [Fact]
    public void Every_symbol_of_a_shape_is_explained()
    {
        HashSet<string> explained = [.. Texts.Rows("docs/shapes.md", "Symbols").Skip(1).SelectMany(cells => cells[0].Split(", "))];
        Texts.RequireNone(Table.SelectMany(row => row.Shape).SelectMany(size => Regex.Matches(size, "[A-Za-z]+")).Select(match => match.Value)
            .Where(word => word != "or" && !explained.Contains(word)).Distinct());
    }

    private static IEnumerable<Row> ReadRows()
    {
        foreach (string line in Texts.Lines("docs/shapes.md"))
        {
            string[] cells = [.. line.Trim('|').Split('|').Select(cell => cell.Trim())];
            if (cells.Length == 6 && cells[1].StartsWith('['))
            {
                string pattern = cells[0].Trim('`');
                string[] place = cells[5].Split(" · ");
                yield return new Row(pattern, Expression(pattern), cells[1].Trim('[', ']').Split(", "), cells[2], place[0].Trim('`'), place[1].Trim('`'));
            }
        }
    }

    private static Regex Expression(string pattern)
    {
        const string Encoder = @"transformer\.encoder\.layers\.[0-9]+";
        const string Decoder = @"transformer\.decoder\.layers\.[0-9]+";
        string text = Regex.Escape(pattern).Replace(@"\{attn}", $@"({Encoder}\.self_attn|{Decoder}\.cross_attn)", StringComparison.Ordinal)
            .Replace(@"\{enc}", Encoder, StringComparison.Ordinal)
            .Replace(@"\{dec}", Decoder, StringComparison.Ordinal);
        return new Regex($"^{Regex.Replace(text, @"\\\{[blijs]\}", "[0-9]+")}$");
    }

    private static string Type(Tensor tensor) => tensor.ElementType == ElementType.Float32 ? "float" : tensor.ElementType.Word();

    // The sizes of a run by symbol; what is not here (sizes of single maps) may be anything.
    private static Dictionary<string, int> Symbols(Runs.Result run, string name)
    {
        Tensor<long> spatialShapes = (Tensor<long>)run.Tensors["transformer.spatial_shapes"];
        int tokens = Enumerable.Range(0, spatialShapes.Shape[0]).Sum(level => (int)(spatialShapes[level, 0] * spatialShapes[level, 1]));
        TensorShape samples = run.Tensors["samples.tensor"].Shape;
        bool encoder = name.StartsWith("transformer.encoder.", StringComparison.Ordinal);
        DeformableDetrConfig config = run.Config;
        return new Dictionary<string, int>(StringComparer.Ordinal)
        {
            ["N"] = samples[0],
            ["H"] = samples[2],
            ["W"] = samples[3],
            ["L"] = config.NumFeatureLevels,
            ["S"] = tokens,
            ["C"] = config.HiddenDim,
            ["M"] = config.Nheads,
            ["D"] = config.HiddenDim / config.Nheads,
            ["P"] = encoder ? config.EncNPoints : config.DecNPoints,
            ["Q"] = config.NumQueries,
            ["Lq"] = encoder ? tokens : config.NumQueries,
            ["F"] = config.DimFeedforward,
            ["K"] = config.NumClasses,
        };
    }

    private static bool Fits(TensorShape shape, string[] sizes, Dictionary<string, int> symbols) =>
        shape.Rank == sizes.Length && sizes.Select((size, axis) => size.Split(" or ").Any(choice => Value(choice, symbols) is not { } value || value == shape[axis])).All(fits => fits);

    private static int? Value(string product, Dictionary<string, int> symbols)
    {
        int value = 1;
        foreach (string factor in product.Split('·'))
        {
            if (!int.TryParse(factor, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && !symbols.TryGetValue(factor, out number))
            {
                return factor is "c" or "h" or "w" ? null : throw new InvalidDataException($"docs/shapes.md: no size is known for '{factor}'.");
            }

            value *= number;
        }

        return value;
    }

    private sealed record Row(string Pattern, Regex Name, string[] Shape, string Type, string File, string Member);
}
