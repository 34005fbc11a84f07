using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class ReadAheadTests
{
    // Stretches, their length, elements between two of them, steps of all tiles, steps of a tile.
    private static readonly Axis[] Sizes = [new(0, 9), new(0, 70), new(0, 30), new(0, 4000), new(1, 300)];

    [Fact]
    public void Every_line_of_every_stretch_is_asked_for_once_in_order_and_then_none()
    {
        Cases.Check(300, Sizes, c => Law<float>(c, 16));
        Cases.Check(300, Sizes, c => Law<double>(c, 8));

        static void Law<T>(Case c, int line)
            where T : unmanaged
        {
            (int count, int length, int stride, int steps, int tile) = (c[0], c[1], c[1] + c[2], c[3], c[4]);
            List<int> expected = [];
            for (int stretch = 0; stretch < count; stretch++)
            {
                for (int at = 0; at < length; at += line)
                {
                    expected.Add(3 + (stretch * stride) + at);
                }
            }

            ReadAhead<T> ahead = new(new Footprint<T>(new T[3 + (count * stride)], 3, length, stride, count), steps);
            int every = expected.Count == 0 ? 0 : Math.Clamp(steps / expected.Count, 2, 32);
            List<int> asked = [];
            while (ahead.At >= 0)
            {
                // Tiles one after another, as they use it.
                for (int k = 0; k < tile;)
                {
                    if (ahead.At >= 0)
                    {
                        asked.Add(ahead.At);
                    }

                    int until = ahead.Ask(k, tile);
                    Assert.Equal(ahead.At >= 0 ? Math.Min(k + every, tile) : tile, until);
                    k = until;
                }
            }

            Assert.Equal(expected, asked);
            Assert.Equal(tile, ahead.Ask(0, tile));
        }
    }

    [Fact]
    public void One_that_was_never_made_asks_for_nothing()
    {
        ReadAhead<float> none = default;
        Assert.Equal((17, -1), (none.Ask(0, 17), none.At));
    }

    [Fact]
    public void A_hint_may_name_an_element_that_does_not_exist()
    {
        float[] data = [1, 2, 3];
        CacheHint.Soon(in System.Runtime.CompilerServices.Unsafe.Add(ref data[0], 1 << 28));
        CacheHint.Soon(in System.Runtime.CompilerServices.Unsafe.NullRef<double>());
        Assert.Equal([1, 2, 3], data);
    }
}
