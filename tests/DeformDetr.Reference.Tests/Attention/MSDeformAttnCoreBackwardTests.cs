using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Attention;

public class MSDeformAttnCoreBackwardTests
{
    public static TheoryData<Kernels> Bodies => [Kernels.Textbook, Kernels.Simd];

    // --- by hand ---------------------------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(Bodies))]
    public void Between_two_pixels_the_slope_is_their_difference(Kernels kernels)
    {
        // 1 4 8 16, sampled 0.75 pixels right of the first, weight 0.5, g = 2.
        (double[] value, double x, double y, double weight) = Gradients(kernels, [1, 4, 8, 16], (1, 4), (0.75 + 0.5) / 4, 0.5, 0.5, 2);
        Assert.Equal([0.25 * 0.5 * 2, 0.75 * 0.5 * 2, 0, 0], value);
        Assert.Equal(0.5 * 2 * 4 * (4 - 1), x);
        Assert.Equal(2 * ((0.25 * 1) + (0.75 * 4)), weight);

        // Above the only row there is nothing, and so below: on its centre the cell below counts, whose lower row is missing.
        Assert.Equal(0.5 * 2 * 1 * -((0.25 * 1) + (0.75 * 4)), y);
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public void On_a_whole_pixel_the_cell_right_of_it_and_below_it_counts(Kernels kernels)
    {
        double[] row = [1, 4, 8, 16];
        for (int pixel = 0; pixel < 4; pixel++)
        {
            double here = row[pixel];
            double next = pixel < 3 ? row[pixel + 1] : 0;
            Assert.Equal(4 * (next - here), Gradients(kernels, row, (1, 4), (pixel + 0.5) / 4, 0.5, 1, 1).X);
            Assert.Equal(4 * (next - here), Gradients(kernels, row, (4, 1), 0.5, (pixel + 0.5) / 4, 1, 1).Y);
        }
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public void A_whole_pixel_outside_the_left_slope_leads_inside_and_the_right_one_is_gone(Kernels kernels)
    {
        // px = -1 exactly: nothing is read yet, but a step to the right reads the first pixel, as grid_sample's gradient says.
        (double[] value, double x, double y, double weight) = Gradients(kernels, [3, 5, 7, 9], (1, 4), -0.125, 0.5, 1, 1);
        Assert.Equal([0, 0, 0, 0], value);
        Assert.Equal(4 * 3, x);
        Assert.Equal(0, y);
        Assert.Equal(0, weight);
        Assert.Equal(4 * 3, Gradients(kernels, [3, 5, 7, 9], (4, 1), 0.5, -0.125, 1, 1).Y);

        // px = W exactly: all is over.
        Assert.Equal(0, Gradients(kernels, [3, 5, 7, 9], (1, 4), 4.5 / 4, 0.5, 1, 1).X);
        Assert.Equal(0, Gradients(kernels, [3, 5, 7, 9], (4, 1), 0.5, 4.5 / 4, 1, 1).Y);
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public void Gradients_of_all_that_reads_a_pixel_add_up_in_it(Kernels kernels)
    {
        // One pixel, three queries of two points: Σ weight · g. Nineteen equal channels fill vectors and leave a rest.
        LevelLayout level = Draw.Levels((1, 1));
        MSDeformAttnGradients<double> gradients = MSDeformAttnCore.Backward(
            new OperatorContext(kernels), Draw.Constant<double>([1, 1, 1, 19], 6), level.SpatialShapes, level.LevelStartIndex, Draw.Constant<double>([1, 3, 1, 1, 2, 2], 0.5),
            Draw.Of<double>([1, 3, 1, 1, 2], 1, 2, 3, 4, 5, 6), Draw.Of<double>([1, 3, 19], [.. Enumerable.Range(0, 57).Select(at => at < 19 ? 10.0 : at < 38 ? 100 : 1000)]));
        Assert.All(gradients.Value.Doubles(), value => Assert.Equal((3 * 10) + (7 * 100) + (11 * 1000), value));
        Assert.Equal([60.0 * 19, 60 * 19, 600 * 19, 600 * 19, 6000 * 19, 6000 * 19], gradients.AttentionWeights.Doubles());
    }

    // --- an independent formula ------------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(Bodies))]
    public void Both_bodies_are_the_slopes_of_the_tents(Kernels kernels)
    {
        Properties.Holds(CoreCase.Any, c => Independent<float>(c, kernels, -24), 100, CoreCase.Shrink);
        Properties.Holds(CoreCase.Any, c => Independent<double>(c, kernels, -53), 100, CoreCase.Shrink);
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public void Both_bodies_agree_with_central_differences(Kernels kernels) =>
        Properties.Holds(CoreCase.Any, c => Differences(c with { Scale = 1, D = Math.Min(c.D, 19), N = 1 }, kernels), 40, CoreCase.Shrink);

    // --- tie -------------------------------------------------------------------------------------------------------------------------

    [Fact]
    public void Both_bodies_put_a_point_of_float64_into_the_same_cell()
    {
        // Centres of maps whose sides are no powers of two: (k + 0.5) / 3 times 3 is k + 0.5 only after rounding.
        for (int size = 1; size <= 60; size++)
        {
            double[] map = [.. Enumerable.Range(0, size).Select(i => (double)(i * i) + 1)];
            for (int pixel = -1; pixel <= size; pixel++)
            {
                double location = (pixel + 0.5) / size;
                Assert.Equal(
                    Gradients(Kernels.Textbook, map, (1, size), location, 0.5, 1, 1).X, Gradients(Kernels.Simd, map, (1, size), location, 0.5, 1, 1).X, 1e-6);
            }
        }
    }

    [Fact]
    public void The_number_of_threads_does_not_change_a_bit()
    {
        CoreInputs<float> inputs = new CoreCase(3, 37, 5, 19, 4, [(5, 7), (2, 3)], 6, 1).Inputs<float>();
        Tensor<float> gradOutput = Draw.Numbers<float>(2, [3, 37, 95]);
        MSDeformAttnGradients<float> alone = inputs.Back(gradOutput, Kernels.Simd);
        foreach (int threads in new[] { 2, 7 })
        {
            MSDeformAttnGradients<float> several = inputs.Back(gradOutput, Kernels.Simd, threads);
            Expect.SameBits(alone.Value, several.Value, "grad_value");
            Expect.SameBits(alone.SamplingLocations, several.SamplingLocations, "grad_sampling_locations");
            Expect.SameBits(alone.AttentionWeights, several.AttentionWeights, "grad_attention_weights");
        }
    }

    // --- laws ------------------------------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(Bodies))]
    public void Output_times_gradient_is_value_times_its_gradient_and_weights_times_theirs(Kernels kernels) =>
        Properties.Holds(
            CoreCase.Any,
            c =>
            {
                // f is linear in value and in the weights: <g, f(v, A)> = <∂v, v> = <∂A, A>.
                CoreInputs<double> inputs = (c with { Scale = 1 }).Inputs<double>();
                Tensor<double> g = Draw.Numbers<double>(c.Seed + 1, [c.N, c.Lq, c.M * c.D]);
                MSDeformAttnGradients<double> gradients = inputs.Back(g, kernels);
                double whole = Product(g, inputs.Run(kernels));
                Assert.Equal(whole, Product(gradients.Value, inputs.Value), 1e-9);
                Assert.Equal(whole, Product(gradients.AttentionWeights, inputs.AttentionWeights), 1e-9);
            },
            60,
            CoreCase.Shrink);

    [Theory]
    [MemberData(nameof(Bodies))]
    public void Far_outside_every_gradient_is_zero(Kernels kernels) =>
        Properties.Holds(
            CoreCase.Any,
            c =>
            {
                CoreInputs<float> inputs = c.Inputs<float>();
                foreach (ref float location in inputs.SamplingLocations.AsSpan())
                {
                    location = location < 0.5f ? -2 - MathF.Abs(location) : 3 + location;
                }

                MSDeformAttnGradients<float> gradients = inputs.Back(Draw.Numbers<float>(c.Seed + 1, [c.N, c.Lq, c.M * c.D]), kernels);
                Assert.All(gradients.Value.Doubles(), value => Assert.Equal(0, value));
                Assert.All(gradients.SamplingLocations.Doubles(), value => Assert.Equal(0, value));
                Assert.All(gradients.AttentionWeights.Doubles(), value => Assert.Equal(0, value));
            },
            40,
            CoreCase.Shrink);

    [Theory]
    [MemberData(nameof(Bodies))]
    public void Every_slot_of_a_batch_has_the_bits_of_the_picture_alone(Kernels kernels) =>
        Properties.Holds(
            CoreCase.Any,
            c =>
            {
                CoreInputs<float> inputs = (c with { N = 3 }).Inputs<float>();
                Tensor<float> g = Draw.Numbers<float>(c.Seed + 1, [3, c.Lq, c.M * c.D]);
                MSDeformAttnGradients<float> together = inputs.Back(g, kernels, 2);
                for (int n = 0; n < 3; n++)
                {
                    MSDeformAttnGradients<float> alone = (inputs with
                    {
                        Value = MSDeformAttnCoreTests.Take(inputs.Value, 0, n),
                        SamplingLocations = MSDeformAttnCoreTests.Take(inputs.SamplingLocations, 0, n),
                        AttentionWeights = MSDeformAttnCoreTests.Take(inputs.AttentionWeights, 0, n),
                    }).Back(MSDeformAttnCoreTests.Take(g, 0, n), kernels);
                    Expect.SameBits(MSDeformAttnCoreTests.Take(together.Value, 0, n), alone.Value, "grad_value");
                    Expect.SameBits(MSDeformAttnCoreTests.Take(together.SamplingLocations, 0, n), alone.SamplingLocations, "grad_sampling_locations");
                    Expect.SameBits(MSDeformAttnCoreTests.Take(together.AttentionWeights, 0, n), alone.AttentionWeights, "grad_attention_weights");
                }
            },
            40,
            CoreCase.Shrink);

    // --- refusals --------------------------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(Bodies))]
    public void Shapes_that_disagree_are_refused(Kernels kernels)
    {
        CoreInputs<float> inputs = new CoreCase(2, 3, 4, 5, 2, [(2, 3), (1, 1)], 1, 1).Inputs<float>();
        Expect.Refusal<ArgumentException>(
            "ms_deform_attn_core: grad_output holds [2, 3, 4, 5]; expected [N, Lq, M · D] = [2, 3, 20].", () => inputs.Back(new Tensor<float>([2, 3, 4, 5]), kernels));
        Expect.Refusal<ArgumentException>(
            "ms_deform_attn_core: level_start_index holds [1]; expected [L] = [2].",
            () => (inputs with { LevelStartIndex = new Tensor<long>([1]) }).Back(new Tensor<float>([2, 3, 20]), kernels));
    }

    // --- helpers ---------------------------------------------------------------------------------------------------------------------

    private static (double[] Value, double X, double Y, double Weight) Gradients(
        Kernels kernels, double[] map, (int Height, int Width) size, double x, double y, double weight, double g)
    {
        LevelLayout level = Draw.Levels(size);
        MSDeformAttnGradients<double> gradients = MSDeformAttnCore.Backward(
            new OperatorContext(kernels), Draw.Of<double>([1, map.Length, 1, 1], map), level.SpatialShapes, level.LevelStartIndex,
            Draw.Of<double>([1, 1, 1, 1, 1, 2], x, y), Draw.Of<double>([1, 1, 1, 1, 1], weight), Draw.Of<double>([1, 1, 1], g));
        return (gradients.Value.Doubles(), gradients.SamplingLocations.AsSpan()[0], gradients.SamplingLocations.AsSpan()[1], gradients.AttentionWeights.AsSpan()[0]);
    }

    private static void Independent<T>(CoreCase c, Kernels kernels, int exponent)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        // A slope jumps at whole pixels: locations that are floats are multiplied by the side exactly, so that all agree on the cell.
        CoreInputs<T> inputs = (c with { Scale = Math.Clamp(c.Scale, 1e-15, 1e15) }).Inputs<T>();
        foreach (ref T location in inputs.SamplingLocations.AsSpan())
        {
            location = T.CreateTruncating(float.CreateTruncating(location));
        }

        Tensor<T> gradOutput = Draw.Numbers<T>(c.Seed + 1, [c.N, c.Lq, c.M * c.D]);
        SamplingSizes s = inputs.Sizes;
        double[] v = inputs.Value.Doubles();
        double[] w = inputs.AttentionWeights.Doubles();
        double[] g = gradOutput.Doubles();
        double[] at = inputs.SamplingLocations.Doubles();
        (double[] value, double[] locations, double[] weights) = DeformableSampling.Backward(s, v, at, w, g);
        double[] magnitude = DeformableSampling.Backward(s, v, at, Abs(w), Abs(g)).Value;
        double[] weightMagnitude = DeformableSampling.Backward(s, Abs(v), at, w, Abs(g)).Weights;
        double largest = Abs(v).Max() * Abs(w).Max() * Abs(g).Max();
        MSDeformAttnGradients<T> gradients = inputs.Back(gradOutput, kernels);

        // grad_value: textbook adds in double and rounds once; the fast body's chain rounds at every step.
        int steps = kernels == Kernels.Textbook ? 1 : 3 + (4 * c.Lq * c.P);
        Expect.Close(value, gradients.Value.Doubles(), i => Math.ScaleB(magnitude[i] * steps, exponent) + Math.ScaleB(magnitude[i] * c.Lq * c.P * 64, -52), "grad_value");
        Expect.Close(
            weights, gradients.AttentionWeights.Doubles(), i => Math.ScaleB(Math.Abs(weights[i]), exponent) + Math.ScaleB(weightMagnitude[i] * (c.D + 64), -51), "grad_attention_weights");
        Expect.Close(
            locations, gradients.SamplingLocations.Doubles(), i => Math.ScaleB(Math.Abs(locations[i]), exponent) + Math.ScaleB(largest * 7 * c.D * (c.D + 64), -51), "grad_sampling_locations");
    }

    private static void Differences(CoreCase c, Kernels kernels)
    {
        // The objective is linear in each number between whole pixels, so the step may be large; points stay off the whole pixels.
        CoreInputs<double> inputs = c.Inputs<double>();
        const double Step = 1e-3;
        for (int i = 0; i < inputs.SamplingLocations.Length; i++)
        {
            (int height, int width) = c.Sizes[i / 2 / c.P % c.Sizes.Length];
            int size = i % 2 == 0 ? width : height;
            ref double location = ref inputs.SamplingLocations.AsSpan()[i];
            double pixel = (Math.Clamp(location, -2, 3) * size) - 0.5;
            double fraction = pixel - Math.Floor(pixel);
            location = (Math.Floor(pixel) + Math.Clamp(fraction, 0.05, 0.95) + 0.5) / size;
        }

        Tensor<double> g = Draw.Numbers<double>(c.Seed + 1, [1, c.Lq, c.M * c.D]);
        MSDeformAttnGradients<double> gradients = inputs.Back(g, kernels);
        Random random = new(c.Seed);
        Compare(inputs.Value, gradients.Value, "grad_value");
        Compare(inputs.SamplingLocations, gradients.SamplingLocations, "grad_sampling_locations");
        Compare(inputs.AttentionWeights, gradients.AttentionWeights, "grad_attention_weights");

        void Compare(Tensor<double> variable, Tensor<double> gradient, string what)
        {
            for (int trial = 0; trial < 12; trial++)
            {
                int i = random.Next(variable.Length);
                double before = variable.AsSpan()[i];
                variable.AsSpan()[i] = before + Step;
                double above = Product(g, inputs.Run(kernels));
                variable.AsSpan()[i] = before - Step;
                double below = Product(g, inputs.Run(kernels));
                variable.AsSpan()[i] = before;
                Expect.Close([(above - below) / (2 * Step)], [gradient.AsSpan()[i]], _ => 1e-8, what);
            }
        }
    }

    private static double[] Abs(double[] x) => [.. x.Select(Math.Abs)];

    private static double Product(Tensor<double> a, Tensor<double> b) => a.Doubles().Zip(b.Doubles(), (x, y) => x * y).Sum();
}
