// Equation: position[n, :, i, j] = [col_embed[j], row_embed[i]].
// Mirrors PositionEmbeddingLearned in models/position_encoding.py.
using System.Numerics;
using DeformDetr.Tensors;

namespace DeformDetr.Reference;

/// <summary>A learned vector for every row and every column, up to 50 of each.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class LearnedPositionEncoding<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int MostCells = 50;

    private readonly Tensor<T> _rowEmbed;
    private readonly Tensor<T> _colEmbed;

    /// <summary>Takes the weights.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="name">The module's path; empty for a module on its own.</param>
    /// <param name="channels">C, twice the width of the tables.</param>
    public LearnedPositionEncoding(IWeights<T> weights, string name, int channels)
    {
        string prefix = name.Length == 0 ? "" : $"{name}.";
        _rowEmbed = weights.Take($"{prefix}row_embed.weight", [MostCells, channels / 2]);
        _colEmbed = weights.Take($"{prefix}col_embed.weight", [MostCells, channels / 2]);
    }

    /// <summary>Encodes every cell, padded or not.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="batch">N.</param>
    /// <param name="height">Rows of the map, at most 50.</param>
    /// <param name="width">Columns of the map, at most 50.</param>
    /// <returns>Shape [N, C, H, W].</returns>
    /// <exception cref="ArgumentException">A map over 50 × 50, which the original can't encode.</exception>
    public Tensor<T> Forward(OperatorContext pass, int batch, int height, int width)
    {
        ShapeGuard.That(
            height <= MostCells && width <= MostCells, "learned position encoding", "map",
            $"holds {height} x {width} cells; expected at most {MostCells} x {MostCells} (the original's tables).");
        int half = _rowEmbed.Shape[1];
        Tensor<T> output = pass.Rent<T>([batch, 2 * half, height, width]);
        for (int n = 0; n < batch; n++)
        {
            for (int channel = 0; channel < 2 * half; channel++)
            {
                for (int i = 0; i < height; i++)
                {
                    for (int j = 0; j < width; j++)
                    {
                        output[n, channel, i, j] = channel < half ? _colEmbed[j, channel] : _rowEmbed[i, channel - half];
                    }
                }
            }
        }

        return output;
    }
}
