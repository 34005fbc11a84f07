using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Oracle.Tests.Checking.Noise;

// Random data of many shapes, scales, offsets and kinds for one operator after another.
internal sealed class Draws(int seed)
{
    private readonly Random _random = new(seed);

    public static IReadOnlyDictionary<string, Func<Draws, Func<Algebra, Quantity>>> Operators { get; } =
        new Dictionary<string, Func<Draws, Func<Algebra, Quantity>>>(StringComparer.Ordinal)
        {
            ["Linear"] = draws => draws.Linear(),
            ["MatMul"] = draws => draws.MatMul(),
            ["Conv2d"] = draws => draws.Conv2d(),
            ["FrozenBatchNorm"] = draws => draws.FrozenBatchNorm(),
            ["LayerNorm"] = draws => draws.LayerNorm(),
            ["GroupNorm"] = draws => draws.GroupNorm(),
            ["Softmax"] = draws => draws.Softmax(),
            ["Sigmoid"] = draws => draws.Each((a, x) => a.Sigmoid(x), 30),
            ["InverseSigmoid"] = draws => draws.InverseSigmoid(),
            ["Gelu"] = draws => draws.Each((a, x) => a.Gelu(x), 4),
            ["Relu"] = draws => draws.Each((a, x) => a.Relu(x), 1),
            ["Add"] = draws => draws.Binary((a, x, y) => a.Add(x, y)),
            ["Subtract"] = draws => draws.Binary((a, x, y) => a.Subtract(x, y)),
            ["Multiply"] = draws => draws.Binary((a, x, y) => a.Multiply(x, y)),
            ["Divide"] = draws => draws.Binary((a, x, y) => a.Divide(x, y)),
            ["Apply"] = draws => draws.Each((a, x) => a.Apply(x, element => element / 5.656854249492381), 1),
            ["MaxPool2d"] = draws => draws.MaxPool2d(),
            ["SamplingLocations"] = draws => draws.SamplingLocations(),
            ["Sample"] = draws => draws.Sample(),
            ["SinePosition"] = draws => draws.SinePosition(),
            ["ProposalPosition"] = draws => draws.ProposalPosition(),
            ["ValidRatios"] = draws => draws.ValidRatios(),
            ["EncoderReferencePoints"] = draws => draws.EncoderReferencePoints(),
            ["OutputProposals"] = draws => draws.OutputProposals(),
            ["RefineBoxes"] = draws => draws.RefineBoxes(),
            ["DetectionBoxes"] = draws => draws.DetectionBoxes(),
            ["NormalizePictures"] = draws => draws.NormalizePictures(),
            ["TopK"] = draws => draws.Each((a, x) => a.TopK(x, 2).Values, 1),
        };

    public int Whole(int least, int most) => _random.Next(least, most + 1);

    public float Real(double least, double most) => (float)(least + (_random.NextDouble() * (most - least)));

    public double Normal()
    {
        double sum = -6;
        for (int i = 0; i < 12; i++)
        {
            sum += _random.NextDouble();
        }

        return sum;
    }

    public Tensor<float> Normal(TensorShape shape, double scale = 1, double offset = 0) => Fill(shape, () => offset + (scale * Normal()));

    public Tensor<float> Fill(TensorShape shape, Func<double> next)
    {
        Tensor<float> result = new(shape);
        foreach (ref float element in result.AsSpan())
        {
            element = (float)next();
        }

        return result;
    }

    // Kinds of data: around zero, positive, after ReLU, far from zero, nearly constant, of mixed sizes, with zeros.
    public Tensor<float> Any(TensorShape shape, double scale = 1) => Whole(0, 7) switch
    {
        0 => Fill(shape, () => scale * _random.NextDouble()),
        1 => Fill(shape, () => scale * Math.Max(0, Normal())),
        2 => Normal(shape, scale, scale * 10),
        3 => Normal(shape, scale, scale * 1000),
        4 => Normal(shape, scale * 1e-6, scale),
        5 => Fill(shape, () => scale * Normal() * Math.ScaleB(1, Whole(-12, 0))),
        6 => Fill(shape, () => Whole(0, 3) == 0 ? 0 : scale * Normal()),
        _ => Normal(shape, scale),
    };

