using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Oracle;

// Group B: convolutions, their norms, residual blocks, the projections of the levels.
internal static class BackboneMistakes
{
    private const int Groups = 32;

    public static IReadOnlyList<Mistake> All { get; } =
    [
        new()
        {
            Name = "convolution without the ReLU before it",
            Explanation = "The ReLU before the convolution is missing.",
            Fix = "Put a ReLU between the norm and the convolution after it.",
            References = ["B8"],
            Kinds = [StepKinds.Convolution],
            Applies = x => x.Options.Activates,
            Evaluate = (a, x) => Convolved(a, x, x["x"], x.Weight("weight"), x.Options.Window),
        },
        new()
        {
            Name = "ReLU after the projection's convolution",
            Explanation = "The convolution of an input projection is followed by a ReLU.",
            Fix = "Feed the convolution's output straight into the group norm.",
            References = ["B5"],
            Kinds = [StepKinds.Convolution],
            Applies = x => x.Options.Level >= 0,
            Evaluate = (a, x) => a.Relu(Right(a, x)),
        },
        new()
        {
            Name = "SAME padding of a strided convolution",
            Explanation = "The strided convolution is padded as TensorFlow's SAME does, less at the top left than at the bottom right.",
            Fix = "Pad equally on all sides before the convolution.",
            References = ["B2", "keras-team/keras#16363", "google/flax#963", "google/flax#2993"],
            Kinds = [StepKinds.Convolution],
            Applies = x => x.Options.Window.Stride > 1 && Kernel(x) > 1 && (Same(x, 2) != Window(x) || Same(x, 3) != Window(x)),
            Evaluate = (a, x) =>
            {
                (int top, int bottom) = Same(x, 2);
                (int left, int right) = Same(x, 3);
                return Convolved(
                    a, x, a.Pad2d(Active(a, x), top, bottom, left, right, 0), x.Weight("weight"), x.Options.Window with { Padding = 0 });
            },
        },
        new()
        {
            Name = "padding added after the convolution",
            Explanation = "The convolution runs without padding and its output is framed by zeros.",
            Fix = "Pad the input and not the output.",
            References = ["B2"],
            Kinds = [StepKinds.Convolution],
            Applies = x => Kernel(x) > 1 && x["x"].Shape[2] >= Reach(x) && x["x"].Shape[3] >= Reach(x),
            Evaluate = (a, x) =>
            {
                Quantity bare = Convolved(a, x, Active(a, x), x.Weight("weight"), x.Options.Window with { Padding = 0 });
                int rows = x.Options.Window.OutputSize(x["x"].Shape[2], Kernel(x)) - bare.Shape[2];
                int columns = x.Options.Window.OutputSize(x["x"].Shape[3], Kernel(x)) - bare.Shape[3];
                return a.Pad2d(bare, rows / 2, rows - (rows / 2), columns / 2, columns - (columns / 2), 0);
            },
        },
        new()
        {
            Name = "padding with the border's pixels",
            Explanation = "The convolution's input is padded by repeating its border instead of with zeros.",
            Fix = "Pad with zeros.",
            References = ["B2"],
            Kinds = [StepKinds.Convolution],
            Applies = x => x.Options.Window.Padding > 0,
            Evaluate = (a, x) => Framed(a, x, (index, size) => Math.Clamp(index, 0, size - 1)),
        },
        new()
        {
            Name = "padding by reflection",
            Explanation = "The convolution's input is padded by reflection instead of with zeros.",
            Fix = "Pad with zeros.",
            References = ["B2"],
            Kinds = [StepKinds.Convolution],
            Applies = x => x.Options.Window.Padding is > 0 and int padding && x["x"].Shape[2] > padding && x["x"].Shape[3] > padding,
            Evaluate = (a, x) => Framed(a, x, (index, size) => index < 0 ? -index : index >= size ? (2 * (size - 1)) - index : index),
        },
        new()
        {
            Name = "kernel flipped",
            Explanation = "The kernel is turned by 180 degrees, a convolution in the mathematical sense.",
            Fix = "Correlate without turning the kernel.",
            References = ["H11"],
            Kinds = [StepKinds.Convolution],
            Applies = x => Kernel(x) > 1,
            Evaluate = (a, x) => Convolved(
                a, x, Active(a, x),
                a.Pick(a.Pick(x.Weight("weight"), 2, ByHand.Reversed(Kernel(x))), 3, ByHand.Reversed(Kernel(x))), x.Options.Window),
        },
        new()
        {
            Name = "kernel with rows and columns exchanged",
            Explanation = "The kernel's rows are taken for its columns.",
            Fix = "Read kernels as [out, in, row, column].",
            References = ["H11"],
            Kinds = [StepKinds.Convolution],
            Applies = x => Kernel(x) > 1,
            Evaluate = (a, x) => Convolved(a, x, Active(a, x), ByHand.Transposed(a, x.Weight("weight")), x.Options.Window),
        },
        new()
        {
            Name = "kernel with inputs and outputs exchanged",
            Explanation = "The kernel's input channels are taken for its output channels.",
            Fix = "Read kernels as [out, in, row, column].",
            References = ["H11"],
            Kinds = [StepKinds.Convolution],
            Applies = x => x.Weight("weight").Shape[0] == x.Weight("weight").Shape[1],
            Evaluate = (a, x) => Convolved(a, x, Active(a, x), a.Permute(x.Weight("weight"), 1, 0, 2, 3), x.Options.Window),
        },
        new()
        {
            Name = "kernel in HWIO order",
            Explanation = "The kernel's numbers lie as [row, column, in, out] and are read as [out, in, row, column].",
            Fix = "Permute converted kernels to [out, in, row, column].",
            References = ["H11"],
            Kinds = [StepKinds.Convolution],
            Applies = x => Kernel(x) > 1 || x.Weight("weight").Shape[0] != x.Weight("weight").Shape[1],
            Evaluate = (a, x) => Convolved(
                a, x, Active(a, x), a.Reshape(a.Permute(x.Weight("weight"), 2, 3, 1, 0), x.Weight("weight").Shape), x.Options.Window),
        },
        new()
        {
            Name = "dilation ignored",
            Explanation = "The dilated convolution runs without dilation.",
            Fix = "Space the taps by the dilation, and pad by it.",
            References = ["B8"],
            Kinds = [StepKinds.Convolution],
            Applies = x => x.Options.Window.Dilation > 1,
            Evaluate = (a, x) => Convolved(
                a, x, Active(a, x), x.Weight("weight"), x.Options.Window with { Dilation = 1, Padding = Kernel(x) / 2 }),
        },
        new()
        {
            Name = "first block of DC5 dilated",
            Explanation = "The first block of the dilated stage is dilated as the other blocks are.",
            Fix = "Keep the dilation of the stage before in the first block, as torchvision does.",
            References = ["B8"],
            Kinds = [StepKinds.Convolution],
            Applies = x => x.Step.Name.EndsWith("layer4.0.conv2", StringComparison.Ordinal)
                && x.Options.Window is { Stride: 1, Dilation: 1 } && Kernel(x) == 3,
            Evaluate = (a, x) => Convolved(
                a, x, Active(a, x), x.Weight("weight"), x.Options.Window with { Dilation = 2, Padding = 2 }),
        },
        new()
        {
            Name = "strided 1x1 convolution on odd cells",
            Explanation = "The strided 1x1 convolution reads cells 1, 3, 5 and so on instead of 0, 2, 4.",
            Fix = "Start at the first cell.",
            References = ["B2"],
            Kinds = [StepKinds.Convolution],
            Applies = x => Kernel(x) == 1 && x.Options.Window.Stride == 2,
            Evaluate = (a, x) => Convolved(
                a, x, a.Pick(a.Pick(Active(a, x), 2, Odd(x, 2)), 3, Odd(x, 3)), x.Weight("weight"), x.Options.Window with { Stride = 1 }),
        },
        new()
        {
            Name = "shortcut pooled as in ResNet-D",
            Explanation = "The shortcut averages 2x2 cells before its convolution, as in ResNet-D.",
            Fix = "Read every other cell by the convolution's stride.",
            References = ["B8"],
            Kinds = [StepKinds.Convolution],
            Applies = x => Kernel(x) == 1 && x.Options.Window.Stride == 2,
            Evaluate = (a, x) =>
            {
                Quantity input = Active(a, x);
                Quantity right = a.Pick(input, 3, Odd(x, 3));
                Quantity left = a.Pick(input, 3, Even(x, 3));
                Quantity row = a.Apply(a.Add(left, right), sum => sum / 2);
                Quantity pooled = a.Apply(a.Add(a.Pick(row, 2, Even(x, 2)), a.Pick(row, 2, Odd(x, 2))), sum => sum / 2);
                return Convolved(a, x, pooled, x.Weight("weight"), x.Options.Window with { Stride = 1 });
            },
        },
        new()
        {
            Name = "extra level from the projected level",
            Explanation = "The first extra level is made from the projected last level instead of from the backbone's last map.",
            Fix = "Feed the backbone's last map, before its projection, to the first extra level.",
            References = ["B1"],
            Kinds = [StepKinds.Convolution],
            Applies = x => x.Has("previous") && x["previous"].Shape == x["x"].Shape && Named(x, "previous") != Named(x, "x"),
            Evaluate = (a, x) => StepKinds.Convolution.Evaluate(a, x.With("x", x["previous"])),
        },
        new()
        {
            Name = "frozen batch norm with epsilon 1e-3",
            Explanation = "The frozen batch norm adds 1e-3 to the variance, Keras's default, instead of 1e-5.",
            Fix = "Set epsilon to 1e-5.",
            References = ["B3"],
            Kinds = [StepKinds.FrozenBatchNorm],
            Evaluate = (a, x) => BatchNorm(a, x, 1e-3),
        },
        new()
        {
            Name = "frozen batch norm without epsilon",
            Explanation = "The frozen batch norm adds nothing to the variance.",
            Fix = "Add 1e-5 to the variance inside the root.",
            References = ["B3"],
            Kinds = [StepKinds.FrozenBatchNorm],
            Evaluate = (a, x) => BatchNorm(a, x, 0),
        },
        new()
        {
            Name = "frozen batch norm by the variance",
            Explanation = "The frozen batch norm divides by the variance instead of by its root.",
            Fix = "Divide by the root of running_var + 1e-5.",
            References = ["B8"],
            Kinds = [StepKinds.FrozenBatchNorm],
            Evaluate = (a, x) => BatchNorm(
                a, x.WithWeight("running_var", a.Apply(x.Weight("running_var"), v => (v + 1e-5) * (v + 1e-5))), 0),
        },
        new()
        {
            Name = "frozen batch norm without the mean",
            Explanation = "The frozen batch norm does not subtract running_mean.",
            Fix = "Subtract running_mean before the division.",
            References = ["B8"],
            Kinds = [StepKinds.FrozenBatchNorm],
            Evaluate = (a, x) => BatchNorm(a, x.WithWeight("running_mean", ByHand.Zeros(a, x.Weight("running_mean").Shape)), 1e-5),
        },
        new()
        {
            Name = "frozen batch norm without the affine part",
            Explanation = "The frozen batch norm applies neither its weight nor its bias.",
            Fix = "Multiply by the weight and add the bias after the normalisation.",
            References = ["B8"],
            Kinds = [StepKinds.FrozenBatchNorm],
            Evaluate = (a, x) => BatchNorm(
                a,
                x.WithWeight("weight", ByHand.Ones(a, x.Weight("weight").Shape))
                    .WithWeight("bias", ByHand.Zeros(a, x.Weight("bias").Shape)),
                1e-5),
        },
        new()
        {
            Name = "frozen batch norm left out",
            Explanation = "The frozen batch norm is skipped.",
            Fix = "Load running_mean, running_var, weight and bias and apply them.",
            References = ["B8"],
            Kinds = [StepKinds.FrozenBatchNorm],
            Evaluate = (_, x) => x["x"],
        },
        new()
        {
            Name = "batch statistics in the frozen batch norm",
            Explanation = "The batch norm uses the mean and variance of the batch, as in training, instead of the frozen ones.",
            Fix = "Use running_mean and running_var.",
            References = ["B8"],
            Kinds = [StepKinds.FrozenBatchNorm],
            Applies = x => x["x"].Shape is { } s && s[0] * s[2] * s[3] > 1,
            Evaluate = (a, x) => BatchStatistics(a, x),
        },
        new()
        {
            Name = "ReLU after the norm",
            Explanation = "The tensor has gone through a ReLU, wrong before the residual addition and elsewhere not what the name says.",
            Fix = "Add branch and shortcut before the ReLU, and dump norms before it.",
            References = ["B8"],
            Kinds = [StepKinds.FrozenBatchNorm],
            Evaluate = (a, x) => a.Relu(Right(a, x)),
        },
        new()
        {
            Name = "stem without ReLU",
            Explanation = "The ReLU before the stem's max pooling is missing.",
            Fix = "Apply a ReLU after the stem's norm.",
            References = ["B8"],
            Kinds = [StepKinds.StemPool],
            Evaluate = (a, x) => a.MaxPool2d(x["x"], 3, 2, 1),
        },
        new()
        {
            Name = "SAME padding of the stem's pooling",
            Explanation = "The stem's pooling is padded at the bottom and the right only, as TensorFlow's SAME does.",
            Fix = "Pad by one pixel on all sides.",
            References = ["B2", "keras-team/keras#16363"],
            Kinds = [StepKinds.StemPool],
            Applies = x => x["x"].Shape is { } s && (s[2] % 2 == 0 || s[3] % 2 == 0),
            Evaluate = (a, x) =>
            {
                TensorShape s = x["x"].Shape;
                return a.MaxPool2d(a.Pad2d(a.Relu(x["x"]), s[2] % 2, 1, s[3] % 2, 1, 0), 3, 2, 0);
            },
        },
        new()
        {
            Name = "stem pooled by 2x2 windows",
            Explanation = "The stem's pooling has a window of 2x2 instead of 3x3.",
            Fix = "Pool by 3x3 windows with stride 2 and padding 1.",
            References = ["B8"],
            Kinds = [StepKinds.StemPool],
            Evaluate = (a, x) =>
            {
                TensorShape s = x["x"].Shape;
                return a.MaxPool2d(a.Pad2d(a.Relu(x["x"]), 0, s[2] % 2, 0, s[3] % 2, 0), 2, 2, 0);
            },
        },
        new()
        {
            Name = "stem pooled by averages",
            Explanation = "The stem is pooled by averages instead of maxima.",
            Fix = "Use max pooling.",
            References = ["B8"],
            Kinds = [StepKinds.StemPool],
            Evaluate = (a, x) =>
            {
                Quantity input = a.Relu(x["x"]);
                int channels = input.Shape[1];
                return a.Conv2d(input, ByHand.Constant(a, [channels, 1, 3, 3], 1.0 / 9), null, new Conv2dWindow(2, 1, 1, channels));
            },
        },
        new()
        {
            Name = "residual without ReLU",
            Explanation = "The ReLU after the residual addition is missing.",
            Fix = "Apply a ReLU to the sum.",
            References = ["B8"],
            Kinds = [StepKinds.Residual],
            Evaluate = (a, x) => a.Add(x["x"], x["identity"]),
        },
        new()
        {
            Name = "shortcut missing",
            Explanation = "The shortcut is not added to the residual block's branch.",
            Fix = "Add the block's input, or its downsampled form, before the last ReLU.",
            References = ["B8"],
            Kinds = [StepKinds.Residual],
            Evaluate = (a, x) => a.Relu(x["x"]),
        },
        new()
        {
            Name = "ReLU on the branch and not on the sum",
            Explanation = "The ReLU is applied to the branch before the addition and not to the sum.",
            Fix = "Add branch and shortcut first and apply the ReLU to the sum.",
            References = ["B8"],
            Kinds = [StepKinds.Residual],
            Evaluate = (a, x) => a.Add(a.Relu(x["x"]), x["identity"]),
        },
        new()
        {
            Name = "ReLU on the branch and on the sum",
            Explanation = "The ReLU is applied to the branch before the addition and to the sum again.",
            Fix = "Add branch and shortcut first and apply the only ReLU to the sum.",
            References = ["B8"],
            Kinds = [StepKinds.Residual],
            Evaluate = (a, x) => a.Relu(a.Add(a.Relu(x["x"]), x["identity"])),
        },
        new()
        {
            Name = "ReLU on the shortcut",
            Explanation = "The downsampled shortcut goes through a ReLU before the addition.",
            Fix = "Add the shortcut's norm as it is.",
            References = ["B8"],
            Kinds = [StepKinds.Residual],
            Applies = x => Named(x, "identity") != Named(x, "input"),
            Evaluate = (a, x) => a.Relu(a.Add(x["x"], a.Relu(x["identity"]))),
        },
        new()
        {
            Name = "shortcut without its convolution",
            Explanation = "The shortcut is the block's input, subsampled and filled up with zero channels, without a convolution.",
            Fix = "Apply downsample.0 and downsample.1 to the shortcut.",
            References = ["B8"],
            Kinds = [StepKinds.Residual],
            Applies = x => Named(x, "identity") != Named(x, "input") && x["input"].Shape[1] <= x["x"].Shape[1],
            Evaluate = (a, x) => a.Relu(a.Add(x["x"], Subsampled(a, x["input"], x["x"].Shape))),
        },
        new()
        {
            Name = "group norm with epsilon 1e-6",
            Explanation = "The group norm adds 1e-6 to the variance, flax's default, instead of 1e-5.",
            Fix = "Set epsilon to 1e-5.",
            References = ["B4"],
            Kinds = [StepKinds.GroupNorm],
            Evaluate = (a, x) => Grouped(a, x, Groups, 1e-6),
        },
        new()
        {
            Name = "group norm with epsilon 1e-3",
            Explanation = "The group norm adds 1e-3 to the variance, Keras's default, instead of 1e-5.",
            Fix = "Set epsilon to 1e-5.",
            References = ["B4"],
            Kinds = [StepKinds.GroupNorm],
            Evaluate = (a, x) => Grouped(a, x, Groups, 1e-3),
        },
        new()
        {
            Name = "group norm with one group",
            Explanation = "The group norm puts all channels into one group.",
            Fix = "Use 32 groups.",
            References = ["B5"],
            Kinds = [StepKinds.GroupNorm],
            Evaluate = (a, x) => Grouped(a, x, 1),
        },
        new()
        {
            Name = "group norm with groups of 32 channels",
            Explanation = "The group norm makes groups of 32 channels instead of 32 groups.",
            Fix = "Use 32 groups of C / 32 channels each.",
            References = ["B5"],
            Kinds = [StepKinds.GroupNorm],
            Applies = x => x["x"].Shape[1] / Groups is not (1 or 16 or Groups),
            Evaluate = (a, x) => Grouped(a, x, x["x"].Shape[1] / Groups),
        },
        new()
        {
            Name = "group norm with 16 groups",
            Explanation = "The group norm has 16 groups instead of 32.",
            Fix = "Use 32 groups.",
            References = ["B5"],
            Kinds = [StepKinds.GroupNorm],
            Evaluate = (a, x) => Grouped(a, x, 16),
        },
        new()
        {
            Name = "instance norm in place of group norm",
            Explanation = "Every channel is normalised by itself, an instance norm.",
            Fix = "Use 32 groups of C / 32 channels each.",
            References = ["B5"],
            Kinds = [StepKinds.GroupNorm],
            Applies = x => x["x"].Shape[1] > Groups,
            Evaluate = (a, x) => Grouped(a, x, x["x"].Shape[1]),
        },
        new()
        {
            Name = "layer norm in place of group norm",
            Explanation = "The channels of every cell are normalised by themselves, a layer norm.",
            Fix = "Use a group norm of 32 groups over channels and cells.",
            References = ["B5"],
            Kinds = [StepKinds.GroupNorm],
            Evaluate = (a, x) => a.Permute(
                a.LayerNorm(a.Permute(x["x"], 0, 2, 3, 1), x.Weight("weight"), x.Weight("bias")), 0, 3, 1, 2),
        },
        new()
        {
            Name = "batch norm in place of group norm",
            Explanation = "Every channel is normalised over the whole batch, a batch norm.",
            Fix = "Use a group norm of 32 groups, picture by picture.",
            References = ["B5"],
            Kinds = [StepKinds.GroupNorm],
            Applies = x => x["x"].Shape[0] > 1,
            Evaluate = (a, x) =>
            {
                TensorShape s = x["x"].Shape;
                Quantity channels = a.Reshape(a.Permute(x["x"], 1, 0, 2, 3), [1, s[1], s[0] * s[2], s[3]]);
                Quantity normed = a.GroupNorm(channels, s[1], x.Weight("weight"), x.Weight("bias"));
                return a.Permute(a.Reshape(normed, [s[1], s[0], s[2], s[3]]), 1, 0, 2, 3);
            },
        },
        new()
        {
            Name = "group norm with the sample variance",
            Explanation = "The group norm divides the squares by n - 1 instead of n.",
            Fix = "Use the population variance.",
            References = ["B4"],
            Kinds = [StepKinds.GroupNorm],
            Applies = x => GroupSize(x) > 1,
            Evaluate = (a, x) =>
            {
                double factor = GroupSize(x) / (GroupSize(x) - 1);
                Quantity weight = a.Apply(x.Weight("weight"), w => w / Math.Sqrt(factor));
                return a.GroupNorm(x["x"], Groups, weight, x.Weight("bias"), 1e-5 / factor);
            },
        },
        new()
        {
            Name = "group norm with interleaved groups",
            Explanation = "Channel c belongs to group c modulo 32 instead of to group c / (C / 32).",
            Fix = "Make groups of neighbouring channels.",
            References = ["B5"],
            Kinds = [StepKinds.GroupNorm],
            Applies = x => x["x"].Shape[1] > Groups,
            Evaluate = (a, x) =>
            {
                int channels = x["x"].Shape[1];
                int size = channels / Groups;
                int[] there = [.. Enumerable.Range(0, channels).Select(c => (c % size * Groups) + (c / size))];
                int[] back = [.. Enumerable.Range(0, channels).Select(c => (c % Groups * size) + (c / Groups))];
                return a.Pick(
                    a.GroupNorm(
                        a.Pick(x["x"], 1, there), Groups, a.Pick(x.Weight("weight"), 0, there), a.Pick(x.Weight("bias"), 0, there)),
                    1, back);
            },
        },
        new()
        {
            Name = "group norm left out",
            Explanation = "The group norm is skipped.",
            Fix = "Apply the group norm after every projection's convolution, in the single-scale model too.",
            References = ["B7", "B5"],
            Kinds = [StepKinds.GroupNorm],
            Evaluate = (_, x) => x["x"],
        },
        new()
        {
            Name = "ReLU after the group norm",
            Explanation = "The projection ends in a ReLU.",
            Fix = "Leave out the activation after the group norm.",
            References = ["B5"],
            Kinds = [StepKinds.GroupNorm],
            Evaluate = (a, x) => a.Relu(Right(a, x)),
        },
    ];

