using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Rankings;

/// <summary>Permuted queries are found again, whatever rounding did to them.</summary>
public class QueryAlignmentTests
{
    private const double Noise = 1e-5;

    [Fact]
    public void Queries_in_their_places_are_said_to_be_there()
    {
        Tensor<double> expected = Draw(1, 2, 40, 8);
        QueryAlignment alignment = Find(Shaken(expected, 2, 0.8), expected);
        Assert.Equal(QueryArrangement.InPlace, alignment.Arrangement);
        Assert.Matches(@"^every query is in its place: the largest error is 0\.\d+ of the noise$", alignment.Sentence);
    }

    [Fact]
    public void Two_exchanged_queries_are_named()
    {
        Tensor<double> expected = Draw(1, 1, 40, 8);
        int[] order = [.. Enumerable.Range(0, 40)];
        (order[3], order[7]) = (7, 3);
        QueryAlignment alignment = Find(Permuted(Shaken(expected, 2, 0.8), [order]), expected);
        Assert.Equal(QueryArrangement.Permuted, alignment.Arrangement);
        Assert.Equal(2, alignment.Moved);
        Assert.StartsWith("queries 3 and 7 are exchanged; after alignment the largest error is 0.", alignment.Sentence);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.9)]
    public void A_permuted_decoder_is_recognised(double shake)
    {
        Tensor<double> expected = Draw(3, 2, 300, 16);
        int[][] orders = [Properties.Permutation(new Random(4), 300), Properties.Permutation(new Random(5), 300)];
        Tensor<double> port = Permuted(Shaken(expected, 6, shake), orders);
        QueryAlignment alignment = Find(port, expected);
        Assert.Equal(QueryArrangement.Permuted, alignment.Arrangement);
        Assert.StartsWith("queries are permuted: ", alignment.Sentence);
        Assert.True(alignment.InPlace > 1e4 && alignment.Aligned <= 1);
        for (int n = 0; n < 2; n++)
        {
            for (int query = 0; query < 300; query++)
            {
                Assert.Equal(query, orders[n][alignment.Partners[n][query]]);
            }
        }

        Tensor<double> restored = (Tensor<double>)alignment.Order.Apply(port);
        Assert.Equal(Shaken(expected, 6, shake).AsSpan().ToArray(), restored.AsSpan().ToArray());
    }

    [Fact]
    public void Several_tensors_tell_queries_apart_that_one_does_not()
    {
        // All logits alike: only boxes tell who is who.
        Tensor<double> logits = new([1, 40, 3]);
        Tensor<double> boxes = Draw(7, 1, 40, 4);
        int[] order = Properties.Permutation(new Random(8), 40);
        QueryAlignment alignment = QueryAlignment.Find([(logits, logits, Constant(logits)), (Permuted(boxes, [order]), boxes, Constant(boxes))]);
        Assert.Equal(QueryArrangement.Permuted, alignment.Arrangement);
        Assert.Equal(QueryArrangement.InPlace, Find(logits, logits).Arrangement);
    }

    [Fact]
    public void Equal_queries_stay_in_their_places()
    {
        // Queries 0 to 9 are the same; only 20 and 30 are exchanged.
        Tensor<double> expected = Draw(9, 1, 40, 8);
        for (int query = 1; query < 10; query++)
        {
            expected.AsSpan()[..8].CopyTo(expected.AsSpan()[(8 * query)..]);
        }

        int[] order = [.. Enumerable.Range(0, 40)];
        (order[20], order[30]) = (30, 20);
        foreach (double shake in new[] { 0, 0.4, 0.9 })
        {
            QueryAlignment alignment = Find(Permuted(Shaken(expected, 10, shake), [order]), expected);
            Assert.Equal((QueryArrangement.Permuted, 2), (alignment.Arrangement, alignment.Moved));
        }
    }

    [Fact]
    public void A_query_that_is_nowhere_is_no_permutation()
    {
        Tensor<double> expected = Draw(11, 1, 40, 8);
        Tensor<double> port = Shaken(expected, 12, 0.5);
        port[0, 5, 2] += 1000 * Noise;
        QueryAlignment alignment = Find(port, expected);
        Assert.Equal((QueryArrangement.Other, 39, 0), (alignment.Arrangement, alignment.Found, alignment.Moved));
        Assert.StartsWith("no permutation explains it: 39 of 40 queries are found, each in its place; not found: 5;", alignment.Sentence);
        QueryAlignment both = Find(Permuted(port, [[.. Enumerable.Range(0, 40).Select(query => (query + 1) % 40)]]), expected);
        Assert.Equal((QueryArrangement.Other, 39, 39), (both.Arrangement, both.Found, both.Moved));
        Assert.StartsWith("queries are permuted and wrong: 39 of 40 are found within noise, 39 of them elsewhere; not found: 5;", both.Sentence);
        Assert.InRange(both.Aligned, 999.5, 1000.5);
        Assert.Equal(4, both.Partners[0][5]);
    }

    [Fact]
    public void A_wrong_tensor_that_is_permuted_is_still_aligned()
    {
        // All queries off by fifty noises: nothing is within noise, but the order can be seen.
        Tensor<double> expected = Draw(13, 1, 40, 8);
        int[] order = Properties.Permutation(new Random(14), 40);
        Tensor<double> port = Permuted(Shaken(expected, 15, 50), [order]);
        QueryAlignment alignment = Find(port, expected);
        Assert.Equal((QueryArrangement.Other, 0), (alignment.Arrangement, alignment.Found));
        Assert.Equal(Enumerable.Range(0, 40), alignment.Partners[0].Select(row => order[row]));
        Assert.True(alignment.Aligned <= 50);
    }

    [Fact]
    public void Not_a_number_is_nobody()
    {
        Tensor<double> expected = Draw(16, 1, 12, 4);
        Tensor<double> port = expected.Clone();
        port[0, 3, 1] = double.NaN;
        QueryAlignment alignment = Find(port, expected);
        Assert.Equal((QueryArrangement.Other, 11), (alignment.Arrangement, alignment.Found));
        Assert.Equal(double.PositiveInfinity, alignment.Aligned);
        port.AsSpan().Fill(double.NaN);
        Assert.Equal((QueryArrangement.Other, 0), (Find(port, expected).Arrangement, Find(port, expected).Found));
    }

    [Fact]
    public void One_query_and_none()
    {
        Tensor<double> one = Draw(17, 1, 1, 4);
        Assert.Equal(QueryArrangement.InPlace, Find(one, one).Arrangement);
        Assert.Equal(QueryArrangement.Other, Find(Draw(18, 1, 1, 4), one).Arrangement);
        Assert.Equal(QueryArrangement.InPlace, Find(new([1, 0, 4]), new([1, 0, 4])).Arrangement);
    }

    [Fact]
    public void A_perfect_pairing_within_noise_is_found_even_if_a_copy_is_in_its_way()
    {
        // Row 0 is a copy of query 1 and the only candidate of query 2; query 1 can also take row 2.
        Tensor<double> expected = Tensor<double>.FromArray([1, 3, 1], [9, 0, 0.9]);
        Tensor<double> port = Tensor<double>.FromArray([1, 3, 1], [0, 9, -0.9]);
        Tensor<double> noise = Tensor<double>.FromArray([1, 3, 1], [1, 1, 1]);
        QueryAlignment alignment = QueryAlignment.Find(port, expected, noise);
        Assert.Equal(QueryArrangement.Permuted, alignment.Arrangement);
        Assert.Equal([1, 2, 0], alignment.Partners[0]);
    }

    [Fact]
    public void Permuting_rows_is_found_again() => Properties.Holds(random =>
    {
        int queries = random.Next(1, 40);
        int width = random.Next(1, 6);
        Tensor<double> expected = Draw(random.Next(), 1, queries, width);

        // Some rows are others' twins.
        for (int query = 0; query < queries; query++)
        {
            if (random.Next(4) == 0)
            {
                expected.AsSpan().Slice(width * random.Next(queries), width).CopyTo(expected.AsSpan()[(width * query)..]);
            }
        }

        int[] order = Properties.Permutation(random, queries);
        QueryAlignment alignment = Find(Permuted(Shaken(expected, random.Next(), random.Next(2) * 0.99), [order]), expected);
        Assert.NotEqual(QueryArrangement.Other, alignment.Arrangement);
        Assert.Equal(queries, alignment.Found);
        Assert.Equal(queries, alignment.Partners[0].Distinct().Count());
        Assert.True(alignment.Aligned <= 1);
        for (int query = 0; query < queries; query++)
        {
            // Who stands for it is it, or its twin.
            int found = order[alignment.Partners[0][query]];
            Assert.True(expected.AsSpan().Slice(found * width, width).SequenceEqual(expected.AsSpan().Slice(query * width, width)));
        }
    }, 300);

    [Fact]
    public void Nine_hundred_queries_are_aligned()
    {
        Tensor<double> expected = Draw(20, 1, 900, 256);
        Assert.Equal(QueryArrangement.Permuted, Find(Permuted(Shaken(expected, 21, 0.9), [Properties.Permutation(new Random(22), 900)]), expected).Arrangement);
        Assert.Equal(QueryArrangement.Other, Find(Draw(23, 1, 900, 256), expected).Arrangement);
    }

    private static QueryAlignment Find(Tensor<double> port, Tensor<double> expected) => QueryAlignment.Find(port, expected, Constant(expected));

    private static Tensor<double> Constant(Tensor<double> like)
    {
        Tensor<double> noise = new(like.Shape);
        noise.AsSpan().Fill(Noise);
        return noise;
    }

    private static Tensor<double> Draw(int seed, int batch, int queries, int width)
    {
        Random random = new(seed);
        Tensor<double> tensor = new([batch, queries, width]);
        for (int i = 0; i < tensor.Length; i++)
        {
            tensor.AsSpan()[i] = random.NextDouble() - 0.5;
        }

        return tensor;
    }

    // Errors of up to `noises`, the largest nearly reached.
    private static Tensor<double> Shaken(Tensor<double> tensor, int seed, double noises)
    {
        Random random = new(seed);
        Tensor<double> shaken = tensor.Clone();
        for (int i = 0; i < shaken.Length; i++)
        {
            shaken.AsSpan()[i] += noises * Noise * ((2 * random.NextDouble()) - 1);
        }

        return shaken;
    }

    // Row i of the result is row order[i].
    private static Tensor<double> Permuted(Tensor<double> tensor, int[][] orders)
    {
        Tensor<double> result = new(tensor.Shape);
        (int queries, int width) = (tensor.Shape[1], tensor.Shape[2]);
        for (int row = 0; row < tensor.Shape[0] * queries; row++)
        {
            int from = (row / queries * queries) + orders[row / queries][row % queries];
            tensor.AsSpan().Slice(from * width, width).CopyTo(result.AsSpan()[(row * width)..]);
        }

        return result;
    }
}
