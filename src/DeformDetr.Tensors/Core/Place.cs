namespace DeformDetr.Tensors;

// Where a tensor or a part of one lies: an array and the element that comes first.
internal readonly record struct Place<T>(T[] Array, int Start)
    where T : unmanaged
{
    // Elements from one of them on, counted from the first.
    public Span<T> Span(int element, int length) => Array.AsSpan(Start + element, length);
}