    private static Quantity Right(Algebra a, StepInputs x) => x.Step.Kind.Evaluate(a, x);

    private static string Named(StepInputs x, string role) => x.Step.All.First(input => input.Key == role).Value;

    private static Quantity Active(Algebra a, StepInputs x) => StepKinds.Active(a, x, x["x"]);

    private static Quantity Convolved(Algebra a, StepInputs x, Quantity input, Quantity weight, Conv2dWindow window) =>
        a.Conv2d(input, weight, x.WeightOrNull("bias"), window);

    private static int Kernel(StepInputs x) => x.Weight("weight").Shape[2];

    private static int Reach(StepInputs x) => (x.Options.Window.Dilation * (Kernel(x) - 1)) + 1;

    private static (int Before, int After) Window(StepInputs x) => (x.Options.Window.Padding, x.Options.Window.Padding);

    // TensorFlow's SAME: as much as the output needs, the odd pixel at the end.
    private static (int Before, int After) Same(StepInputs x, int axis)
    {
        int size = x["x"].Shape[axis];
        int stride = x.Options.Window.Stride;
        int total = Math.Max(((((size + stride - 1) / stride) - 1) * stride) + Reach(x) - size, 0);
        return (total / 2, total - (total / 2));
    }

    private static Quantity Framed(Algebra a, StepInputs x, Func<int, int, int> source)
    {
        int padding = x.Options.Window.Padding;
        Quantity input = Active(a, x);
        return Convolved(
            a, x, a.Pick(a.Pick(input, 2, Indices(2)), 3, Indices(3)), x.Weight("weight"), x.Options.Window with { Padding = 0 });

        int[] Indices(int axis)
        {
            int size = input.Shape[axis];
            return [.. Enumerable.Range(-padding, size + (2 * padding)).Select(index => source(index, size))];
        }
    }

