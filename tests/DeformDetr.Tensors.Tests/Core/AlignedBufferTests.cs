using System.Runtime.CompilerServices;

namespace DeformDetr.Tensors.Tests.Core;

public class AlignedBufferTests
{
    [Fact]
    public void It_starts_at_a_cache_line_and_is_as_long_as_asked()
    {
        OperatorContext context = new();
        for (int length = 1; length < 200; length += 3)
        {
            Check<float>(length);
            Check<double>(length);
            Check<byte>(length);
            Check<int>(length * 50);
        }

        using AlignedBuffer<float> nothing = context.Scratch<float>(0);
        Assert.Equal(0, nothing.Span.Length);

        void Check<T>(int length)
            where T : unmanaged
        {
            using AlignedBuffer<T> first = context.Scratch<T>(length);
            using AlignedBuffer<T> second = context.Scratch<T>(length);
            GC.Collect(0);
            foreach (AlignedBuffer<T> buffer in new[] { first, second })
            {
                Assert.Equal(length, buffer.Span.Length);
                Assert.Equal(0, Address(buffer) % 64);
            }

            // Both live: neither reaches into the other.
            long apart = Math.Abs(Address(first) - Address(second));
            Assert.True(apart >= (long)length * Unsafe.SizeOf<T>(), $"{apart} bytes apart; {length} elements.");
        }
    }

    [Fact]
    public void What_goes_back_is_given_out_again_and_what_is_held_is_not()
    {
        OperatorContext context = new();
        long first;
        using (AlignedBuffer<float> buffer = context.Scratch<float>(1000))
        {
            first = Address(buffer);
            using AlignedBuffer<float> beside = context.Scratch<float>(1000);
            Assert.NotEqual(first, Address(beside));
        }

        // Both are free again: two requests get both, a third something else.
        using AlignedBuffer<float> one = context.Scratch<float>(1000);
        using AlignedBuffer<float> two = context.Scratch<float>(990);
        using AlignedBuffer<float> three = context.Scratch<float>(1000);
        Assert.Contains(first, new[] { Address(one), Address(two) });
        Assert.Equal(3, new[] { Address(one), Address(two), Address(three) }.Distinct().Count());
    }

    [Fact]
    public void An_array_more_than_twice_as_long_or_too_short_is_not_taken()
    {
        OperatorContext context = new();
        long large;
        using (AlignedBuffer<double> buffer = context.Scratch<double>(1000))
        {
            large = Address(buffer);
        }

        using AlignedBuffer<double> small = context.Scratch<double>(400);
        using AlignedBuffer<double> larger = context.Scratch<double>(1001);
        Assert.NotEqual(large, Address(small));
        Assert.NotEqual(large, Address(larger));
        using AlignedBuffer<double> half = context.Scratch<double>(600);
        Assert.Equal(large, Address(half));
    }

    [Fact]
    public void Threads_never_hold_the_same_memory()
    {
        OperatorContext context = new(Kernels.Simd, 4);
        Parallel.For(0, 8, thread =>
        {
            for (int turn = 0; turn < 500; turn++)
            {
                using AlignedBuffer<int> buffer = context.SingleThread.Scratch<int>(100 + (turn % 7));
                int mark = (thread << 16) + turn;
                buffer.Span.Fill(mark);
                Thread.Yield();
                Assert.Equal(-1, buffer.Span.IndexOfAnyExcept(mark));
            }
        });
    }

    private static long Address<T>(AlignedBuffer<T> buffer)
        where T : unmanaged => Unsafe.ByteOffset(ref Unsafe.NullRef<byte>(), ref Unsafe.As<T, byte>(ref buffer.Span[0]));
}
