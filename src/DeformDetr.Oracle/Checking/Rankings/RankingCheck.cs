using System.Globalization;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Judges what a port has ranked: which items, in which order, with which values. Picture by picture, as one verdict.
internal static partial class RankingCheck
{
    // The tokens that a two-stage model goes on with. topkProposals [N, Q]; scores [N, S], of class 0; noise [N, S], or null where the
    // scores are those that the port itself ranked, so that only equal ones tie.
    public static RankingVerdict TopK(Tensor<long> topkProposals, Tensor<double> scores, Tensor<double>? noise)
    {
        ShapeGuard.Rank("ranking", nameof(scores), scores.Shape, "[N, S]", 2);
        ShapeGuard.Rank("ranking", "topk_proposals", topkProposals.Shape, "[N, Q]", 2);
        int batch = scores.Shape[0];
        int tokens = scores.Shape[1];
        int queries = topkProposals.Shape[1];
        ShapeGuard.Require("ranking", "topk_proposals", topkProposals.Shape, "[N, Q]", batch, queries);
        if (noise is not null)
        {
            ShapeGuard.Require("ranking", nameof(noise), noise.Shape, "[N, S]", batch, tokens);
        }

        double[] none = noise is null ? new double[tokens] : [];
        RankingVerdict verdict = new(RankingAspect.Nothing, RankingAspect.Nothing, RankingAspect.Nothing);
        for (int n = 0; n < batch; n++)
        {
            (RankingAspect set, RankingAspect order) = RankingRule.Judge(
                scores.AsReadOnlySpan().Slice(n * tokens, tokens), noise is null ? none : noise.AsReadOnlySpan().Slice(n * tokens, tokens),
                topkProposals.AsReadOnlySpan().Slice(n * queries, queries),
                token => string.Create(CultureInfo.InvariantCulture, $"token {token}"), NoiseWords.Picture(n, batch));
            verdict = verdict with { Set = verdict.Set.With(set), Order = verdict.Order.With(order) };
        }

        return verdict;
    }

    // How far a ranking by these scores is from right, in noise: as a set, and with its order. What isn't right is beyond 1.
    public static (double Set, double Whole) Distance(Tensor<long> topkProposals, Quantity scores)
    {
        RankingVerdict verdict = TopK(topkProposals, ByHand.Values(scores), scores.Noise);
        return (Of(verdict.Set), Math.Max(Of(verdict.Set), Of(verdict.Order)));

        static double Of(RankingAspect aspect) => aspect.Right || aspect.Worst > 1 ? aspect.Worst : double.PositiveInfinity;
    }

    // Rows that a ranking picks, such as topk_coords_unact [N, Q, C] of enc_outputs_coord_unact [N, S, C]: row `query` is a copy of the row
    // of the token that the port itself chose. Noise [N, S, C], or null where the copy is exact.
    public static RankingAspect Gathered(Tensor<double> gathered, Tensor<long> topkProposals, Tensor<double> source, Tensor<double>? noise)
    {
        ShapeGuard.Rank("ranking", nameof(source), source.Shape, "[N, S, C]", 3);
        ShapeGuard.Rank("ranking", "topk_proposals", topkProposals.Shape, "[N, Q]", 2);
        (int batch, int tokens, int width) = (source.Shape[0], source.Shape[1], source.Shape[2]);
        int queries = topkProposals.Shape[1];
        ShapeGuard.Require("ranking", "topk_proposals", topkProposals.Shape, "[N, Q]", batch, queries);
        ShapeGuard.Require("ranking", nameof(gathered), gathered.Shape, "[N, Q, C]", batch, queries, width);
        if (noise is not null)
        {
            ShapeGuard.Require("ranking", nameof(noise), noise.Shape, "[N, S, C]", batch, tokens, width);
        }

        RankingAspect all = RankingAspect.Nothing;
        for (int n = 0; n < batch; n++)
        {
            AspectBuilder values = new(NoiseWords.Picture(n, batch));
            for (int query = 0; query < queries; query++)
            {
                long token = topkProposals[n, query];
                if (token < 0 || token >= tokens)
                {
                    values.Fault(double.PositiveInfinity, Invariant($"rank {query} holds index {token}; expected 0 to {tokens - 1}"));
                    continue;
                }

                double error = Error((int)token);
                values.Reach(error);
                if (!(error <= 1))
                {
                    int other = 0;
                    while (other < tokens && !(Error(other) <= 1))
                    {
                        other++;
                    }

                    string whose = other < tokens ? Invariant($"holds the row of token {other}") : "holds no token's row";
                    values.Fault(error, Invariant($"rank {query} {whose}, the ranking says token {token}"));
                }

                double Error(int row) => NoiseDistance.Largest(
                    gathered.AsReadOnlySpan().Slice(((n * queries) + query) * width, width),
                    source.AsReadOnlySpan().Slice(((n * tokens) + row) * width, width),
                    noise is null ? default : noise.AsReadOnlySpan().Slice(((n * tokens) + row) * width, width));
            }

            all = all.With(values.Build());
        }

        return all;
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
