using System.Globalization;

namespace DeformDetr.Oracle;

// Collects what is found; of many sentences the first few are kept and the rest is counted.
internal sealed class AspectBuilder(string picture)
{
    private const int Kept = 8;
    private readonly List<string> _faults = [];
    private readonly List<string> _notes = [];
    private double _worst;
    private int _wrong;
    private int _left;

    public bool Clean => _wrong == 0;

    // NaN stays.
    public void Reach(double noises) => _worst = noises <= _worst || double.IsNaN(_worst) ? _worst : noises;

    public void Fault(double noises, string sentence)
    {
        Reach(noises);
        _wrong++;
        if (_faults.Count < Kept)
        {
            _faults.Add($"{picture}{sentence}");
        }
        else
        {
            _left++;
        }
    }

    public void Note(string sentence) => _notes.Add($"{picture}{sentence}");

    public RankingAspect Build()
    {
        if (_left > 0)
        {
            _faults.Add(string.Create(CultureInfo.InvariantCulture, $"{picture}and {_left} more"));
        }

        return new RankingAspect(_worst, _wrong, _faults, _notes);
    }
}
