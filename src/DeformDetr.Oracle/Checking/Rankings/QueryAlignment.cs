using System.Globalization;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Which of a port's queries stands for which expected one, picture by picture.
// Partners: the port's query for every expected one. Found: how many queries have a partner within noise; Moved: how many of these stand
// elsewhere; both of Queries. InPlace and Aligned: the largest error in noise as the queries stand, and after alignment.
internal sealed record QueryAlignment(
    QueryArrangement Arrangement, int[][] Partners, int Queries, int Found, int Moved, double InPlace, double Aligned, string Sentence)
{
    // Puts tensors of the port, queries on axis 1, into the expected order.
    public QueryOrder Order => new(Partners);

    // port, expected and noise, that of the expected rows: each [N, Q, C].
    public static QueryAlignment Find(Tensor<double> port, Tensor<double> expected, Tensor<double> noise)
    {
        ShapeGuard.Rank("query alignment", nameof(expected), expected.Shape, "[N, Q, C]", 3);
        (int batch, int queries, int width) = (expected.Shape[0], expected.Shape[1], expected.Shape[2]);
        ShapeGuard.Require("query alignment", nameof(port), port.Shape, "[N, Q, C]", batch, queries, width);
        ShapeGuard.Require("query alignment", nameof(noise), noise.Shape, "[N, Q, C]", batch, queries, width);
        int[][] partners = new int[batch][];
        double inPlace = 0;
        double aligned = 0;
        int found = 0;
        List<string> moved = [];
        List<string> lost = [];
        for (int n = 0; n < batch; n++)
        {
            Range rows = (n * queries * width)..((n + 1) * queries * width);
            QueryRows picture = new(
                port.AsReadOnlySpan()[rows].ToArray(), expected.AsReadOnlySpan()[rows].ToArray(), noise.AsReadOnlySpan()[rows].ToArray(),
                queries, width);
            partners[n] = picture.Align();
            for (int query = 0; query < queries; query++)
            {
                double error = picture.Error(query, partners[n][query]);
                inPlace = Math.Max(inPlace, picture.Error(query, query));
                aligned = Math.Max(aligned, error);
                string word = batch == 1 ? Invariant($"{query}") : Invariant($"{query} of picture {n}");
                if (!(error <= 1))
                {
                    lost.Add(word);
                    continue;
                }

                found++;
                if (partners[n][query] != query)
                {
                    moved.Add(word);
                }
            }
        }

        int all = batch * queries;
        QueryArrangement arrangement = lost.Count > 0 ? QueryArrangement.Other
            : moved.Count > 0 ? QueryArrangement.Permuted
            : QueryArrangement.InPlace;
        string largest = $"the largest error is {NoiseWords.Count(aligned)} of the noise";
        string after = $"after alignment {largest} ({NoiseWords.Count(inPlace)} as they stand)";
        string rest = $"not found: {Some(lost)}; {after}";
        string sentence = arrangement switch
        {
            QueryArrangement.InPlace => $"every query is in its place: {largest}",
            QueryArrangement.Permuted when moved.Count == 2 => $"queries {moved[0]} and {moved[1]} are exchanged; {after}",
            QueryArrangement.Permuted => Invariant($"queries are permuted: {moved.Count} of {all} stand elsewhere; {after}"),
            _ when moved.Count > 0 => Invariant(
                $"queries are permuted and wrong: {found} of {all} are found within noise, {moved.Count} of them elsewhere; {rest}"),
            _ => Invariant($"no permutation explains it: {found} of {all} queries are found, each in its place; {rest}"),
        };
        return new QueryAlignment(arrangement, partners, all, found, moved.Count, inPlace, aligned, sentence);
    }

    // Several tensors of the same queries at once, such as pred_logits [N, Q, K] and pred_boxes [N, Q, 4]: their channels side by side.
    public static QueryAlignment Find(IReadOnlyList<(Tensor<double> Port, Tensor<double> Expected, Tensor<double> Noise)> tensors) =>
        Find(
            SideBySide([.. tensors.Select(three => three.Port)]), SideBySide([.. tensors.Select(three => three.Expected)]),
            SideBySide([.. tensors.Select(three => three.Noise)]));

    private static Tensor<double> SideBySide(Tensor<double>[] tensors)
    {
        int width = 0;
        foreach (Tensor<double> tensor in tensors)
        {
            ShapeGuard.Rank("query alignment", "tensor", tensor.Shape, "[N, Q, C]", 3);
            ShapeGuard.Require(
                "query alignment", "tensor", tensor.Shape, "[N, Q, C]", tensors[0].Shape[0], tensors[0].Shape[1], tensor.Shape[2]);
            width += tensor.Shape[2];
        }

        Tensor<double> joined = new(tensors[0].Shape.With(2, width));
        int start = 0;
        foreach (Tensor<double> tensor in tensors)
        {
            int own = tensor.Shape[2];
            for (int row = 0; row < tensor.Shape[0] * tensor.Shape[1]; row++)
            {
                tensor.AsReadOnlySpan().Slice(row * own, own).CopyTo(joined.AsSpan().Slice((row * width) + start, own));
            }

            start += own;
        }

        return joined;
    }

    private static string Some(List<string> words) => string.Join(", ", words.Take(8)) + (words.Count > 8 ? ", …" : "");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