    public double Scale() => Math.ScaleB(1, Whole(-40, 40));

    private int Depth() => Whole(0, 9) switch { 0 => 1, 1 => Whole(2, 5), 2 => Whole(6, 40), 3 => 256, 4 => 1024, 5 => 2048, _ => Whole(41, 700) };

    private Func<Algebra, Quantity> Linear()
    {
        (int rows, int inputs, int outputs) = (Whole(1, 40), Depth(), Whole(1, 40));
        double scale = Scale();
        double weightScale = Scale();
        Tensor<float> x = Any([rows, inputs], scale);
        Tensor<float> weight = Any([outputs, inputs], weightScale);
        Tensor<float>? bias = Whole(0, 1) == 0 ? null : Any([outputs], scale * weightScale * 4);
        return a => a.Linear(a.Given(x), a.Given(weight), bias is null ? null : a.Given(bias));
    }

    private Func<Algebra, Quantity> MatMul()
    {
        (int batch, int rows, int depth, int columns) = (Whole(1, 3), Whole(1, 20), Whole(1, 320), Whole(1, 20));
        bool transposed = Whole(0, 1) == 1;
        Tensor<float> left = Any([batch, rows, depth], Scale());
        Tensor<float> right = Any(transposed ? [batch, columns, depth] : [batch, depth, columns], Scale());
        return a => a.MatMul(a.Given(left), a.Given(right), transposed);
    }

    private Func<Algebra, Quantity> Conv2d()
    {
        int groups = Whole(0, 3) == 0 ? 2 : 1;
        (int inputs, int outputs) = (Whole(0, 5) == 0 ? 256 : Whole(1, 20), Whole(1, 5));
        int kernel = Whole(0, 2) switch { 0 => 1, 1 => 3, _ => 7 };
        Conv2dWindow window = new(Whole(1, 2), kernel / 2, 1, groups);
        double scale = Scale();
        double weightScale = Scale();
        Tensor<float> x = Any([Whole(1, 2), inputs * groups, Whole(3, 9), Whole(3, 9)], scale);
        Tensor<float> weight = Any([outputs * groups, inputs, kernel, kernel], weightScale);
        Tensor<float>? bias = Whole(0, 1) == 0 ? null : Any([outputs * groups], scale * weightScale);
        return a => a.Conv2d(a.Given(x), a.Given(weight), bias is null ? null : a.Given(bias), window);
    }

    private Func<Algebra, Quantity> FrozenBatchNorm()
    {
        int channels = Whole(1, 40);
        double scale = Scale();
        double gain = Scale();
        Tensor<float> x = Any([Whole(1, 2), channels, Whole(1, 9), Whole(1, 9)], scale);
        Tensor<float> weight = Any([channels], gain);
        Tensor<float> bias = Any([channels], gain);
        Tensor<float> mean = Any([channels], scale);
        Tensor<float> variance = Fill([channels], () => scale * scale * Real(0, 2));
        return a => a.FrozenBatchNorm(a.Given(x), a.Given(weight), a.Given(bias), a.Given(mean), a.Given(variance));
    }

    private Func<Algebra, Quantity> LayerNorm()
    {
        int channels = Whole(0, 2) == 0 ? 256 : Whole(1, 600);
        Tensor<float> x = Any([Whole(1, 60), channels], Scale());
        double gain = Scale();
        Tensor<float> weight = Any([channels], gain);
        Tensor<float> bias = Any([channels], gain);
        return a => a.LayerNorm(a.Given(x), a.Given(weight), a.Given(bias));
    }

    private Func<Algebra, Quantity> GroupNorm()
    {
        (int groups, int channels) = (Whole(1, 8), Whole(1, 8));
        Tensor<float> x = Any([Whole(1, 2), groups * channels, Whole(1, 30), Whole(1, 30)], Scale());
        double gain = Scale();
        Tensor<float> weight = Any([groups * channels], gain);
        Tensor<float> bias = Any([groups * channels], gain);
        return a => a.GroupNorm(a.Given(x), groups, a.Given(weight), a.Given(bias));
    }

    private Func<Algebra, Quantity> Softmax()
    {
        Tensor<float> x = Any([Whole(1, 200), Whole(0, 2) == 0 ? 16 : Whole(1, 300)], Math.ScaleB(1, Whole(-20, 6)));
        return a => a.Softmax(a.Given(x));
    }

