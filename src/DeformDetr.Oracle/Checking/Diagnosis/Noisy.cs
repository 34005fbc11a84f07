using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Oracle;

// A number, and how far rounding may have moved it in a port: the algebra of noise for mistakes that are written number by number. First
// order, one rounding for every operation, two for a quotient (a product with the reciprocal is legal). A number in a text is a constant:
// rounded where float32 doesn't have it. Epsilon is the port's; 0 where nobody has said, then noise is counted in parts of it.
internal readonly struct Noisy(double value, double noise, double epsilon)
{
    private const double Function = NoiseAlgebra.Function;

    public double Value { get; } = value;

    public double Noise { get; } = noise;

    private double Epsilon { get; } = epsilon;

    public static implicit operator Noisy(int whole) => new(whole, 0, 0);

    public static implicit operator Noisy(double constant) => new(constant, IsExact(constant) ? 0 : Math.Abs(constant), 0);

    public static Noisy operator -(Noisy x) => new(-x.Value, x.Noise, x.Epsilon);

    public static Noisy operator +(Noisy x, Noisy y) => Exactly(x, y, x.Value + y.Value, 1, 1);

    public static Noisy operator -(Noisy x, Noisy y) => Exactly(x, y, x.Value - y.Value, 1, 1);

    public static Noisy operator *(Noisy x, Noisy y) => Exactly(x, y, x.Value * y.Value, Math.Abs(y.Value), Math.Abs(x.Value));

    public static Noisy operator /(Noisy x, Noisy y)
    {
        double quotient = x.Value / y.Value;
        double size = Math.Abs(quotient);
        return Rounded(x, y, quotient, 1 / Math.Abs(y.Value), size / Math.Abs(y.Value), 2);
    }

    public static bool operator <(Noisy x, Noisy y) => x.Value < y.Value;

    public static bool operator >(Noisy x, Noisy y) => x.Value > y.Value;

    public static Noisy Min(Noisy x, Noisy y) => y < x ? y : x;

    public static Noisy Max(Noisy x, Noisy y) => y > x ? y : x;

    public static Noisy Abs(Noisy x) => new(Math.Abs(x.Value), x.Noise, x.Epsilon);

    public static Noisy Sin(Noisy x) => Wave(x, Elementary.Sin(x.Value));

    public static Noisy Cos(Noisy x) => Wave(x, Elementary.Cos(x.Value));

    public static Noisy Tanh(Noisy x)
    {
        double y = Elementary.Tanh(x.Value);
        return x.With(y, ((1 - (y * y)) * x.Noise) + (x.Unit * Function * Math.Abs(y)));
    }

    // The product with log₂ e inside it is rounded.
    public static Noisy Exp(Noisy x)
    {
        double y = Elementary.Exp(x.Value);
        return x.With(y, y * (x.Noise + (x.Unit * (Function + Math.Abs(x.Value)))));
    }

    // 1 / (1 + e⁻ˣ): the exponential, a sum, and a quotient.
    public static Noisy Sigmoid(Noisy x)
    {
        double y = Elementary.Sigmoid(x.Value);
        double exponential = (1 - y) * (Function + Math.Abs(x.Value));
        return x.With(y, (y * (1 - y) * x.Noise) + (x.Unit * y * (exponential + 3)));
    }

    // log(p / (1 - p)), or a difference of logarithms: 1 - p and the quotient are rounded, which a logarithm makes absolute.
    public static Noisy Logit(Noisy p)
    {
        double rest = 1 - p.Value;
        double y = Elementary.Log(p.Value / rest);
        double logs = Math.Abs(Elementary.Log(p.Value)) + Math.Abs(Elementary.Log(rest));
        return p.With(y, (p.Noise / p.Value) + (p.Noise / rest) + (p.Unit * (2 + (Function * logs) + Math.Abs(y))));
    }

    // The exponent is a rounded quotient, and the power may be made as exp(exponent · log base): two roundings of that exponent more.
    public static Noisy Power(double number, double exponent)
    {
        double y = Elementary.Pow(number, exponent);
        return new(y, y * ((3 * Math.Abs(exponent * Elementary.Log(number))) + Function), 0);
    }

    // The noise in a port that rounds by this much.
    public double In(double epsilon) => Epsilon > 0 || epsilon == 0 ? Noise : Noise * epsilon;

    private static bool IsExact(double value) => (float)value == value;

    // Sums and products of exact numbers that float32 has are exact.
    private static Noisy Exactly(Noisy x, Noisy y, double value, double first, double second) =>
        Rounded(x, y, value, first, second, x.Noise == 0 && y.Noise == 0 && IsExact(value) ? 0 : 1);

    // First and second: how much the result moves with either.
    private static Noisy Rounded(Noisy x, Noisy y, double value, double first, double second, double roundings)
    {
        double epsilon = Math.Max(x.Epsilon, y.Epsilon);
        double unit = epsilon > 0 ? epsilon : 1;
        return new(value, (first * x.In(epsilon)) + (second * y.In(epsilon)) + (roundings * unit * Math.Abs(value)), epsilon);
    }

    // No argument moves a sine by more than 2.
    private static Noisy Wave(Noisy x, double y)
    {
        double slope = Math.Sqrt(Math.Max(0, 1 - (y * y)));
        double curved = x.Epsilon > 0 ? x.Noise * x.Noise / 2 : 0;
        return x.With(y, Math.Min(x.Epsilon > 0 ? 2 : double.PositiveInfinity, (slope * x.Noise) + curved) + (x.Unit * Function * Math.Abs(y)));
    }

    private double Unit => Epsilon > 0 ? Epsilon : 1;

    private Noisy With(double value, double noise) => new(value, noise, Epsilon);
}
