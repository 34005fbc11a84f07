using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// The algebra of noise for texts of mistakes, whose constants a port has in its own format: 1/3 isn't exact there.
internal sealed class RoundedConstants(NoiseAlgebra inner) : DelegatingAlgebra(inner)
{
    public override Quantity Given(Tensor tensor)
    {
        if (tensor is not Tensor<double> numbers || Exact(numbers.AsReadOnlySpan()))
        {
            return base.Given(tensor);
        }

        Tensor<double> noise = new(numbers.Shape);
        for (int i = 0; i < noise.Length; i++)
        {
            double size = Math.Abs(numbers.AsReadOnlySpan()[i]);
            noise.AsSpan()[i] = double.IsFinite(size) ? inner.Unit.Epsilon * size : 0;
        }

        return new Quantity(numbers, noise);
    }

    private static bool Exact(ReadOnlySpan<double> numbers)
    {
        foreach (double number in numbers)
        {
            if ((float)number != number)
            {
                return false;
            }
        }

        return true;
    }
}
