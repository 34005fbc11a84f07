using System.Numerics;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Simd;

namespace DeformDetr.Reference.Tests.Attention;

public class MSDeformAttnCoreTests
{
    // --- by hand ---------------------------------------------------------------------------------------------------------------------

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void A_map_of_one_pixel_is_a_tent_around_its_centre(Kernels kernels)
    {
        // location 0.5 is the pixel's centre, 0 and 1 its edges, half a pixel away each; -0.5 and 1.5 a whole pixel away.
        Assert.Equal(8, Sample(kernels, [8], (1, 1), 0.5, 0.5));
        Assert.Equal(4, Sample(kernels, [8], (1, 1), 0, 0.5));
        Assert.Equal(4, Sample(kernels, [8], (1, 1), 0.5, 1));
        Assert.Equal(2, Sample(kernels, [8], (1, 1), 1, 0));
        Assert.Equal(6, Sample(kernels, [8], (1, 1), 0.75, 0.5));
        Assert.Equal(0, Sample(kernels, [8], (1, 1), -0.5, 0.5));
        Assert.Equal(0, Sample(kernels, [8], (1, 1), 0.5, 1.5));
        Assert.Equal(0, Sample(kernels, [8], (1, 1), 7, 0.5));
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void A_map_of_two_by_two_is_bilinear_between_its_centres(Kernels kernels)
    {
        // 1 2
        // 3 4
        double[] map = [1, 2, 3, 4];
        Assert.Equal(1, Sample(kernels, map, (2, 2), 0.25, 0.25));
        Assert.Equal(2, Sample(kernels, map, (2, 2), 0.75, 0.25));
        Assert.Equal(3, Sample(kernels, map, (2, 2), 0.25, 0.75));
        Assert.Equal(2.5, Sample(kernels, map, (2, 2), 0.5, 0.5));
        Assert.Equal(1.5, Sample(kernels, map, (2, 2), 0.5, 0.25));
        Assert.Equal(2, Sample(kernels, map, (2, 2), 0.25, 0.5));
        Assert.Equal(0.75 * 0.5 * 1, Sample(kernels, map, (2, 2), 0, 0.125));
        Assert.Equal(0.25 * 4, Sample(kernels, map, (2, 2), 1, 1));
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void Rows_and_columns_are_told_apart(Kernels kernels)
    {
        // One row of three: x walks along it, y leaves it.
        double[] row = [10, 20, 40];
        Assert.Equal(20, Sample(kernels, row, (1, 3), 0.5, 0.5));
        Assert.Equal(5, Sample(kernels, row, (1, 3), 0, 0.5), 1e-5);
        Assert.Equal(30, Sample(kernels, row, (1, 3), 2 / 3.0, 0.5), 1e-5);
        Assert.Equal(10, Sample(kernels, row, (1, 3), 0.5, 1));
        Assert.Equal(20, Sample(kernels, row, (3, 1), 0.5, 0.5));
        Assert.Equal(30, Sample(kernels, row, (3, 1), 0.5, 2 / 3.0), 1e-5);
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void Levels_points_and_heads_are_weighted_and_added_where_they_belong(Kernels kernels)
    {
        // Levels 1x1 and 1x2, two heads of one channel, two points: every sample on a pixel's centre.
        OperatorContext context = new(kernels);
        LevelLayout levels = Draw.Levels((1, 1), (1, 2));
        Tensor<double> value = Draw.Of<double>([1, 3, 2, 1], 1, 10, 2, 20, 3, 30);
        Tensor<double> locations = Draw.Of<double>(
            [1, 1, 2, 2, 2, 2], 0.5, 0.5, 0.5, 0.5, 0.25, 0.5, 0.75, 0.5, 0.5, 0.5, 9, 9, 0.75, 0.5, 0.25, 0.5);
        Tensor<double> weights = Draw.Of<double>([1, 1, 2, 2, 2], 0.5, 0.25, 2, 4, 1, 1000, 3, 5);
        Tensor<double> output = MSDeformAttnCore.Forward(context, value, levels.SpatialShapes, levels.LevelStartIndex, locations, weights);
        Assert.Equal([(0.75 * 1) + (2 * 2) + (4 * 3), (1 * 10) + (3 * 30) + (5 * 20)], output.Doubles());
    }

    // --- an independent formula ------------------------------------------------------------------------------------------------------

    [Fact]
    public void Textbook_is_the_sum_of_tents_over_all_pixels()
    {
        Properties.Holds(CoreCase.Any, c => Independent<float>(c, -24), 150, CoreCase.Shrink);
        Properties.Holds(CoreCase.Any, c => Independent<double>(c, -53), 150, CoreCase.Shrink);
    }

    [Fact]
    public void Ones_everywhere_give_the_share_of_each_tent_inside_the_map()
    {
        // D6 and D7 of porting-mistakes.md: no clamped border, no dropped samples.
        foreach ((double x, double y, double share) in new[] { (1, 1, 0.25), (1, 0.5, 0.5), (0, 0, 0.25), (1.5, 0.5, 0), (0.5, 0.5, 1), (3.75 / 4, 0.5, 0.75), (-0.125, 0.5, 0) })
        {
            foreach (Kernels kernels in Enum.GetValues<Kernels>())
            {
                Assert.Equal(share, Sample(kernels, [.. Enumerable.Repeat(1.0, 8)], (2, 4), x, y));
            }
        }
    }

    // --- tie -------------------------------------------------------------------------------------------------------------------------

    [Fact]
    public void Simd_agrees_with_Textbook()
    {
        Properties.Holds(CoreCase.Any, c => Tie<float>(c, -24, -149), 150, CoreCase.Shrink);
        Properties.Holds(CoreCase.Any, c => Tie<double>(c, -53, -1074), 150, CoreCase.Shrink);
    }

    [Fact]
    public void Lanes_of_all_widths_give_the_same_bits_for_every_number_of_channels()
    {
        Lanes<float, Vector128<float>, Lanes128<float>, Vector256<float>, Lanes256<float>, Vector512<float>, Lanes512<float>>();
        Lanes<double, Vector128<double>, Lanes128<double>, Vector256<double>, Lanes256<double>, Vector512<double>, Lanes512<double>>();
    }

    [Fact]
    public void The_number_of_threads_does_not_change_a_bit()
    {
        CoreInputs<float> inputs = new CoreCase(2, 601, 3, 17, 4, [(5, 7), (2, 3)], 5, 1).Inputs<float>();
        Tensor<float> alone = inputs.Run(Kernels.Simd);
        Expect.SameBits(alone, inputs.Run(Kernels.Simd, 2), "two threads");
        Expect.SameBits(alone, inputs.Run(Kernels.Simd, 7), "seven threads");
    }

    // --- laws ------------------------------------------------------------------------------------------------------------------------

    [Fact]
    public void Output_is_linear_in_value() =>
        Each(CoreCase.Any, (c, kernels) =>
        {
            CoreInputs<double> inputs = (c with { Scale = 1 }).Inputs<double>();
            Tensor<double> other = Draw.Numbers<double>(c.Seed + 1, inputs.Value.Shape);
            Tensor<double> sum = inputs.Value.Clone();
            for (int i = 0; i < sum.Length; i++)
            {
                sum.AsSpan()[i] = (3 * sum.AsSpan()[i]) - (0.5 * other.AsSpan()[i]);
            }

            double[] a = inputs.Run(kernels).Doubles();
            double[] b = (inputs with { Value = other }).Run(kernels).Doubles();
            double[] expected = [.. a.Zip(b, (x, y) => (3 * x) - (0.5 * y))];
            Expect.Close(expected, (inputs with { Value = sum }).Run(kernels).Doubles(), _ => 1e-12 * (1 + c.P * c.Sizes.Length));
        });

    [Fact]
    public void Queries_may_be_permuted() =>
        Each(CoreCase.Any, (c, kernels) =>
        {
            CoreInputs<float> inputs = c.Inputs<float>();
            int[] order = Order(c.Lq, c.Seed);
            CoreInputs<float> permuted = inputs with { SamplingLocations = Take(inputs.SamplingLocations, 1, order), AttentionWeights = Take(inputs.AttentionWeights, 1, order) };
            Expect.SameBits(Take(inputs.Run(kernels), 1, order), permuted.Run(kernels));
        });

    [Fact]
    public void Heads_may_be_permuted() =>
        Each(CoreCase.Any, (c, kernels) =>
        {
            CoreInputs<float> inputs = c.Inputs<float>();
            int[] order = Order(c.M, c.Seed);
            CoreInputs<float> permuted = inputs with
            {
                Value = Take(inputs.Value, 2, order),
                SamplingLocations = Take(inputs.SamplingLocations, 2, order),
                AttentionWeights = Take(inputs.AttentionWeights, 2, order),
            };
            Tensor<float> expected = Take(inputs.Run(kernels).Reshape([c.N, c.Lq, c.M, c.D]), 2, order).Reshape([c.N, c.Lq, c.M * c.D]);
            Expect.SameBits(expected, permuted.Run(kernels));
        });

    [Fact]
    public void Every_slot_of_a_batch_has_the_bits_of_the_picture_alone() =>
        Each(CoreCase.Any, (c, kernels) =>
        {
            CoreInputs<float> inputs = (c with { N = 3 }).Inputs<float>();
            Tensor<float> together = inputs.Run(kernels, 2);
            for (int n = 0; n < 3; n++)
            {
                CoreInputs<float> alone = inputs with
                {
                    Value = Take(inputs.Value, 0, n),
                    SamplingLocations = Take(inputs.SamplingLocations, 0, n),
                    AttentionWeights = Take(inputs.AttentionWeights, 0, n),
                };
                Expect.SameBits(Take(together, 0, n), alone.Run(kernels));
            }
        });

    [Fact]
    public void Channels_are_independent() =>
        Each(CoreCase.Any, (c, kernels) =>
        {
            CoreInputs<float> inputs = c.Inputs<float>();
            int channel = c.Seed % c.D;
            Tensor<float> all = inputs.Run(kernels).Reshape([c.N, c.Lq, c.M, c.D]);
            Tensor<float> one = (inputs with { Value = Take(inputs.Value, 3, channel) }).Run(kernels).Reshape([c.N, c.Lq, c.M, 1]);
            Expect.SameBits(Take(all, 3, channel), one);
        });

    [Fact]
    public void A_constant_field_gives_the_constant_wherever_the_tents_lie_inside() =>
        Each(CoreCase.Any, (c, kernels) =>
        {
            Random random = new(c.Seed);
            CoreInputs<double> inputs = c.Inputs<double>();
            for (int sample = 0; sample < inputs.AttentionWeights.Length; sample++)
            {
                (int height, int width) = c.Sizes[sample / c.P % c.Sizes.Length];
                inputs.SamplingLocations.AsSpan()[2 * sample] = (0.5 + (random.NextDouble() * (width - 1))) / width;
                inputs.SamplingLocations.AsSpan()[(2 * sample) + 1] = (0.5 + (random.NextDouble() * (height - 1))) / height;
                inputs.AttentionWeights.AsSpan()[sample] = 1.0 / (c.P * c.Sizes.Length);
            }

            double[] output = (inputs with { Value = Draw.Constant<double>(inputs.Value.Shape, 7) }).Run(kernels).Doubles();
            Expect.Close([.. Enumerable.Repeat(7.0, output.Length)], output, 1e-13);
        });

    [Fact]
    public void A_sample_at_a_pixels_centre_gives_that_pixel()
    {
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            // Sides are powers of two, so that centres are exact.
            double[] map = Draw.Numbers<float>(3, [4 * 8]).Doubles();
            for (int cell = 0; cell < map.Length; cell++)
            {
                Assert.Equal(map[cell], Sample(kernels, map, (4, 8), ((cell % 8) + 0.5) / 8, ((cell / 8) + 0.5) / 4));
            }
        }
    }

    [Fact]
    public void Half_a_pixel_outside_and_farther_the_output_is_zero() =>
        Each(CoreCase.Any, (c, kernels) =>
        {
            CoreInputs<float> inputs = c.Inputs<float>();
            Random random = new(c.Seed);
            for (int sample = 0; sample < inputs.AttentionWeights.Length; sample++)
            {
                (int height, int width) = c.Sizes[sample / c.P % c.Sizes.Length];
                int axis = random.Next(2);
                float size = axis == 0 ? width : height;
                double far = random.Next(3) switch { 0 => 0, 1 => random.NextDouble(), _ => 1e6 * random.NextDouble() };
                inputs.SamplingLocations.AsSpan()[(2 * sample) + axis] = (float)(random.Next(2) == 0 ? (-0.5001 - far) / size : (size + 0.5001 + far) / size);
            }

            Assert.All(inputs.Run(kernels).Doubles(), value => Assert.Equal(0, value));
        });

    [Fact]
    public void A_location_that_is_no_number_or_infinite_reads_nothing()
    {
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            foreach (double location in new[] { double.NaN, double.PositiveInfinity, double.NegativeInfinity })
            {
                Assert.Equal(0, Sample(kernels, [1, 2, 3, 4], (2, 2), location, 0.5));
                Assert.Equal(0, Sample(kernels, [1, 2, 3, 4], (2, 2), 0.5, location));
            }
        }
    }

    [Fact]
    public void Whole_pixel_shifts_of_map_and_samples_cancel()
    {
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            // A patch of 3x5 cells in a map of 8x16, in two places; samples inside the patch's tents, on multiples of 1/64 pixel.
            Random random = new(8);
            double[] patch = Draw.Numbers<float>(random, [15]).Doubles();
            for (int trial = 0; trial < 50; trial++)
            {
                double x = random.Next(0, 6 * 64) / 64.0;
                double y = random.Next(0, 4 * 64) / 64.0;
                double there = Sample(kernels, Place(patch, 2, 3), (8, 16), (3 + x - 0.5) / 16, (2 + y - 0.5) / 8);
                double elsewhere = Sample(kernels, Place(patch, 4, 9), (8, 16), (9 + x - 0.5) / 16, (4 + y - 0.5) / 8);
                Assert.Equal(there, elsewhere);
            }
        }

        static double[] Place(double[] patch, int top, int left)
        {
            double[] map = new double[8 * 16];
            for (int cell = 0; cell < 15; cell++)
            {
                map[((top + (cell / 5)) * 16) + left + (cell % 5)] = patch[cell];
            }

            return map;
        }
    }

