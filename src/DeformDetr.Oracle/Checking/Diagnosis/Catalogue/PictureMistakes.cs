using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Oracle;

// Group A: resizing, normalisation, padding and masks.
internal static class PictureMistakes
{
    private static readonly double[] Mean = [0.485, 0.456, 0.406];
    private static readonly double[] Std = [0.229, 0.224, 0.225];

    private delegate (int First, double[] Weights) Taps(int inputs, int outputs, int output);

    public static IReadOnlyList<Mistake> All { get; } =
    [
        new()
        {
            Name = "resize without antialiasing",
            Explanation = "The picture is shrunk by two-tap bilinear interpolation, without antialiasing.",
            Fix = "Widen the triangle with the scale, as PIL's BILINEAR does.",
            References =
            [
                "A1", "roboflow/rf-detr#1269", "roboflow/rf-detr#1203", "roboflow/inference#2298", "roboflow/inference#2067",
            ],
            Kinds = [StepKinds.Resize],
            Applies = Shrinks,
            Evaluate = (a, x) => Resampled(a, x, (inputs, outputs, output) =>
                TwoTaps(inputs, ((output + 0.5) * inputs / outputs) - 0.5)),
        },
        new()
        {
            Name = "resize with aligned corners",
            Explanation = "The picture is resized by bilinear interpolation with aligned corners.",
            Fix = "Place pixel centres at (x + 0.5) times the scale and antialias, as PIL's BILINEAR does.",
            References = ["A1", "roboflow/rf-detr#1269"],
            Kinds = [StepKinds.Resize],
            Applies = Resizes,
            Evaluate = (a, x) => Resampled(a, x, (inputs, outputs, output) =>
                TwoTaps(inputs, outputs > 1 ? (double)output * (inputs - 1) / (outputs - 1) : 0)),
        },
        new()
        {
            Name = "resize without half-pixel centres",
            Explanation = "The picture is resized by bilinear interpolation at x times the scale, without the half pixel.",
            Fix = "Place pixel centres at (x + 0.5) times the scale and antialias, as PIL's BILINEAR does.",
            References = ["A1", "roboflow/inference#2067"],
            Kinds = [StepKinds.Resize],
            Applies = Resizes,
            Evaluate = (a, x) => Resampled(a, x, (inputs, outputs, output) => TwoTaps(inputs, (double)output * inputs / outputs)),
        },
        new()
        {
            Name = "resize by nearest neighbour",
            Explanation = "The picture is resized by taking the pixel at floor(x times the scale).",
            Fix = "Resize with antialiased bilinear interpolation, as PIL's BILINEAR does.",
            References = ["A1"],
            Kinds = [StepKinds.Resize],
            Applies = Resizes,
            Evaluate = (a, x) => Resampled(a, x, (inputs, outputs, output) => ((int)((long)output * inputs / outputs), [1.0])),
        },
        new()
        {
            Name = "resize by nearest neighbour, half-pixel",
            Explanation = "The picture is resized by taking the pixel at floor((x + 0.5) times the scale), PIL's NEAREST.",
            Fix = "Resize with antialiased bilinear interpolation, as PIL's BILINEAR does.",
            References = ["A1"],
            Kinds = [StepKinds.Resize],
            Applies = Resizes,
            Evaluate = (a, x) => Resampled(a, x, (inputs, outputs, output) =>
                (Math.Min((int)((output + 0.5) * inputs / outputs), inputs - 1), [1.0])),
        },
        new()
        {
            Name = "resize by averaging areas",
            Explanation = "The picture is resized by averaging the area under each pixel, PIL's BOX or OpenCV's INTER_AREA.",
            Fix = "Resize with antialiased bilinear interpolation, as PIL's BILINEAR does.",
            References = ["A1", "roboflow/inference#2298"],
            Kinds = [StepKinds.Resize],
            Applies = Resizes,
            Evaluate = (a, x) => Resampled(a, x, Filter(0.5, distance => distance is > -0.5 and <= 0.5 ? 1 : 0), roundsBetween: true),
        },
        new()
        {
            Name = "resize by bicubic interpolation",
            Explanation = "The picture is resized by antialiased bicubic interpolation, the default of PIL's resize.",
            Fix = "Pass BILINEAR to the resize.",
            References = ["A1"],
            Kinds = [StepKinds.Resize],
            Applies = Resizes,
            Evaluate = (a, x) => Resampled(a, x, Filter(2, Cubic), roundsBetween: true),
        },
        new()
        {
            Name = "resize by Lanczos interpolation",
            Explanation = "The picture is resized by Lanczos interpolation, PIL's LANCZOS or ANTIALIAS.",
            Fix = "Pass BILINEAR to the resize.",
            References = ["A1"],
            Kinds = [StepKinds.Resize],
            Applies = Resizes,
            Evaluate = (a, x) => Resampled(a, x, Filter(3, Lanczos), roundsBetween: true),
        },
        new()
        {
            Name = "resized bytes cut off",
            Explanation = "The resized pixels are cut off to bytes instead of rounded.",
            Fix = "Add a half before the fraction of a pixel is dropped.",
            References = ["A1"],
            Kinds = [StepKinds.Resize],
            Applies = Resizes,
            Evaluate = (a, x) => Resampled(
                a, x, Filter(1, distance => Math.Max(0, 1 - Math.Abs(distance))), roundsBetween: true, half: 0),
        },
        new()
        {
            Name = "resized picture in BGR order",
            Explanation = "The picture's channels are blue, green, red instead of red, green, blue.",
            Fix = "Reverse the channels after decoding.",
            References = ["A4", "roboflow/inference#2828", "open-mmlab/mmdetection#9111"],
            Kinds = [StepKinds.Resize],
            Evaluate = (a, x) =>
            {
                Tensor<byte> picture = ((Tensor<byte>)StepKinds.Resize.Evaluate(a, x).Tensor).Clone();
                for (int pixel = 0; pixel < picture.Length; pixel += 3)
                {
                    picture.AsSpan().Slice(pixel, 3).Reverse();
                }

                return a.Given(picture);
            },
        },
        new()
        {
            Name = "picture and statistics in BGR order",
            Explanation = "The normalised channels stand in the order blue, green, red.",
            Fix = "Feed the model red, green, blue.",
            References = ["A4", "roboflow/inference#2828", "open-mmlab/mmdetection#9111"],
            Kinds = [StepKinds.Normalize],
            Evaluate = (a, x) => a.Pick(StepKinds.Normalize.Evaluate(a, x), 1, 2, 1, 0),
        },
        new()
        {
            Name = "BGR picture with RGB statistics",
            Explanation = "The channels are blue, green, red and are normalised by the statistics of red, green, blue.",
            Fix = "Reverse the picture's channels before the normalisation.",
            References = ["A4", "roboflow/inference#2828", "open-mmlab/mmdetection#9111"],
            Kinds = [StepKinds.Normalize],
            Evaluate = (a, x) => Normalized(a, x, (pixel, c) => Usual(pixel, c), c => 2 - c),
        },
        new()
        {
            Name = "statistics in BGR order",
            Explanation = "Mean and deviation of blue are applied to red and those of red to blue.",
            Fix = "Use mean (0.485, 0.456, 0.406) and deviation (0.229, 0.224, 0.225) for red, green, blue.",
            References = ["A4", "roboflow/inference#2828"],
            Kinds = [StepKinds.Normalize],
            Evaluate = (a, x) => Normalized(a, x, (pixel, c) => Usual(pixel, 2 - c)),
        },
        new()
        {
            Name = "mean and deviation exchanged",
            Explanation = "The deviation is subtracted and the mean is divided by.",
            Fix = "Subtract the mean and then divide by the deviation.",
            References = ["A4", "A5"],
            Kinds = [StepKinds.Normalize],
            Evaluate = (a, x) => Normalized(a, x, (pixel, c) => ((pixel / 255) - Std[c]) / Mean[c]),
        },
        new()
        {
            Name = "normalisation missing",
            Explanation = "The pixels are only scaled to [0, 1], without mean and deviation.",
            Fix = "Subtract ImageNet's mean and divide by its deviation.",
            References = ["A5", "lyuwenyu/RT-DETR#289"],
            Kinds = [StepKinds.Normalize],
            Evaluate = (a, x) => Normalized(a, x, (pixel, _) => pixel / 255),
        },
        new()
        {
            Name = "pixels left as bytes",
            Explanation = "The pixels go into the model as numbers from 0 to 255.",
            Fix = "Divide by 255, subtract ImageNet's mean and divide by its deviation.",
            References = ["A5", "lyuwenyu/RT-DETR#289"],
            Kinds = [StepKinds.Normalize],
            Evaluate = (a, x) => Normalized(a, x, (pixel, _) => pixel),
        },
        new()
        {
            Name = "division by 255 missing",
            Explanation = "Mean and deviation are applied to numbers from 0 to 255.",
            Fix = "Divide the pixels by 255 before the mean is subtracted.",
            References = ["A5"],
            Kinds = [StepKinds.Normalize],
            Evaluate = (a, x) => Normalized(a, x, (pixel, c) => (pixel - Mean[c]) / Std[c]),
        },
        new()
        {
            Name = "division by 256",
            Explanation = "The pixels are divided by 256 instead of 255 before the normalisation.",
            Fix = "Divide by 255, so that the brightest byte becomes 1.",
            References = ["A5"],
            Kinds = [StepKinds.Normalize],
            Evaluate = (a, x) => Normalized(a, x, (pixel, c) => Usual(pixel * 255 / 256, c)),
        },
        new()
        {
            Name = "normalised twice",
            Explanation = "Mean and deviation are applied twice.",
            Fix = "Normalise once, either before the model or inside it.",
            References = ["A5", "NVlabs/RADIO#96"],
            Kinds = [StepKinds.Normalize],
            Evaluate = (a, x) => Normalized(a, x, (pixel, c) => (Usual(pixel, c) - Mean[c]) / Std[c]),
        },
        new()
        {
            Name = "normalised to [-1, 1]",
            Explanation = "The pixels are mapped to [-1, 1], by mean and deviation 0.5.",
            Fix = "Use ImageNet's mean and deviation.",
            References = ["A5"],
            Kinds = [StepKinds.Normalize],
            Evaluate = (a, x) => Normalized(a, x, (pixel, _) => ((pixel / 255) - 0.5) / 0.5),
        },
        new()
        {
            Name = "mean not subtracted",
            Explanation = "The pixels are divided by the deviation but the mean is not subtracted.",
            Fix = "Subtract ImageNet's mean before the division.",
            References = ["A5"],
            Kinds = [StepKinds.Normalize],
            Evaluate = (a, x) => Normalized(a, x, (pixel, c) => pixel / 255 / Std[c]),
        },
        new()
        {
            Name = "deviation not divided by",
            Explanation = "The mean is subtracted from the pixels but they are not divided by the deviation.",
            Fix = "Divide by ImageNet's deviation after the mean is subtracted.",
            References = ["A5"],
            Kinds = [StepKinds.Normalize],
            Evaluate = (a, x) => Normalized(a, x, (pixel, c) => (pixel / 255) - Mean[c]),
        },
        new()
        {
            Name = "Caffe's preprocessing",
            Explanation = "The channels are blue, green, red from 0 to 255 with only the mean subtracted, as Caffe's models want it.",
            Fix = "Feed the model red, green, blue, divided by 255 and by the deviation.",
            References = ["A4", "A5", "open-mmlab/mmdetection#9111"],
            Kinds = [StepKinds.Normalize],
            Evaluate = (a, x) => Normalized(a, x, (pixel, c) => pixel - (255 * Mean[2 - c]), c => 2 - c),
        },
        new()
        {
            Name = "padded before normalising",
            Explanation = "The padding is added before the normalisation and so holds -mean/deviation instead of 0.",
            Fix = "Normalise each picture first and then pad with zeros.",
            References = ["A6", "NVIDIA/TensorRT-Model-Connect#1181"],
            Kinds = [StepKinds.Normalize],
            Evaluate = (a, x) => Normalized(a, x, (pixel, c) => Usual(pixel, c), padding: c => Usual(0, c)),
        },
        new()
        {
            Name = "picture centred in the padding",
            Explanation = "The picture is put in the middle of the padded batch, a letterbox.",
            Fix = "Put the picture at the top left and pad at the bottom and the right.",
            References = ["A2", "hpc203/GroundingDINO-onnxrun#1", "hamdiboukamcha/RF-DETR-CPP-TENSORRT#3"],
            Kinds = [StepKinds.Normalize],
            Evaluate = (a, x) => Normalized(a, x, (pixel, c) => Usual(pixel, c), centred: true),
        },
        new()
        {
            Name = "pixels reshaped to channels first",
            Explanation = "The picture [h, w, 3] is reshaped to [3, h, w] and not transposed.",
            Fix = "Permute the channels to the front instead of reshaping.",
            References = ["H11"],
            Kinds = [StepKinds.Normalize],
            Evaluate = (a, x) => Normalized(a, x, (pixel, c) => Usual(pixel, c), reshaped: true),
        },
        new()
        {
            Name = "mask true on the picture",
            Explanation = "The mask is true where there is picture instead of where there is padding.",
            Fix = "Negate the mask, true is padding.",
            References = ["A7", "huggingface/transformers#20958"],
            Kinds = [StepKinds.PaddingMask, StepKinds.MaskResize, StepKinds.FlattenMasks],
            Evaluate = (a, x) => ByHand.Opposite(a, x.Step.Kind.Evaluate(a, x)),
        },
        new()
        {
            Name = "mask empty",
            Explanation = "The mask is false everywhere, the padding is taken for picture.",
            Fix = "Set the mask to true where the batch holds padding, at inference too.",
            References = ["A8", "IDEA-Research/detrex#134", "microsoft/FocalNet#47"],
            Kinds = [StepKinds.PaddingMask, StepKinds.MaskResize, StepKinds.FlattenMasks],
            Evaluate = (a, x) => ByHand.NoMask(a, x.Step.Kind.Evaluate(a, x).Shape),
        },
        new()
        {
            Name = "mask one pixel too large",
            Explanation = "The last row and the last column of every picture are masked too.",
            Fix = "Clear the mask on rows 0 to h - 1 and columns 0 to w - 1, both included.",
            References = ["A9", "IDEA-Research/detrex#134"],
            Kinds = [StepKinds.PaddingMask],
            Evaluate = (a, x) => Rectangles(a, x, (i, j, h, w) => i >= h - 1 || j >= w - 1),
        },
        new()
        {
            Name = "mask with height and width exchanged",
            Explanation = "The mask is cleared on w rows and h columns.",
            Fix = "Clear the mask on h rows and w columns.",
            References = ["A9", "C12"],
            Kinds = [StepKinds.PaddingMask],
            Evaluate = (a, x) => Rectangles(a, x, (i, j, h, w) => i >= w || j >= h),
        },
        new()
        {
            Name = "mask resized at half-pixel centres",
            Explanation = "The mask is resized by the pixel at floor((j + 0.5) times the scale).",
            Fix = "Take the pixel at floor(j times the scale), PyTorch's nearest.",
            References =
            [
                "A10", "onnx/onnx#3816", "microsoft/onnxruntime#28085", "pytorch/pytorch#34808", "apple/coremltools#1754",
                "iree-org/iree#24264",
            ],
            Kinds = [StepKinds.MaskResize],
            Evaluate = (a, x) => Nearest(a, x, (index, from, to) => (int)((((2L * index) + 1) * from) / (2L * to))),
        },
        new()
        {
            Name = "mask resized with rounding",
            Explanation = "The mask is resized by the pixel at round(j times the scale).",
            Fix = "Take the pixel at floor(j times the scale), PyTorch's nearest.",
            References = ["A10", "onnx/onnx#3816", "microsoft/onnxruntime#28085"],
            Kinds = [StepKinds.MaskResize],
            Evaluate = (a, x) => Nearest(a, x, (index, from, to) => (int)(((2L * index * from) + to) / (2L * to))),
        },
        new()
        {
            Name = "mask resized with rounding up",
            Explanation = "The mask is resized by the pixel at ceil(j times the scale).",
            Fix = "Take the pixel at floor(j times the scale), PyTorch's nearest.",
            References = ["A10", "onnx/onnx#3816"],
            Kinds = [StepKinds.MaskResize],
            Evaluate = (a, x) => Nearest(a, x, (index, from, to) => (int)((((long)index * from) + to - 1) / to)),
        },
        new()
        {
            Name = "mask resized with aligned corners",
            Explanation = "The mask is resized so that its first and last pixels stay first and last.",
            Fix = "Take the pixel at floor(j times the scale), PyTorch's nearest.",
            References = ["A10", "iree-org/iree#24264"],
            Kinds = [StepKinds.MaskResize],
            Evaluate = (a, x) => Nearest(a, x, (index, from, to) =>
                to > 1 ? (int)Math.Round((double)index * (from - 1) / (to - 1), MidpointRounding.AwayFromZero) : 0),
        },
        new()
        {
            Name = "mask taken at every stride",
            Explanation = "The mask is read at whole multiples of the stride instead of at multiples of the ratio of the sizes.",
            Fix = "Take the pixel at floor(j H / H_l), where the sizes need not divide.",
            References = ["A10"],
            Kinds = [StepKinds.MaskResize],
            Applies = x => Stride(x) > 1,
            Evaluate = (a, x) =>
            {
                int stride = Stride(x);
                return Nearest(a, x, (index, _, _) => index * stride);
            },
        },
        new()
        {
            Name = "mask cell padded by any pixel",
            Explanation = "A cell of the level's mask is padding if any of its pixels is.",
            Fix = "Take the one pixel at floor(j times the scale), PyTorch's nearest.",
            References = ["A10"],
            Kinds = [StepKinds.MaskResize],
            Evaluate = (a, x) => AnyPixel(a, x),
        },
        new()
        {
            Name = "mask from the previous level",
            Explanation = "The extra level's mask is resized from the previous level's mask.",
            Fix = "Resize the full-resolution mask for every level.",
            References = ["A11"],
            Kinds = [StepKinds.MaskResize],
            Applies = x => x.Has("previous"),
            Evaluate = (a, x) => StepKinds.MaskResize.Evaluate(a, x.With("mask", x["previous"])),
        },
    ];

