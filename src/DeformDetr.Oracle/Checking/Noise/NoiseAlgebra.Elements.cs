using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Oracle;

internal sealed partial class NoiseAlgebra
{
    public override Quantity Add(Quantity a, Quantity b) => Sum(_values.Add(a, b), a, b);

    public override Quantity Subtract(Quantity a, Quantity b) => Sum(_values.Subtract(a, b), a, b);

    public override Quantity Multiply(Quantity a, Quantity b)
    {
        Quantity value = _values.Multiply(a, b);
        (Tensor<double> x, Tensor<double>? ex) = Spread(a, value.Shape);
        (Tensor<double> y, Tensor<double>? ey) = Spread(b, value.Shape);
        return Filled(value, (first, last, to, result) =>
        {
            ReadOnlySpan<double> left = x.AsReadOnlySpan();
            ReadOnlySpan<double> right = y.AsReadOnlySpan();
            ReadOnlySpan<double> leftNoise = ex is null ? [] : ex.AsReadOnlySpan();
            ReadOnlySpan<double> rightNoise = ey is null ? [] : ey.AsReadOnlySpan();
            for (int i = first; i < last; i++)
            {
                (double e, double f) = (At(leftNoise, i), At(rightNoise, i));
                to[i] = _unit.Settle((Math.Abs(left[i]) * f) + (e * (Math.Abs(right[i]) + f)) + (U * Math.Abs(result[i])), result[i]);
            }
        });
    }

    // A product with the reciprocal is legal: two roundings.
    public override Quantity Divide(Quantity a, Quantity b)
    {
        Quantity value = _values.Divide(a, b);
        (_, Tensor<double>? ex) = Spread(a, value.Shape);
        (Tensor<double> y, Tensor<double>? ey) = Spread(b, value.Shape);
        return Filled(value, (first, last, to, result) =>
        {
            ReadOnlySpan<double> right = y.AsReadOnlySpan();
            ReadOnlySpan<double> leftNoise = ex is null ? [] : ex.AsReadOnlySpan();
            ReadOnlySpan<double> rightNoise = ey is null ? [] : ey.AsReadOnlySpan();
            for (int i = first; i < last; i++)
            {
                double size = Math.Abs(result[i]);
                to[i] = _unit.Settle(
                    ((At(leftNoise, i) + (size * At(rightNoise, i))) / Math.Abs(right[i])) + (2 * U * size), result[i]);
            }
        });
    }

    // Two roundings: a function that is a factor may be applied as a product with a rounded factor.
    public override Quantity Apply(Quantity x, Func<double, double> function) =>
        Filled(_values.Apply(x, function), (first, last, to, result) =>
        {
            ReadOnlySpan<double> from = x.Real.AsReadOnlySpan();
            ReadOnlySpan<double> noise = Noise(x);
            for (int i = first; i < last; i++)
            {
                double moved = Moved(from[i], At(noise, i), result[i], function);
                to[i] = _unit.Settle(moved + (2 * U * Math.Abs(result[i])), result[i]);
            }
        });

    // Exact; noise passes where the number may be positive.
    public override Quantity Relu(Quantity x)
    {
        Quantity value = _values.Relu(x);
        return x.Noise is null
            ? value
            : Filled(value, (first, last, to, result) =>
            {
                ReadOnlySpan<double> from = x.Real.AsReadOnlySpan();
                ReadOnlySpan<double> noise = Noise(x);
                for (int i = first; i < last; i++)
                {
                    to[i] = double.IsFinite(result[i]) ? Math.Max(0, noise[i] + Math.Min(0, from[i])) : 0;
                }
            });
    }

    public override Quantity Gelu(Quantity x) =>
        Filled(_values.Gelu(x), (first, last, to, result) =>
        {
            ReadOnlySpan<double> from = x.Real.AsReadOnlySpan();
            ReadOnlySpan<double> noise = Noise(x);
            for (int i = first; i < last; i++)
            {
                double size = Math.Abs(from[i]);

                // erf's argument, x times a rounded constant, has two roundings; 1 + erf cancels below 0, so erf's own error stays.
                double density = Elementary.Exp(-0.5 * from[i] * from[i]) / Math.Sqrt(2 * Math.PI);
                double erf = Elementary.Erf(size / Math.Sqrt(2));
                double tail = 1 + (from[i] < 0 ? -erf : erf);
                double inside = (2 * size * density) + (size / 2 * ((Function * erf) + tail));
                double slope = Math.Abs((tail / 2) + (from[i] * density));
                to[i] = _unit.Settle((U * (inside + (2 * Math.Abs(result[i])))) + (slope * At(noise, i)), result[i]);
            }
        });

    public override Quantity Sigmoid(Quantity x) =>
        Filled(_values.Sigmoid(x), (first, last, to, result) =>
        {
            ReadOnlySpan<double> from = x.Real.AsReadOnlySpan();
            ReadOnlySpan<double> noise = Noise(x);
            for (int i = first; i < last; i++)
            {
                to[i] = _unit.Settle(SigmoidNoise(from[i], At(noise, i), result[i]), result[i]);
            }
        });