    [Fact]
    public void Exchanging_x_and_y_transposes_the_maps() =>
        Each(CoreCase.Any, (c, kernels) =>
        {
            CoreInputs<double> inputs = (c with { Scale = 1 }).Inputs<double>();
            (int, int)[] turned = [.. c.Sizes.Select(s => (s.Width, s.Height))];
            LevelLayout levels = Draw.Levels(turned);
            Tensor<double> value = new(inputs.Value.Shape);
            Tensor<double> locations = inputs.SamplingLocations.Clone();
            for (int l = 0; l < c.Sizes.Length; l++)
            {
                (int height, int width) = c.Sizes[l];
                for (int cell = 0; cell < height * width; cell++)
                {
                    int from = (int)levels.LevelStartIndex[l] + cell;
                    int to = (int)levels.LevelStartIndex[l] + (cell % width * height) + (cell / width);
                    for (int n = 0; n < c.N; n++)
                    {
                        for (int at = 0; at < c.M * c.D; at++)
                        {
                            value[n, to, at / c.D, at % c.D] = inputs.Value[n, from, at / c.D, at % c.D];
                        }
                    }
                }
            }

            for (int sample = 0; sample < locations.Length / 2; sample++)
            {
                Span<double> point = locations.AsSpan().Slice(2 * sample, 2);
                (point[0], point[1]) = (point[1], point[0]);
            }

            CoreInputs<double> transposed = inputs with { Value = value, SpatialShapes = levels.SpatialShapes, SamplingLocations = locations, Levels = turned };
            Expect.Close(inputs.Run(kernels).Doubles(), transposed.Run(kernels).Doubles(), _ => 1e-12);
        });