    private static double Usual(double pixel, int channel) => ((pixel / 255) - Mean[channel]) / Std[channel];

    private static (int Height, int Width) Size(StepInputs x)
    {
        TensorShape decoded = x["decoded"].Shape;
        PreprocessOptions preprocess = x.Pictures!.Preprocess;
        return PictureSize.Resized(decoded[0], decoded[1], preprocess.Shortest, preprocess.Longest);
    }

    private static bool Resizes(StepInputs x) =>
        x.Pictures is not null && Size(x) != (x["decoded"].Shape[0], x["decoded"].Shape[1]);

    private static bool Shrinks(StepInputs x) =>
        x.Pictures is not null && Size(x) is (int height, int width)
        && (height < x["decoded"].Shape[0] || width < x["decoded"].Shape[1]);

    private static (int First, double[] Weights) TwoTaps(int inputs, double place)
    {
        double inside = Math.Clamp(place, 0, inputs - 1);
        int first = (int)inside;
        return first == inputs - 1 ? (first, [1.0]) : (first, [1 - (inside - first), inside - first]);
    }

    // A filter that widens with the scale, as PIL's do.
    private static Taps Filter(double support, Func<double, double> filter) => (inputs, outputs, output) =>
    {
        double scale = (double)inputs / outputs;
        double wide = Math.Max(scale, 1);
        double center = (output + 0.5) * scale;
        int first = Math.Max((int)(center - (support * wide) + 0.5), 0);
        int end = Math.Min((int)(center + (support * wide) + 0.5), inputs);
        double[] weights = new double[end - first];
        double sum = 0;
        for (int tap = 0; tap < weights.Length; tap++)
        {
            sum += weights[tap] = filter((first + tap - center + 0.5) / wide);
        }

        for (int tap = 0; tap < weights.Length; tap++)
        {
            weights[tap] /= sum;
        }

        return (first, weights);
    };