    private Func<Algebra, Quantity> Each(Func<Algebra, Quantity, Quantity> function, double scale)
    {
        Tensor<float> x = Any([Whole(1, 20), Whole(2, 40)], Whole(0, 1) == 0 ? scale : scale * Math.ScaleB(1, Whole(-40, 0)));
        return a => function(a, a.Given(x));
    }

    private Func<Algebra, Quantity> Binary(Func<Algebra, Quantity, Quantity, Quantity> function)
    {
        TensorShape shape = [Whole(1, 9), Whole(1, 9), Whole(1, 9)];
        Tensor<float> x = Any(shape, Scale());
        Tensor<float> y = Fill(Whole(0, 1) == 0 ? shape : [shape[2]], () => (0.1 + _random.NextDouble()) * (Whole(0, 1) - 0.5));
        return a => function(a, a.Given(x), a.Given(y));
    }

    private Func<Algebra, Quantity> InverseSigmoid()
    {
        Tensor<float> x = Points([Whole(1, 300)]);
        return a => a.InverseSigmoid(a.Given(x));
    }

    // Fractions, beside and beyond 0 and 1 too.
    private Tensor<float> Points(TensorShape shape) => Fill(shape, () => Whole(0, 7) switch
    {
        0 => Math.ScaleB(_random.NextDouble(), -Whole(0, 40)),
        1 => 1 - Math.ScaleB(_random.NextDouble(), -Whole(0, 40)),
        2 => 0.5 + Math.ScaleB(_random.NextDouble() - 0.5, -Whole(0, 20)),
        3 => Whole(0, 1),
        4 => 1e-5 * (1 + (_random.NextDouble() * 1e-6)),
        5 => Normal(),
        _ => _random.NextDouble(),
    });

    private Func<Algebra, Quantity> MaxPool2d()
    {
        Tensor<float> x = Any([1, Whole(1, 4), Whole(2, 9), Whole(2, 9)], Scale());
        return a => a.MaxPool2d(a.Given(x), 3, 2, 1);
    }

    private Tensor<long> Levels(int most)
    {
        int levels = Whole(1, most);
        Tensor<long> shapes = new([levels, 2]);
        foreach (ref long size in shapes.AsSpan())
        {
            size = Whole(0, 4) == 0 ? Whole(1, 3) : Whole(1, 60);
        }

        return shapes;
    }

    private Func<Algebra, Quantity> SamplingLocations()
    {
        Tensor<long> shapes = Levels(4);
        (int n, int queries, int heads, int points) = (Whole(1, 2), Whole(1, 20), Whole(1, 4), Whole(1, 5));
        int known = Whole(0, 1) == 0 ? 2 : 4;
        Tensor<float> reference = Fill([n, queries, shapes.Shape[0], known], _random.NextDouble);
        Tensor<float> offsets = Any([n, queries, heads, shapes.Shape[0], points, 2], Math.ScaleB(1, Whole(-20, 4)));
        return a => a.SamplingLocations(a.Given(reference), a.Given(offsets), a.Given(shapes));
    }

    private Func<Algebra, Quantity> Sample()
    {
        Tensor<long> shapes = Levels(3);
        Tensor<long> starts = StepKinds.Starts(shapes);
        int tokens = (int)(starts[starts.Length - 1] + (shapes[starts.Length - 1, 0] * shapes[starts.Length - 1, 1]));
        (int n, int queries, int heads, int levels, int points, int channels) =
            (Whole(1, 2), Whole(1, 20), Whole(1, 3), shapes.Shape[0], Whole(1, 4), Whole(0, 1) == 0 ? 32 : Whole(1, 40));
        Tensor<float> value = Any([n, tokens, heads, channels], Scale());
        Tensor<float> locations = new([n, queries, heads, levels, points, 2]);
        int border = Whole(0, 3);
        for (int i = 0; i < locations.Length; i++)
        {
            long size = shapes[i / 2 / points % levels, 1 - (i % 2)];
            locations.AsSpan()[i] = border switch
            {
                // On, or just beside, the lines between pixels, the borders among them.
                0 => (float)((Whole(-1, (int)size) + 0.5) / size * (1 + (Whole(-2, 2) * Math.ScaleB(1, -24)))),
                1 => (float)(Normal() * 2),
                _ => Real(-0.1, 1.1),
            };
        }

        Tensor<float> weights = Fill([n, queries, heads, levels, points], () => _random.NextDouble() / (levels * points));
        return a => a.Sample(a.Given(value), a.Given(shapes), a.Given(starts), a.Given(locations), a.Given(weights));
    }