    [Fact]
    public void A_point_of_zero_weight_may_be_left_out() =>
        Each(CoreCase.Any, (c, kernels) =>
        {
            CoreInputs<float> inputs = (c with { P = c.P + 1 }).Inputs<float>();
            int point = c.Seed % (c.P + 1);
            for (int sample = point; sample < inputs.AttentionWeights.Length; sample += c.P + 1)
            {
                inputs.AttentionWeights.AsSpan()[sample] = 0;
            }

            int[] rest = [.. Enumerable.Range(0, c.P + 1).Where(p => p != point)];
            CoreInputs<float> fewer = inputs with { SamplingLocations = Take(inputs.SamplingLocations, 4, rest), AttentionWeights = Take(inputs.AttentionWeights, 4, rest) };
            Expect.SameBits(inputs.Run(kernels), fewer.Run(kernels));
        });

    [Fact]
    public void A_level_may_be_split_into_two_copies_of_half_the_weight() =>
        Each(CoreCase.Any, (c, kernels) =>
        {
            CoreInputs<double> inputs = (c with { Scale = 1 }).Inputs<double>();
            int last = c.Sizes.Length - 1;
            int start = (int)inputs.LevelStartIndex[last];
            int tokens = inputs.Value.Shape[1];
            (int, int)[] sizes = [.. c.Sizes, c.Sizes[last]];
            LevelLayout levels = Draw.Levels(sizes);
            int[] tokenOrder = [.. Enumerable.Range(0, tokens), .. Enumerable.Range(start, tokens - start)];
            int[] levelOrder = [.. Enumerable.Range(0, last + 1), last];
            Tensor<double> weights = Take(inputs.AttentionWeights, 3, levelOrder);
            for (int sample = 0; sample < weights.Length; sample++)
            {
                weights.AsSpan()[sample] *= sample / c.P % (last + 2) >= last ? 0.5 : 1;
            }

            CoreInputs<double> split = new(
                Take(inputs.Value, 1, tokenOrder), levels.SpatialShapes, levels.LevelStartIndex, Take(inputs.SamplingLocations, 3, levelOrder), weights, sizes);
            Expect.Close(inputs.Run(kernels).Doubles(), split.Run(kernels).Doubles(), _ => 1e-12);
        });

