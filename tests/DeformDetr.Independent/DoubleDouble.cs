namespace DeformDetr.Independent;

/// <summary>An unevaluated sum of two doubles, about 106 bits: the truth that results of float and double are judged by.</summary>
public readonly record struct DoubleDouble(double High, double Low)
{
    public static readonly DoubleDouble Zero;
    public static readonly DoubleDouble One = new(1, 0);

    // pi, ln 2 and 2 / sqrt(pi), each as its nearest double and the nearest double of the rest.
    public static readonly DoubleDouble Ln2 = new(0.6931471805599453, 2.3190468138462996e-17);
    public static readonly DoubleDouble Pi = new(3.141592653589793, 1.2246467991473532e-16);

    public static implicit operator DoubleDouble(double value) => new(value, 0);

    public static explicit operator double(DoubleDouble value) => value.High + value.Low;

    public static DoubleDouble operator -(DoubleDouble a) => new(-a.High, -a.Low);

    public static DoubleDouble operator +(DoubleDouble a, DoubleDouble b)
    {
        (double sum, double error) = TwoSum(a.High, b.High);
        if (!double.IsFinite(sum))
        {
            return new(sum, 0);
        }

        (double low, double lowError) = TwoSum(a.Low, b.Low);
        (sum, error) = QuickTwoSum(sum, error + low);
        (sum, error) = QuickTwoSum(sum, error + lowError);
        return new(sum, error);
    }

    public static DoubleDouble operator -(DoubleDouble a, DoubleDouble b) => a + (-b);

    public static DoubleDouble operator *(DoubleDouble a, DoubleDouble b)
    {
        double product = a.High * b.High;
        if (!double.IsFinite(product))
        {
            return new(product, 0);
        }

        double error = Math.FusedMultiplyAdd(a.High, b.High, -product);
        error += (a.High * b.Low) + (a.Low * b.High);
        (double high, double low) = QuickTwoSum(product, error);
        return new(high, low);
    }

    public static DoubleDouble operator /(DoubleDouble a, DoubleDouble b)
    {
        double first = a.High / b.High;
        if (!double.IsFinite(first) || double.IsInfinity(b.High))
        {
            return new(first, 0);
        }

        DoubleDouble rest = a - (b * first);
        double second = rest.High / b.High;
        rest -= b * second;
        return ((DoubleDouble)first + second) + (rest.High / b.High);
    }

    public static bool operator <(DoubleDouble a, DoubleDouble b) => a.High < b.High || (a.High == b.High && a.Low < b.Low);

    public static bool operator >(DoubleDouble a, DoubleDouble b) => b < a;

    public static DoubleDouble Abs(DoubleDouble a) => a.High < 0 || (a.High == 0 && a.Low < 0) ? -a : a;

    /// <summary>a · b without an error.</summary>
    public static DoubleDouble Product(double a, double b)
    {
        double product = a * b;
        return new(product, double.IsFinite(product) ? Math.FusedMultiplyAdd(a, b, -product) : 0);
    }

    public static DoubleDouble Sqrt(DoubleDouble a)
    {
        if (!(a.High > 0))
        {
            return Math.Sqrt(a.High);
        }

        DoubleDouble root = Math.Sqrt(a.High);
        root = (root + (a / root)) * 0.5;
        return (root + (a / root)) * 0.5;
    }

    /// <summary>e^a by Taylor's series after a = n · ln 2 + r, r cut into 256 parts.</summary>
    public static DoubleDouble Exp(DoubleDouble a)
    {
        if (double.IsNaN(a.High) || a.High > 709.7)
        {
            return a.High > 0 ? double.PositiveInfinity : a.High;
        }

        if (a.High < -746)
        {
            return 0.0;
        }

        double n = Math.Round(a.High / Ln2.High);
        DoubleDouble r = (a - (Ln2 * n)) * (1.0 / 256);
        DoubleDouble term = r;
        DoubleDouble sum = r;                              // e^r - 1, so that the squarings below lose nothing
        for (int k = 2; k < 14; k++)
        {
            term = term * r / (double)k;
            sum += term;
        }

        for (int squaring = 0; squaring < 8; squaring++)
        {
            sum = (sum * 2.0) + (sum * sum);
        }

        sum += One;

        // Two steps, so that a subnormal result is rounded in the last multiplication only.
        double half = Math.ScaleB(1, (int)n / 2);
        double rest = Math.ScaleB(1, (int)n - ((int)n / 2));
        DoubleDouble scaled = new(sum.High * half, sum.Low * half);
        return new(scaled.High * rest, scaled.Low * rest);
    }

    /// <summary>The natural logarithm by Newton's iteration on <see cref="Exp"/>.</summary>
    public static DoubleDouble Log(DoubleDouble a)
    {
        if (!(a.High > 0) || double.IsInfinity(a.High))
        {
            return a.High == 0 ? double.NegativeInfinity : a.High > 0 ? a.High : double.NaN;
        }

        int exponent = Math.ILogB(a.High);
        DoubleDouble mantissa = new(Math.ScaleB(a.High, -exponent), Math.ScaleB(a.Low, -exponent));
        DoubleDouble log = (double)mantissa - 1;
        for (int step = 0; step < 8; step++)
        {
            log += (mantissa * Exp(-log)) - One;
        }

        return log + (Ln2 * exponent);
    }

    /// <summary>erf x = 2/√π · e^(-x²) · Σ 2^n x^(2n+1) / (1 · 3 · … · (2n + 1)): all terms have the sign of x, nothing cancels.</summary>
    public static DoubleDouble Erf(DoubleDouble x)
    {
        if (!(Math.Abs(x.High) < 8.5))
        {
            return double.IsNaN(x.High) ? x : Math.Sign(x.High);
        }

        DoubleDouble square = x * x;
        DoubleDouble term = x;
        DoubleDouble sum = x;
        for (int n = 1; n < 400 && Math.Abs(term.High) > Math.Abs(sum.High) * 1e-34; n++)
        {
            term = term * square * 2.0 / ((2.0 * n) + 1);
            sum += term;
        }

        return sum * Exp(-square) * 2.0 / Sqrt(Pi);
    }

    private static (double Sum, double Error) TwoSum(double a, double b)
    {
        double sum = a + b;
        double part = sum - a;
        return (sum, (a - (sum - part)) + (b - part));
    }

    private static (double Sum, double Error) QuickTwoSum(double a, double b)
    {
        double sum = a + b;
        return (sum, b - (sum - a));
    }
}
