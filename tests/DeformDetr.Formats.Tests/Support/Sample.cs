using System.Runtime.InteropServices;
using DeformDetr.Fuzz;
using DeformDetr.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeformDetr.Formats.Tests;

// Tensors of random bits (so NaNs, subnormals and infinities too) out of a seed, and the comparison of bits.
internal static class Sample
{
    private const string Letters = "abc.019_/\\\"' é\u00df\u4e2d\ud83d\ude00\t\u007f{}[]:,";

    public static Gen<(int Seed, int[][] Shapes)> Gen { get; } =
        from seed in FsCheck.Fluent.Gen.Choose(0, int.MaxValue)
        from shapes in FsCheck.Fluent.Gen.Choose(0, 5).ArrayOf().Where(sizes => sizes.Length <= 4).ListOf()
        select (seed, shapes.Take(8).ToArray());

    public static Tensor Tensor(Random random, params int[] sizes)
    {
        ElementType[] types = Enum.GetValues<ElementType>();
        return Tensor(random, types[random.Next(types.Length)], sizes);
    }

    public static Tensor Tensor(Random random, ElementType type, params int[] sizes)
    {
        TensorShape shape = TensorShape.Create(sizes);
        return type switch
        {
            ElementType.Float64 => Fill<double>(random, shape),
            ElementType.Float32 => Fill<float>(random, shape),
            ElementType.Int64 => Fill<long>(random, shape),
            ElementType.Int32 => Fill<int>(random, shape),
            ElementType.UInt8 => Fill<byte>(random, shape),
            _ => Tensor<bool>.FromArray(shape, [.. Fill<byte>(random, shape).AsReadOnlySpan().ToArray().Select(b => b > 127)]),
        };
    }

    public static List<(string Name, Tensor Tensor)> Tensors(int seed, int[][] shapes)
    {
        Random random = new(seed);
        HashSet<string> names = [];
        List<(string, Tensor)> tensors = [];
        foreach (int[] sizes in shapes)
        {
            string name = Name(random);
            if (names.Add(name))
            {
                tensors.Add((name, Tensor(random, sizes)));
            }
        }

        return tensors;
    }

    public static void AssertSame(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.ElementType, actual.ElementType);
        Assert.Equal(expected.Shape, actual.Shape);
        Assert.Equal(TensorBytes.Of(expected), TensorBytes.Of(actual));
    }

    // The file holds exactly these tensors, in this order, under these names.
    public static void AssertHolds(TensorFile file, IReadOnlyList<(string Name, Tensor Tensor)> tensors)
    {
        Assert.Equal(tensors.Select(t => t.Name), file.Entries.Select(entry => entry.Name));
        foreach ((string name, Tensor tensor) in tensors)
        {
            Tensor actual = file.Read(name);
            Assert.Equal(name, actual.Name);
            AssertSame(tensor, actual);
        }
    }

    private static Tensor<T> Fill<T>(Random random, TensorShape shape)
        where T : unmanaged
    {
        Tensor<T> tensor = new(shape);
        random.NextBytes(MemoryMarshal.AsBytes(tensor.AsSpan()));
        return tensor;
    }

    private static string Name(Random random)
    {
        System.Text.Rune[] letters = [.. Letters.EnumerateRunes()];
        return string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => letters[random.Next(letters.Length)].ToString()));
    }
}