    // Padding at the right and at the bottom, as batches have it.
    private Tensor<bool> Mask(int n, int height, int width)
    {
        Tensor<bool> mask = new([n, height, width]);
        for (int item = 0; item < n; item++)
        {
            (int rows, int columns) = Whole(0, 1) == 0 ? (height, width) : (Whole(1, height), Whole(1, width));
            for (int i = 0; i < height * width; i++)
            {
                mask.AsSpan()[(item * height * width) + i] = i / width >= rows || i % width >= columns;
            }
        }

        return mask;
    }

    private Func<Algebra, Quantity> SinePosition()
    {
        Tensor<bool> mask = Mask(Whole(1, 2), Whole(1, 40), Whole(1, 40));
        int channels = 4 * Whole(1, 64);
        return a => a.SinePosition(a.Given(mask), channels);
    }

    private Func<Algebra, Quantity> ProposalPosition()
    {
        Tensor<float> coords = Normal([1, Whole(1, 20), 4], 4);
        return a => a.ProposalPosition(a.Given(coords));
    }

    private Func<Algebra, Quantity> ValidRatios()
    {
        int n = Whole(1, 3);
        Tensor<bool>[] masks = [.. Enumerable.Range(0, Whole(1, 4)).Select(_ => Mask(n, Whole(1, 60), Whole(1, 60)))];
        return a => a.ValidRatios([.. masks.Select(a.Given)]);
    }

    private Func<Algebra, Quantity> EncoderReferencePoints()
    {
        Tensor<long> shapes = Levels(3);
        Tensor<float> ratios = Fill([Whole(1, 2), shapes.Shape[0], 2], () => Whole(1, 30) / 30.0);
        return a => a.EncoderReferencePoints(a.Given(shapes), a.Given(ratios));
    }

    private Func<Algebra, Quantity> OutputProposals()
    {
        (int height, int width) = (Whole(1, 60), Whole(1, 60));
        Tensor<long> shapes = Tensor<long>.Create([1, 2], [height, width]);
        Tensor<bool> mask = Mask(2, height, width).Reshape([2, height * width]);
        return a => a.OutputProposals(a.Given(mask), a.Given(shapes));
    }

    private Func<Algebra, Quantity> RefineBoxes()
    {
        int queries = Whole(1, 40);
        Tensor<float> delta = Normal([1, queries, 4], Math.ScaleB(1, Whole(-10, 2)));
        Tensor<float> reference = Points([1, queries, Whole(0, 1) == 0 ? 2 : 4]);
        return a => a.RefineBoxes(a.Given(delta), a.Given(reference));
    }

    private Func<Algebra, Quantity> DetectionBoxes()
    {
        (int queries, int ranks, int classes) = (Whole(1, 20), Whole(1, 30), Whole(1, 5));
        Tensor<float> boxes = Fill([2, queries, 4], _random.NextDouble);
        Tensor<long> rank = new([2, ranks]);
        foreach (ref long index in rank.AsSpan())
        {
            index = Whole(0, (queries * classes) - 1);
        }

        Tensor<long> sizes = Tensor<long>.Create([2, 2], [Whole(1, 1333), Whole(1, 1333), Whole(1, 1333), Whole(1, 1333)]);
        return a => a.DetectionBoxes(a.Given(boxes), a.Given(rank), classes, a.Given(sizes));
    }

    private Func<Algebra, Quantity> NormalizePictures()
    {
        Tensor<byte>[] pictures = [.. Enumerable.Range(0, 2).Select(_ =>
        {
            Tensor<byte> picture = new([Whole(1, 20), Whole(1, 20), 3]);
            _random.NextBytes(picture.AsSpan());
            return picture;
        })];
        return a => a.NormalizePictures([.. pictures.Select(a.Given)]);
    }
}
