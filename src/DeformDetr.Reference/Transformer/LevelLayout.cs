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

    // Of L levels: each has cells, lies within the tokens, and all together are as many.
    internal static void Require(string name, Tensor<long> spatialShapes, Tensor<long> levelStartIndex, int tokens)
    {
        long cells = 0;
        for (int level = 0; level < spatialShapes.Shape[0]; level++)
        {
            long height = spatialShapes[level, 0];
            long width = spatialShapes[level, 1];
            long start = levelStartIndex[level];
            ShapeGuard.That(
                height > 0 && width > 0 && height <= int.MaxValue && width <= int.MaxValue, name, "spatial_shapes",
                $"holds {height} x {width} at level {level}; expected at least 1 x 1.");
            ShapeGuard.That(
                start >= 0 && height * width <= tokens - start, name, "level_start_index",
                $"holds {start} at level {level}; expected a start that leaves {height} x {width} tokens of S = {tokens}.");
            cells += height * width;
        }

        ShapeGuard.That(cells == tokens, name, "spatial_shapes", $"holds {cells} cells in all; expected S = {tokens}.");
    }
}
