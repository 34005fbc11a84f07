using System.Numerics;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// The order of a two-stage model's queries: which of a run's queries stands for which expected one, per image.
internal sealed class QueryOrder
{
    private readonly int[][] _partners;

    // For every picture and expected query, the run's query that stands for it.
    public QueryOrder(int[][] partners) => _partners = partners;

    public QueryOrder(Tensor<long> wanted, Tensor<long> given)
    {
        int queries = wanted.Shape[1];
        _partners = new int[wanted.Shape[0]][];
        for (int n = 0; n < _partners.Length; n++)
        {
            _partners[n] = ScoreGroups.Align(
                wanted.AsReadOnlySpan().Slice(n * queries, queries), given.AsReadOnlySpan().Slice(n * queries, queries));
        }
    }

    // Names whose axis 1 is the proposals' ranking.
    public static bool Applies(string name, int decLayers)
    {
        bool perLayer = name.StartsWith("transformer.decoder.", StringComparison.Ordinal)
            && !name.EndsWith(".cross_attn.value", StringComparison.Ordinal);
        bool head = (name.StartsWith("class_embed.", StringComparison.Ordinal) || name.StartsWith("bbox_embed.", StringComparison.Ordinal))
            && !name.Split('.')[1].Equals(decLayers.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        return perLayer || head
            || name is "transformer.topk_coords_unact" or "transformer.proposal_pos_embed" or "transformer.pos_trans_out"
                or "transformer.query_embed" or "transformer.tgt" or "transformer.reference_points" or "pred_logits" or "pred_boxes"
            || name.StartsWith("hs.", StringComparison.Ordinal)
            || name.StartsWith("aux_outputs.", StringComparison.Ordinal);
    }

    public Tensor Apply(Tensor tensor) => tensor switch
    {
        Tensor<float> t => Apply(t),
        Tensor<double> t => Apply(t),
        _ => tensor,
    };

    private Tensor<T> Apply<T>(Tensor<T> tensor)
        where T : unmanaged, INumberBase<T>
    {
        int queries = tensor.Shape.Rank > 1 ? tensor.Shape[1] : 0;
        if (queries != _partners[0].Length || tensor.Shape[0] != _partners.Length)
        {
            return tensor;
        }

        int width = tensor.Shape.LengthFrom(2);
        Tensor<T> output = new(tensor.Shape) { Name = tensor.Name };
        for (int n = 0; n < _partners.Length; n++)
        {
            for (int query = 0; query < queries; query++)
            {
                tensor.AsReadOnlySpan().Slice(((n * queries) + _partners[n][query]) * width, width)
                    .CopyTo(output.AsSpan().Slice(((n * queries) + query) * width, width));
            }
        }

        return output;
    }
}
