// Equation: (Y[i, j], X[i, j]) = (y[i], x[j]).
// Mirrors torch.meshgrid with indexing "ij".
namespace DeformDetr.Tensors.Operators;

/// <summary>The grid that two axes span.</summary>
public static class Meshgrid
{
    /// <summary>Spreads both axes over the grid.</summary>
    /// <typeparam name="T">Any element type.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="y">Values along rows, downwards. Shape [H].</param>
    /// <param name="x">Values along columns, rightwards. Shape [W].</param>
    /// <returns>y at every grid point and x at every grid point. Both of shape [H, W].</returns>
    /// <exception cref="ArgumentException">An axis has more than one dimension.</exception>
    public static (Tensor<T> Y, Tensor<T> X) Forward<T>(OperatorContext context, Tensor<T> y, Tensor<T> x)
        where T : unmanaged
    {
        ShapeGuard.Rank(nameof(Meshgrid), nameof(y), y.Shape, "[H]", 1);
        ShapeGuard.Rank(nameof(Meshgrid), nameof(x), x.Shape, "[W]", 1);
        Tensor<T> gridY = context.Rent<T>([y.Length, x.Length]);
        Tensor<T> gridX = context.Rent<T>([y.Length, x.Length]);
        for (int i = 0; i < y.Length; i++)
        {
            for (int j = 0; j < x.Length; j++)
            {
                gridY.AsSpan()[(i * x.Length) + j] = y.AsReadOnlySpan()[i];
                gridX.AsSpan()[(i * x.Length) + j] = x.AsReadOnlySpan()[j];
            }
        }

        return (gridY, gridX);
    }
}
