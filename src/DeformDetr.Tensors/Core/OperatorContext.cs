namespace DeformDetr.Tensors;

/// <summary>Which body of an operator runs.</summary>
public enum Kernels
{
    /// <summary>The definition as loops, computed in double and rounded once; on one thread. Made to be read and stepped through.</summary>
    Textbook,

    /// <summary>The fast body: vectors and threads. The same bits at every vector width and number of threads.</summary>
    Simd,
}

/// <summary>
/// What an operator needs to run: which kernels, how many threads, and where results are kept. One object serves one run at a time.
/// </summary>
public class OperatorContext
{
    private readonly BufferPool _pool;
    private readonly AlignedPool _aligned;
    private readonly OperatorContext? _owner;
    private BufferScope? _scope;

    /// <summary>A context of its own buffers.</summary>
    /// <param name="kernels">Which bodies run.</param>
    /// <param name="threads">How many threads the Simd bodies may use; the bits of the results don't depend on it.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one thread.</exception>
    public OperatorContext(Kernels kernels = Kernels.Textbook, int threads = 1)
        : this(kernels, threads, new BufferPool(), new AlignedPool())
    {
    }

    private OperatorContext(Kernels kernels, int threads, BufferPool pool, AlignedPool aligned, OperatorContext? owner = null)
    {
        if (threads < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(threads), threads, "threads: expected at least 1.");
        }

        Kernels = kernels;
        Threads = threads;
        _pool = pool;
        _aligned = aligned;
        _owner = owner;
    }

    /// <summary>
    /// A context for long runs that use a size for a while and then never again, as a check of many tensors does: buffers that nobody has
    /// taken for long go to the collector once many wait. A model's pass keeps all of its buffers, for the next picture needs the same.
    /// </summary>
    /// <param name="kernels">Which bodies run.</param>
    /// <param name="threads">How many threads the Simd bodies may use.</param>
    public static OperatorContext Frugal(Kernels kernels, int threads) => new(kernels, threads, BufferPool.Frugal(), AlignedPool.Frugal());

    /// <summary>Which bodies run.</summary>
    public Kernels Kernels { get; }

    /// <summary>How many threads the Simd bodies may use.</summary>
    public int Threads { get; }

    /// <summary>How products and convolutions of the Simd bodies add up: <see cref="SummationOrder.House"/> unless said otherwise.</summary>
    public SummationOrder SummationOrder { get; init; } = SummationOrder.House;

    // For a product that already runs on one of several threads. It has no scope of its own: nothing may be rented through it.
    internal OperatorContext SingleThread => Threads == 1
        ? this
        : new OperatorContext(Kernels, 1, _pool, _aligned) { SummationOrder = SummationOrder };

    /// <summary>The same threads and buffers with Simd kernels that add up in another order. Results belong to this context's scopes.</summary>
    /// <param name="order">The order.</param>
    public OperatorContext Ordered(SummationOrder order) =>
        new(Kernels.Simd, Threads, _pool, _aligned, _owner ?? this) { SummationOrder = order };

    /// <summary>
    /// A context with scopes of its own over the same buffers, for runs that take turns: what one gives back the other takes. Both are
    /// used by one thread at a time.
    /// </summary>
    /// <param name="kernels">Which bodies run.</param>
    public OperatorContext Beside(Kernels kernels) => new(kernels, Threads, _pool, _aligned);

    /// <summary>A new tensor whose elements are not set yet; the innermost open scope owns its buffer.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="shape">Axis sizes.</param>
    public Tensor<T> Rent<T>(TensorShape shape)
        where T : unmanaged
    {
        if (_owner is not null)
        {
            return _owner.Rent<T>(shape);
        }

        TensorStorage<T> storage = _scope is null ? BufferPool.Allocate<T>(shape.ElementCount) : _pool.Rent<T>(shape.ElementCount);
        _scope?.Own(storage);
        return new Tensor<T>(shape, storage);
    }

    /// <summary>Scratch memory at a cache line, whose elements are not set. Any thread of the run may ask.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="length">How many elements.</param>
    public AlignedBuffer<T> Scratch<T>(int length)
        where T : unmanaged => _aligned.Rent<T>(length);

    /// <summary>Opens a scope: buffers rented from here on go back when it is disposed, but for those that it was told to keep.</summary>
    public BufferScope Scope() => _owner is not null ? _owner.Scope() : _scope = new BufferScope(this, _scope);

    internal void Close(BufferScope scope, BufferScope? parent)
    {
        if (!ReferenceEquals(scope, _scope))
        {
            throw new InvalidOperationException("buffer scope: closed while a scope inside it is open; expected the innermost first.");
        }

        _scope = parent;
    }

    internal BufferPool Pool => _pool;

    /// <summary>Runs a body over [0, <paramref name="count"/>) in contiguous parts, one per thread. Parts must be independent.</summary>
    /// <param name="count">How many items.</param>
    /// <param name="least">The fewest items worth a thread.</param>
    /// <param name="body">Called with the start and the end of a part.</param>
    public void Split(int count, int least, Action<int, int> body)
    {
        int parts = (int)Math.Min(Threads, Math.Max(1L, count / (long)Math.Max(1, least)));
        if (parts <= 1)
        {
            if (count > 0)
            {
                body(0, count);
            }

            return;
        }

        Helper.Run(parts, part => body((int)((long)count * part / parts), (int)((long)count * (part + 1) / parts)));
    }

    /// <summary>
    /// Runs a body on so many threads as pay, each of which takes chunks of [0, <paramref name="count"/>) until none is left, those of its
    /// own part first: a thread that is held up takes fewer. Chunks must be independent of each other and of who takes them.
    /// </summary>
    /// <param name="count">How many items.</param>
    /// <param name="most">The most items of a chunk; the last ones are smaller, so that threads end together.</param>
    /// <param name="least">The fewest items worth a thread.</param>
    /// <param name="body">Called once by each thread, with a thread's number.</param>
    public void Share(int count, int most, int least, Action<int, Chunks> body)
    {
        int threads = (int)Math.Min(Threads, Math.Max(1L, count / (long)Math.Max(1, least)));
        if (count <= 0)
        {
            return;
        }

        Chunks[] chunks = Chunks.All(count, most, threads);
        if (threads == 1)
        {
            body(0, chunks[0]);
            return;
        }

        Helper.Run(threads, thread => body(thread, chunks[thread]));
    }
}