    [Fact]
    public void Ramps_give_the_coordinate_and_level_numbers_the_mass_of_each_level() =>
        Each(CoreCase.Any, (c, kernels) =>
        {
            // D2 to D5, D20 to D22 of porting-mistakes.md: channel 0 is x, 1 is y, 2 the level's number, in pixels.
            Random random = new(c.Seed);
            CoreInputs<double> inputs = (c with { D = 3 }).Inputs<double>();
            double[] expected = new double[c.N * c.Lq * c.M * 3];
            for (int n = 0; n < c.N; n++)
            {
                for (int l = 0; l < c.Sizes.Length; l++)
                {
                    for (int cell = 0; cell < c.Sizes[l].Height * c.Sizes[l].Width; cell++)
                    {
                        for (int m = 0; m < c.M; m++)
                        {
                            int token = (int)inputs.LevelStartIndex[l] + cell;
                            inputs.Value[n, token, m, 0] = cell % c.Sizes[l].Width;
                            inputs.Value[n, token, m, 1] = cell / c.Sizes[l].Width;
                            inputs.Value[n, token, m, 2] = l;
                        }
                    }
                }
            }

            for (int sample = 0; sample < inputs.AttentionWeights.Length; sample++)
            {
                int l = sample / c.P % c.Sizes.Length;
                double px = random.NextDouble() * (c.Sizes[l].Width - 1);
                double py = random.NextDouble() * (c.Sizes[l].Height - 1);
                double weight = inputs.AttentionWeights.AsSpan()[sample];
                inputs.SamplingLocations.AsSpan()[2 * sample] = (px + 0.5) / c.Sizes[l].Width;
                inputs.SamplingLocations.AsSpan()[(2 * sample) + 1] = (py + 0.5) / c.Sizes[l].Height;
                int at = sample / c.P / c.Sizes.Length * 3;
                expected[at] += weight * px;
                expected[at + 1] += weight * py;
                expected[at + 2] += weight * l;
            }

            Expect.Close(expected, inputs.Run(kernels).Doubles(), _ => 1e-11);
        });

