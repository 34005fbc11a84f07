using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Core;

public class BufferScopeTests
{
    private const string Gone = "tensor: its buffer went back to its scope; keep it with BufferScope.Keep or copy it.";

    [Theory]
    [InlineData(4)]
    [InlineData(5000)]
    public void Reading_after_the_scope_closed_throws_small_or_large(int size)
    {
        OperatorContext context = new();
        Tensor<float> tensor;
        Tensor<float> view;
        using (context.Scope())
        {
            tensor = context.Rent<float>([size]);
            view = tensor.Reshape([size, 1]);
            tensor[0] = 1;
        }

        foreach (Action read in new Action[]
        {
            () => tensor.AsSpan(), () => tensor.AsReadOnlySpan(), () => tensor.Clone(), () => _ = tensor[0], () => view.AsSpan(), () => _ = view[0, 0],
            () => Relu.Forward(context, tensor), () => tensor.AsTensorSpan(),
        })
        {
            Assert.Contains(Gone, Assert.Throws<ObjectDisposedException>(read).Message, StringComparison.Ordinal);
        }

        // Names and debuggers may still look.
        Assert.Equal($"tensor [{size}] released", tensor.ToString());
    }

    [Fact]
    public void A_closed_scopes_buffer_serves_the_next_request_of_about_its_size()
    {
        OperatorContext context = new();
        float[] array;
        using (context.Scope())
        {
            array = context.Rent<float>([10_000]).Storage.Array;
        }

        using (context.Scope())
        {
            Assert.NotSame(array, context.Rent<float>([10_001]).Storage.Array);
            Assert.NotSame(array, context.Rent<float>([4_000]).Storage.Array);
            Assert.NotSame(array, (object)context.Rent<int>([10_000]).Storage.Array);
            Tensor<float> reused = context.Rent<float>([6_000]);
            Assert.Same(array, reused.Storage.Array);
            Assert.Equal(6_000, reused.AsSpan().Length);
            Assert.NotSame(array, context.Rent<float>([6_000]).Storage.Array);
        }
    }

    [Fact]
    public void The_smallest_buffer_that_fits_is_taken()
    {
        OperatorContext context = new();
        float[] small;
        using (context.Scope())
        {
            context.Rent<float>([12_000]);
            small = context.Rent<float>([10_000]).Storage.Array;
            context.Rent<float>([11_000]);
        }

        using (context.Scope())
        {
            Assert.Same(small, context.Rent<float>([9_000]).Storage.Array);
        }
    }

    [Fact]
    public void Keep_hands_a_tensor_to_the_scope_around()
    {
        OperatorContext context = new();
        Tensor<float> kept;
        Tensor<float> keptTwice;
        using (BufferScope outer = context.Scope())
        {
            using (BufferScope inner = context.Scope())
            {
                kept = inner.Keep(context.Rent<float>([2000]));
                keptTwice = inner.Keep(context.Rent<float>([2000]));
                kept[0] = 3;
            }

            Assert.Equal(3, kept[0]);
            outer.Keep(keptTwice);
        }

        Assert.Throws<ObjectDisposedException>(() => kept.AsSpan());
        Assert.Equal(2000, keptTwice.AsSpan().Length);
    }

    [Fact]
    public void Keep_and_Release_leave_a_tensor_of_somebody_else_alone()
    {
        OperatorContext context = new();
        Tensor<float> mine = Values.Counting<float>(2000);
        Tensor<float> outers;
        using (context.Scope())
        {
            outers = context.Rent<float>([2000]);
            using (BufferScope inner = context.Scope())
            {
                Assert.Same(mine, inner.Keep(mine));
                inner.Release(mine);
                inner.Release(outers);
                Assert.Same(outers, inner.Keep(outers));
            }

            Assert.Equal(2000, outers.AsSpan().Length);
        }

        Assert.Equal(1999, mine[1999]);
        Assert.Throws<ObjectDisposedException>(() => outers.AsSpan());
    }

    [Fact]
    public void Release_gives_one_buffer_back_early()
    {
        OperatorContext context = new();
        using BufferScope scope = context.Scope();
        Tensor<float> first = context.Rent<float>([5000]);
        float[] array = first.Storage.Array;
        scope.Release(first);
        Assert.Throws<ObjectDisposedException>(() => first.AsSpan());
        Assert.Same(array, context.Rent<float>([5000]).Storage.Array);
        scope.Release(first);
    }

    [Fact]
    public void Without_a_scope_nothing_is_taken_back_and_disposing_twice_is_once()
    {
        OperatorContext context = new();
        Tensor<float> free = context.Rent<float>([5000]);
        BufferScope scope = context.Scope();
        scope.Dispose();
        scope.Dispose();
        Assert.Equal(5000, free.AsSpan().Length);
        Assert.NotSame(free.Storage.Array, context.Rent<float>([5000]).Storage.Array);
    }

