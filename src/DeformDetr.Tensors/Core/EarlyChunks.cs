namespace DeformDetr.Tensors;

// Chunks as one thread takes them that wants to know, while it works on one, which comes next.
internal struct EarlyChunks(Chunks chunks)
{
    private bool _early;
    private int _first;
    private int _last;

    // The chunk that was taken early, or the next one; false when none is left.
    public bool Take(out int first, out int last)
    {
        if (_early)
        {
            _early = false;
            (first, last) = (_first, _last);
            return true;
        }

        return chunks.Take(out first, out last);
    }

    // The chunk that the next Take will give, where that is known; both are zero where it isn't: near the end nobody holds what an idle
    // thread could take. At most once between two calls of Take.
    public bool TakeEarly(out int first, out int last)
    {
        _early = chunks.Many && chunks.Take(out _first, out _last);
        (first, last) = _early ? (_first, _last) : (0, 0);
        return _early;
    }
}