    private static double Cubic(double distance)
    {
        const double A = -0.5;
        double d = Math.Abs(distance);
        return d < 1 ? (((A + 2) * d * d * d) - ((A + 3) * d * d)) + 1
            : d < 2 ? ((((d - 5) * d) + 8) * d - 4) * A
            : 0;
    }

    private static double Lanczos(double distance)
    {
        return Math.Abs(distance) < 3 ? Sinc(distance) * Sinc(distance / 3) : 0;

        static double Sinc(double place) => place == 0 ? 1 : Elementary.Sin(Math.PI * place) / (Math.PI * place);
    }

    // Along rows and then along columns, to bytes at the end; PIL rounds to bytes in between as well.
    private static Quantity Resampled(Algebra a, StepInputs x, Taps taps, bool roundsBetween = false, double half = 0.5)
    {
        Tensor<double> decoded = ByHand.Values(x["decoded"]);
        (int rows, int columns) = (decoded.Shape[0], decoded.Shape[1]);
        (int height, int width) = Size(x);
        double[] between = new double[rows * width * 3];
        for (int column = 0; column < width; column++)
        {
            (int first, double[] weights) = taps(columns, width, column);
            for (int row = 0; row < rows; row++)
            {
                for (int c = 0; c < 3; c++)
                {
                    double sum = 0;
                    for (int tap = 0; tap < weights.Length; tap++)
                    {
                        sum += weights[tap] * decoded.AsReadOnlySpan()[(((row * columns) + first + tap) * 3) + c];
                    }

                    between[(((row * width) + column) * 3) + c] = roundsBetween ? Byte(sum) : sum;
                }
            }
        }

        Tensor<byte> result = new([height, width, 3]);
        for (int row = 0; row < height; row++)
        {
            (int first, double[] weights) = taps(rows, height, row);
            for (int place = 0; place < width * 3; place++)
            {
                double sum = 0;
                for (int tap = 0; tap < weights.Length; tap++)
                {
                    sum += weights[tap] * between[((first + tap) * width * 3) + place];
                }

                result.AsSpan()[(row * width * 3) + place] = Byte(sum);
            }
        }

        return a.Given(result);

        // Weights that add up to 1 only nearly must not make 254.999… of 255.
        byte Byte(double sum) => (byte)Math.Clamp(Math.Floor(sum + half + 1e-9), 0, 255);
    }

