namespace DeformDetr.Oracle;

// A number as a sum of terms and a function of it.
internal sealed class TermSum(string equation)
{
    private readonly List<Term> _terms = [];
    private readonly List<Figure> _figures = [];

    public string Equation { get; } = equation;

    public IReadOnlyList<Term> Terms => _terms;

    public IReadOnlyList<Figure> Figures => _figures;

    // What the sum becomes; itself where nothing is done with it.
    public Func<double, double> Finish { get; init; } = sum => sum;

    // What rounding in float64 is measured by, beyond the terms themselves: magnitudes that cancel before they become a term.
    public double Hidden { get; private set; }

    public TermSum Hide(double magnitude)
    {
        Hidden += Math.Abs(magnitude);
        return this;
    }

    public double Sum
    {
        get
        {
            double sum = 0;
            foreach (Term term in _terms)
            {
                sum += term.Value;
            }

            return sum;
        }
    }

    // A product.
    public TermSum Add(string label, params IReadOnlyList<(string Name, double Value)> factors)
    {
        double value = 1;
        foreach ((_, double factor) in factors)
        {
            value *= factor;
        }

        _terms.Add(new Term(label, [.. factors.Select(factor => new Figure(factor.Name, factor.Value))], value));
        return this;
    }

    // A number by itself.
    public TermSum Add(string label, double value)
    {
        _terms.Add(new Term(label, [], value));
        return this;
    }

    public TermSum Figure(string name, double value)
    {
        _figures.Add(new Figure(name, value));
        return this;
    }
}