    public override Quantity InverseSigmoid(Quantity x, double epsilon = 1e-5) =>
        Filled(_values.InverseSigmoid(x, epsilon), (first, last, to, result) =>
        {
            ReadOnlySpan<double> from = x.Real.AsReadOnlySpan();
            ReadOnlySpan<double> noise = Noise(x);
            for (int i = first; i < last; i++)
            {
                to[i] = _unit.Settle(InverseSigmoidNoise(from[i], At(noise, i), result[i], epsilon), result[i]);
            }
        });

    public override Quantity RefineBoxes(Quantity delta, Quantity reference, double epsilon = 1e-5)
    {
        Quantity value = _values.RefineBoxes(delta, reference, epsilon);
        Quantity logits = InverseSigmoid(reference, epsilon);
        int known = logits.Shape[^1];
        return Filled(value, (first, last, to, result) =>
        {
            ReadOnlySpan<double> step = delta.Real.AsReadOnlySpan();
            ReadOnlySpan<double> from = logits.Real.AsReadOnlySpan();
            ReadOnlySpan<double> fromNoise = Noise(logits);
            ReadOnlySpan<double> stepNoise = Noise(delta);
            for (int i = first; i < last; i++)
            {
                (double x, double noise) = (step[i], At(stepNoise, i));
                if (i % 4 < known)
                {
                    int at = (i / 4 * known) + (i % 4);
                    x += from[at];
                    noise += fromNoise[at] + (U * Math.Abs(x));
                }

                to[i] = _unit.Settle(SigmoidNoise(x, noise, result[i]), result[i]);
            }
        });
    }

    // 1 / (1 + e), e = exp(−x): e errs by the function, and by the product with log₂ e inside it; then a sum and a quotient, which may be a
    // product with a reciprocal.
    private double SigmoidNoise(double x, double noise, double y) =>
        (U * y * (((1 - y) * (Function + Math.Abs(x))) + 3)) + Moved(x, noise, y, Elementary.Sigmoid);

    // log(x₁ / x₂) or log x₁ − log x₂. x₂, the quotient and ε are rounded, each by Epsilon of itself, which the logarithm makes absolute.
    private double InverseSigmoidNoise(double x, double noise, double y, double epsilon)
    {
        double clamped = Math.Clamp(x, 0, 1);
        double logs = Math.Abs(Elementary.Log(Math.Max(clamped, epsilon))) + Math.Abs(Elementary.Log(Math.Max(1 - clamped, epsilon)));
        return (U * (3 + (Function * logs) + Math.Abs(y))) + Moved(x, noise, y, from =>
        {
            double other = Math.Clamp(from, 0, 1);
            return Elementary.Log(Math.Max(other, epsilon) / Math.Max(1 - other, epsilon));
        });
    }

    // How far noise moves a monotone function.
    private static double Moved(double x, double noise, double y, Func<double, double> function) =>
        noise > 0 ? Math.Max(Math.Abs(function(x + noise) - y), Math.Abs(function(x - noise) - y)) : 0;

    // e^ε − 1: what an error in an exponent does to the power.
    private static double Grown(double error) => error < 1e-3 ? error : Elementary.Exp(error) - 1;

    private Quantity Sum(Quantity value, Quantity a, Quantity b)
    {
        Tensor<double>? ex = a.Noise is null ? null : Spread(a, value.Shape).Noise;
        Tensor<double>? ey = b.Noise is null ? null : Spread(b, value.Shape).Noise;
        return Filled(value, (first, last, to, result) =>
        {
            ReadOnlySpan<double> left = ex is null ? [] : ex.AsReadOnlySpan();
            ReadOnlySpan<double> right = ey is null ? [] : ey.AsReadOnlySpan();
            if (ex is null && ey is null)
            {
                NoiseLanes.Affine(_unit, result[first..last], 0, 0, U, result[first..last], to[first..last]);
                return;
            }

            for (int i = first; i < last; i++)
            {
                to[i] = _unit.Settle((U * Math.Abs(result[i])) + At(left, i) + At(right, i), result[i]);
            }
        });
    }

    private (Tensor<double> Value, Tensor<double>? Noise) Spread(Quantity x, TensorShape shape)
    {
        Quantity spread = x.Shape == shape ? x : Expand(x, shape);
        return (spread.Real, spread.Noise);
    }

    private delegate void Body(int first, int last, Span<double> noise, ReadOnlySpan<double> result);

    private Quantity Filled(Quantity value, Body body) => Filled(value, value.Tensor.Length, Part, body);

    // Items are independent parts of the result, in order.
    private Quantity Filled(Quantity value, int items, int least, Body body)
    {
        Tensor<double> noise = Context.Rent<double>(value.Shape);
        Context.Split(items, least, (first, last) => body(first, last, noise.AsSpan(), value.Real.AsReadOnlySpan()));
        return new Quantity(value.Tensor, noise);
    }
}