    private static Quantity Normalized(
        Algebra a, StepInputs x, Func<double, int, double> value, Func<int, int>? channel = null, Func<int, double>? padding = null,
        bool centred = false, bool reshaped = false)
    {
        IReadOnlyList<Quantity> pictures = x.List("resized");
        int height = pictures.Max(picture => picture.Shape[0]);
        int width = pictures.Max(picture => picture.Shape[1]);
        Tensor<double> samples = new([pictures.Count, 3, height, width]);
        Span<double> target = samples.AsSpan();
        for (int n = 0; n < pictures.Count; n++)
        {
            Tensor<double> pixels = ByHand.Values(pictures[n]);
            (int rows, int columns) = (pixels.Shape[0], pixels.Shape[1]);
            int top = centred ? (height - rows) / 2 : 0;
            int left = centred ? (width - columns) / 2 : 0;
            for (int c = 0; c < 3; c++)
            {
                Span<double> map = target.Slice(((n * 3) + c) * height * width, height * width);
                map.Fill(padding?.Invoke(c) ?? 0);
                int source = channel?.Invoke(c) ?? c;
                for (int row = 0; row < rows; row++)
                {
                    for (int column = 0; column < columns; column++)
                    {
                        int from = reshaped
                            ? (((c * rows) + row) * columns) + column
                            : (((row * columns) + column) * 3) + source;
                        map[((top + row) * width) + left + column] = value(pixels.AsReadOnlySpan()[from], c);
                    }
                }
            }
        }

        return a.Given(samples);
    }