    [Fact]
    public void Every_element_type_goes_back()
    {
        OperatorContext context = new();
        Tensor[] rented;
        using (context.Scope())
        {
            rented =
            [
                context.Rent<float>([9000]), context.Rent<double>([9000]), context.Rent<long>([9000]), context.Rent<int>([9000]), context.Rent<byte>([9000]), context.Rent<bool>([9000]),
            ];
        }

        Assert.All(rented, tensor => Assert.Throws<ObjectDisposedException>(tensor.CloneUntyped));
    }

    [Fact]
    public void Scopes_close_innermost_first()
    {
        OperatorContext context = new();
        BufferScope outer = context.Scope();
        context.Scope();
        Assert.Equal(
            "buffer scope: closed while a scope inside it is open; expected the innermost first.", Assert.Throws<InvalidOperationException>(outer.Dispose).Message);
    }

    [Fact]
    public void An_operator_gives_the_same_bits_in_a_buffer_full_of_old_numbers()
    {
        // Rent doesn't clear: an operator that leaves an element unwritten or adds to what is there shows.
        OperatorContext context = new(Kernels.Simd);
        Tensor<float> x = Values.Draw<float>(new Random(1), 60, 70);
        Tensor<float> weight = Values.Draw<float>(new Random(2), 50, 70);
        Tensor<float> fresh = Linear.Forward(context, x, weight, null);
        foreach (float old in new[] { float.NaN, 1e30f })
        {
            using (context.Scope())
            {
                context.Rent<float>([3000]).AsSpan().Fill(old);
            }

            using (context.Scope())
            {
                Comparison.SameBits(fresh, Linear.Forward(context, x, weight, null));
            }
        }
    }

    [Fact]
    public void A_context_beside_another_takes_what_that_one_gave_back()
    {
        OperatorContext one = new(Kernels.Simd, 3);
        OperatorContext other = one.Beside(Kernels.Textbook);
        Assert.Equal((Kernels.Textbook, 3), (other.Kernels, other.Threads));
        using BufferScope scope = one.Scope();
        Tensor<float> kept = one.Rent<float>([10_000]);
        float[] array;
        using (other.Scope())
        {
            array = other.Rent<float>([10_000]).Storage.Array;
            Assert.NotSame(array, kept.Storage.Array);
        }

        // Its scopes are its own.
        kept[0] = 1;
        Assert.Same(array, one.Rent<float>([10_000]).Storage.Array);
    }

    [Fact]
    public void Of_many_bytes_those_go_that_no_request_has_taken_for_long()
    {
        FreeArrays arrays = new(110_000);
        double[] old = new double[8_000];
        float[] often = new float[10_000];
        arrays.Add(old);
        for (int request = 0; request < 300; request++)
        {
            Assert.Null(arrays.Take<double>(1_000));
            arrays.Add(arrays.Take<float>(6_000) ?? often);
        }

        // Few enough bytes so far: both are there still.
        Assert.Same(old, arrays.Take<double>(8_000));
        arrays.Add(old);
        for (int request = 0; request < 300; request++)
        {
            arrays.Add(arrays.Take<float>(6_000)!);
        }

        arrays.Add(new byte[10_000]);
        Assert.Null(arrays.Take<double>(8_000));
        Assert.Same(often, arrays.Take<float>(10_000));
        Assert.NotNull(arrays.Take<byte>(10_000));
    }

    [Fact]
    public void Of_arrays_as_large_a_thread_gets_the_last_that_it_had()
    {
        FreeArrays arrays = new(long.MaxValue);
        int[][] mine = [new int[100], new int[100]];
        int[][] others = [new int[100], new int[100]];
        int[] smaller = new int[99];
        arrays.Add(mine[0]);
        Elsewhere(() => arrays.Add(others[0]));
        arrays.Add(mine[1]);
        Elsewhere(() => arrays.Add(others[1]));
        Assert.Same(mine[1], arrays.Take<int>(100));
        Assert.Same(mine[0], arrays.Take<int>(100));

        // Rather another thread's than a new one; and who gives it back has it from then on.
        int[] taken = arrays.Take<int>(100)!;
        Assert.Contains(taken, others);
        arrays.Add(taken);
        arrays.Add(mine[0]);
        Assert.Same(mine[0], arrays.Take<int>(100));
        Assert.Same(taken, arrays.Take<int>(100));
        Elsewhere(() => arrays.Add(smaller));
        arrays.Add(mine[1]);
        Assert.Same(smaller, arrays.Take<int>(60));

        static void Elsewhere(Action action)
        {
            Thread thread = new(() => action());
            thread.Start();
            thread.Join();
        }
    }
}