    private static int[] Even(StepInputs x, int axis) =>
        [.. Enumerable.Range(0, (x["x"].Shape[axis] + 1) / 2).Select(index => 2 * index)];

    private static int[] Odd(StepInputs x, int axis)
    {
        int size = x["x"].Shape[axis];
        return [.. Enumerable.Range(0, (size + 1) / 2).Select(index => Math.Min((2 * index) + 1, size - 1))];
    }

    private static Quantity BatchNorm(Algebra a, StepInputs x, double epsilon) => a.FrozenBatchNorm(
        x["x"], x.Weight("weight"), x.Weight("bias"), x.Weight("running_mean"), x.Weight("running_var"), epsilon);

    private static Quantity BatchStatistics(Algebra a, StepInputs x)
    {
        TensorShape s = x["x"].Shape;
        int count = s[0] * s[2] * s[3];
        Quantity flat = a.Reshape(a.Permute(x["x"], 1, 0, 2, 3), [s[1], count]);
        Quantity share = ByHand.Constant(a, [1, count], 1.0 / count);
        Quantity mean = a.Linear(flat, share, null);
        Quantity from = a.Subtract(flat, mean);
        Quantity variance = a.Linear(a.Multiply(from, from), share, null);
        return BatchNorm(
            a,
            x.WithWeight("running_mean", a.Reshape(mean, [s[1]])).WithWeight("running_var", a.Reshape(variance, [s[1]])), 1e-5);
    }

    private static Quantity Subsampled(Algebra a, Quantity input, TensorShape shape)
    {
        int stride = (input.Shape[2] + shape[2] - 1) / shape[2];
        Quantity cells = a.Pick(
            a.Pick(input, 2, [.. Enumerable.Range(0, shape[2]).Select(row => row * stride)]), 3,
            [.. Enumerable.Range(0, shape[3]).Select(column => column * stride)]);
        int missing = shape[1] - input.Shape[1];
        return missing == 0 ? cells : a.Concat([cells, ByHand.Zeros(a, [shape[0], missing, shape[2], shape[3]])], 1);
    }

    private static Quantity Grouped(Algebra a, StepInputs x, int groups, double epsilon = 1e-5) =>
        a.GroupNorm(x["x"], groups, x.Weight("weight"), x.Weight("bias"), epsilon);

    private static double GroupSize(StepInputs x) => x["x"].Shape[1] / Groups * x["x"].Shape[2] * x["x"].Shape[3];
}