    private static Quantity Rectangles(Algebra a, StepInputs x, Func<int, int, int, int, bool> padded)
    {
        IReadOnlyList<Quantity> pictures = x.List("resized");
        return ByHand.Mask(
            a, [pictures.Count, pictures.Max(picture => picture.Shape[0]), pictures.Max(picture => picture.Shape[1])],
            (n, i, j) => padded(i, j, pictures[n].Shape[0], pictures[n].Shape[1]));
    }

    private static Quantity Nearest(Algebra a, StepInputs x, Func<int, int, int, int> source)
    {
        Tensor<bool> mask = x["mask"].Mask;
        (int height, int width) = (x["map"].Shape[2], x["map"].Shape[3]);
        return ByHand.Mask(a, [mask.Shape[0], height, width], (n, i, j) => mask[
            n,
            Math.Min(source(i, mask.Shape[1], height), mask.Shape[1] - 1),
            Math.Min(source(j, mask.Shape[2], width), mask.Shape[2] - 1)]);
    }

    // The power of two that leads from the mask's size to the map's; 0 for none.
    private static int Stride(StepInputs x)
    {
        TensorShape mask = x["mask"].Shape;
        for (int stride = 2; stride <= 1024; stride *= 2)
        {
            if ((mask[1] + stride - 1) / stride == x["map"].Shape[2] && (mask[2] + stride - 1) / stride == x["map"].Shape[3])
            {
                return stride;
            }
        }

        return 0;
    }

    // Padding lies at the bottom and the right: that all pixels of a cell are padding says no more than that its first one is, and that
    // is the right mask.
    private static Quantity AnyPixel(Algebra a, StepInputs x)
    {
        Tensor<bool> mask = x["mask"].Mask;
        (int height, int width) = (x["map"].Shape[2], x["map"].Shape[3]);
        return ByHand.Mask(a, [mask.Shape[0], height, width], (n, i, j) =>
        {
            (int top, int bottom) = Window(i, mask.Shape[1], height);
            (int left, int right) = Window(j, mask.Shape[2], width);
            for (int row = top; row < bottom; row++)
            {
                if (mask.AsReadOnlySpan().Slice((((n * mask.Shape[1]) + row) * mask.Shape[2]) + left, right - left).Contains(true))
                {
                    return true;
                }
            }

            return false;
        });

        static (int First, int End) Window(int index, int from, int to) =>
            ((int)((long)index * from / to), (int)((((index + 1L) * from) + to - 1) / to));
    }
}