    // --- refusals --------------------------------------------------------------------------------------------------------------------

    [Fact]
    public void Shapes_that_disagree_are_refused()
    {
        CoreInputs<float> good = new CoreCase(2, 3, 4, 5, 2, [(2, 3), (1, 1)], 1, 1).Inputs<float>();
        Refused("value holds [2, 7, 20]; expected [N, S, M, D], 4 axes.", good with { Value = good.Value.Reshape([2, 7, 20]) });
        Refused("value holds [1, 7, 4, 5]; ", good with { Value = Take(good.Value, 0, 0) }, other: "sampling_locations holds [2, 3, 4, 2, 2, 2]; expected [N, Lq, M, L, P, 2] = [1, any, 4, 2, any, 2].");
        Refused("spatial_shapes holds [1, 4]; expected [L, 2] = [any, 2].", good with { SpatialShapes = good.SpatialShapes.Reshape([1, 4]) });
        Refused("level_start_index holds [1]; expected [L] = [2].", good with { LevelStartIndex = new Tensor<long>([1]) });
        Refused(
            "sampling_locations holds [2, 3, 4, 2, 4]; expected [N, Lq, M, L, P, 2] = [2, any, 4, 2, any, 2].",
            good with { SamplingLocations = good.SamplingLocations.Reshape([2, 3, 4, 2, 4]) });
        Refused(
            "attention_weights holds [2, 3, 4, 1, 2]; expected [N, Lq, M, L, P] = [2, 3, 4, 2, 2].", good with { AttentionWeights = Take(good.AttentionWeights, 3, 0) });
        Refused(
            "level_start_index holds 2 at level 0; expected a start that leaves 2 x 3 tokens of S = 7.", good with { LevelStartIndex = Tensor<long>.FromArray([2], [2, 6]) });
        Refused(
            "level_start_index holds -1 at level 1; expected a start that leaves 1 x 1 tokens of S = 7.", good with { LevelStartIndex = Tensor<long>.FromArray([2], [0, -1]) });
        Refused("spatial_shapes holds 0 x 3 at level 0; expected at least 1 x 1.", good with { SpatialShapes = Tensor<long>.FromArray([2, 2], [0, 3, 1, 1]) });
        Refused("spatial_shapes holds 6 cells in all; expected S = 7.", good with { SpatialShapes = Tensor<long>.FromArray([2, 2], [2, 3, 0, 0]) }, other: "spatial_shapes holds 0 x 0 at level 1; expected at least 1 x 1.");
        Refused("spatial_shapes holds 5 cells in all; expected S = 7.", good with { SpatialShapes = Tensor<long>.FromArray([2, 2], [2, 2, 1, 1]) });
    }

