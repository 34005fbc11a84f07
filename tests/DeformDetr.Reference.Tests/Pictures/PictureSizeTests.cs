using System.Globalization;
using DeformDetr.Reference.Pictures;

namespace DeformDetr.Reference.Tests.Pictures;

public sealed class PictureSizeTests
{
    [Fact]
    public void Sizes_are_those_of_the_original()
    {
        string[] lines = File.ReadAllLines(PictureFixtures.PathOf("sizes.csv"));
        Assert.True(lines.Length > 400);
        foreach (string line in lines[1..])
        {
            int[] n = [.. line.Split(',').Select(word => int.Parse(word, CultureInfo.InvariantCulture))];
            if (n[4] == 0)
            {
                // The original goes on with (0, 0), and Pillow refuses it.
                ArgumentException e = Assert.Throws<ArgumentException>(() => PictureSize.Resized(n[0], n[1], n[2], n[3]));
                Assert.Contains("shorter side becomes 0", e.Message, StringComparison.Ordinal);
                Assert.DoesNotContain('\n', e.Message);
                continue;
            }

            Assert.True((n[4], n[5]) == PictureSize.Resized(n[0], n[1], n[2], n[3]), line);
        }
    }

    [Theory]
    [InlineData(480, 640, 800, 1066)]
    [InlineData(375, 500, 800, 1066)]
    [InlineData(426, 640, 800, 1201)]
    [InlineData(427, 640, 800, 1199)]
    [InlineData(1080, 1920, 750, 1333)]
    [InlineData(800, 1333, 800, 1333)]
    [InlineData(640, 640, 800, 800)]
    public void Well_known_sizes_stand_here_to_be_read(int height, int width, int resizedHeight, int resizedWidth)
    {
        Assert.Equal((resizedHeight, resizedWidth), PictureSize.Resized(height, width, 800, 1333));
        Assert.Equal((resizedWidth, resizedHeight), PictureSize.Resized(width, height, 800, 1333));
    }

    [Fact]
    public void Halves_go_to_the_even_neighbour()
    {
        // longest * 1 / 2 = 2.5 and 3.5.
        Assert.Equal((2, 4), PictureSize.Resized(1, 2, 50, 5));
        Assert.Equal((4, 8), PictureSize.Resized(1, 2, 50, 7));
    }

    [Theory]
    [InlineData(0, 1, 1, 1)]
    [InlineData(1, 0, 1, 1)]
    [InlineData(1, 1, 0, 1)]
    [InlineData(1, 1, 1, 0)]
    [InlineData(-3, 1, 1, 1)]
    public void Numbers_below_one_are_refused(int height, int width, int shortest, int longest)
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => PictureSize.Resized(height, width, shortest, longest));
        Assert.Contains("expected numbers >= 1", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100, 100, int.MaxValue, int.MaxValue)]
    [InlineData(1, 30_000, 30_000, int.MaxValue)]
    public void Sizes_that_no_tensor_holds_are_refused(int height, int width, int shortest, int longest)
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => PictureSize.Resized(height, width, shortest, longest));
        Assert.Contains("bytes of RGB", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_picture_that_is_at_its_size_stays_however_long_it_is()
    {
        Assert.Equal((1, int.MaxValue), PictureSize.Resized(1, int.MaxValue, 2, int.MaxValue));
    }
}
