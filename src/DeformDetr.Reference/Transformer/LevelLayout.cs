using DeformDetr.Tensors;

namespace DeformDetr.Reference;

/// <summary>How the levels' maps lie one after another in the tokens.</summary>
/// <param name="SpatialShapes">Cells of each level, last axis (H, W). Shape [L, 2].</param>
/// <param name="LevelStartIndex">First token of each level. Shape [L].</param>
public sealed record LevelLayout(Tensor<long> SpatialShapes, Tensor<long> LevelStartIndex)
{
    /// <summary>How many levels.</summary>
    public int Count => SpatialShapes.Shape[0];

    /// <summary>Rows of a level.</summary>
    /// <param name="level">Which level.</param>
    public int Height(int level) => (int)SpatialShapes[level, 0];

    /// <summary>Columns of a level.</summary>
    /// <param name="level">Which level.</param>
    public int Width(int level) => (int)SpatialShapes[level, 1];

    /// <summary>First token of a level.</summary>
    /// <param name="level">Which level.</param>
    public int Start(int level) => (int)LevelStartIndex[level];
}