    // --- helpers ---------------------------------------------------------------------------------------------------------------------

    internal static Tensor<T> Take<T>(Tensor<T> tensor, int axis, params int[] indices)
        where T : unmanaged
    {
        Tensor<T> taken = new(tensor.Shape.With(axis, indices.Length));
        int inner = tensor.Shape.LengthFrom(axis + 1);
        int size = tensor.Shape[axis];
        for (int at = 0; at < taken.Length; at++)
        {
            int outer = at / inner / indices.Length;
            int index = indices[at / inner % indices.Length];
            taken.AsSpan()[at] = tensor.AsReadOnlySpan()[(((outer * size) + index) * inner) + (at % inner)];
        }

        return taken;
    }

    private static void Refused(string message, CoreInputs<float> inputs, string? other = null)
    {
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            Expect.Refusal<ArgumentException>($"ms_deform_attn_core: {other ?? message}", () => inputs.Run(kernels));
        }
    }

    private static void Each(FsCheck.Gen<CoreCase> cases, Action<CoreCase, Kernels> law)
    {
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            Properties.Holds(cases, c => law(c, kernels), 60, CoreCase.Shrink);
        }
    }

    private static int[] Order(int count, int seed)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        new Random(seed).Shuffle(order);
        return order;
    }

    private static double Sample(Kernels kernels, double[] map, (int Height, int Width) size, double x, double y)
    {
        LevelLayout level = Draw.Levels(size);
        return MSDeformAttnCore.Forward(
            new OperatorContext(kernels), Draw.Of<float>([1, map.Length, 1, 1], map), level.SpatialShapes, level.LevelStartIndex,
            Draw.Of<float>([1, 1, 1, 1, 1, 2], x, y), Draw.Of<float>([1, 1, 1, 1, 1], 1))[0, 0, 0];
    }

    private static void Independent<T>(CoreCase c, int exponent)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CoreInputs<T> inputs = c.Inputs<T>();
        (double[] expected, double[] magnitude) = inputs.Independent();
        double[] geometry = inputs.GeometryAllowance();

        // Rounded once, plus what summing in double costs.
        Expect.Close(
            expected, inputs.Run().Doubles(),
            i => Math.ScaleB(Math.Abs(expected[i]), exponent) + Math.ScaleB(magnitude[i] * 4 * c.P * c.Sizes.Length, -52) + geometry[i] + float.Epsilon);
    }

    private static void Tie<T>(CoreCase c, int exponent, int least)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CoreInputs<T> inputs = c.Inputs<T>();
        int corners = 4 * c.P * c.Sizes.Length;
        double[] magnitude = inputs.Independent().Magnitude;
        double[] geometry = inputs.GeometryAllowance();

        // Each corner's weight is rounded once, then each step of the chain.
        Expect.Close(
            inputs.Run().Doubles(), inputs.Run(Kernels.Simd).Doubles(),
            i => Math.ScaleB(magnitude[i] * (corners + 3), exponent) + geometry[i] + Math.ScaleB(corners, least));
    }

    private static void Lanes<T, TV128, T128, TV256, T256, TV512, T512>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TV128 : struct
        where T128 : struct, ILanes<TV128, T>
        where TV256 : struct
        where T256 : struct, ILanes<TV256, T>
        where TV512 : struct
        where T512 : struct, ILanes<TV512, T>
    {
        Random random = new(4);
        for (int channels = 0; channels <= 70; channels++)
        {
            int count = random.Next(0, 20);
            Tensor<T> values = Draw.Numbers<T>(random, [9, 80]);
            T[] weights = Draw.Numbers<T>(random, [count]).AsSpan().ToArray();
            int[] offsets = [.. Enumerable.Range(0, count).Select(_ => (80 * random.Next(9)) + random.Next(10))];
            T[] expected = new T[channels];
            T[] narrow = new T[channels];
            T[] middle = new T[channels];
            T[] wide = new T[channels];
            for (int channel = 0; channel < channels; channel++)
            {
                for (int corner = 0; corner < count; corner++)
                {
                    expected[channel] = T.FusedMultiplyAdd(weights[corner], values.AsSpan()[offsets[corner] + channel], expected[channel]);
                }
            }

            MSDeformAttnCore.Accumulate<T128, TV128, T>(values.AsSpan(), offsets, weights, narrow);
            MSDeformAttnCore.Accumulate<T256, TV256, T>(values.AsSpan(), offsets, weights, middle);
            MSDeformAttnCore.Accumulate<T512, TV512, T>(values.AsSpan(), offsets, weights, wide);
            Tensor<T> reference = Tensor<T>.FromArray([channels], expected);
            Expect.SameBits(reference, Tensor<T>.FromArray([channels], narrow), "128 bits");
            Expect.SameBits(reference, Tensor<T>.FromArray([channels], middle), "256 bits");
            Expect.SameBits(reference, Tensor<T>.FromArray([channels], wide), "512 bits");
        }
    }
}
