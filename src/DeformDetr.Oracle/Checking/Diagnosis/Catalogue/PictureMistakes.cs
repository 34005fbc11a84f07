using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;
using static DeformDetr.Oracle.MistakeForms;

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
        Resized(
            "resize with aligned corners", "The picture is resized by bilinear interpolation with aligned corners.",
            "Place pixel centres at (x + 0.5) times the scale and antialias, as PIL's BILINEAR does.", ["A1", "roboflow/rf-detr#1269"],
            (inputs, outputs, output) =>
                TwoTaps(inputs, outputs > 1 ? (double)output * (inputs - 1) / (outputs - 1) : 0)),
        Resized(
            "resize without half-pixel centres",
            "The picture is resized by bilinear interpolation at x times the scale, without the half pixel.",
            "Place pixel centres at (x + 0.5) times the scale and antialias, as PIL's BILINEAR does.", ["A1", "roboflow/inference#2067"],
            (inputs, outputs, output) => TwoTaps(inputs, (double)output * inputs / outputs)),
        Resized(
            "resize by nearest neighbour", "The picture is resized by taking the pixel at floor(x times the scale).",
            "Resize with antialiased bilinear interpolation, as PIL's BILINEAR does.", ["A1"],
            (inputs, outputs, output) => ((int)((long)output * inputs / outputs), [1.0])),
        Resized(
            "resize by nearest neighbour, half-pixel",
            "The picture is resized by taking the pixel at floor((x + 0.5) times the scale), PIL's NEAREST.",
            "Resize with antialiased bilinear interpolation, as PIL's BILINEAR does.", ["A1"],
            (inputs, outputs, output) =>
                (Math.Min((int)((output + 0.5) * inputs / outputs), inputs - 1), [1.0])),
        Resized(
            "resize by averaging areas", "The picture is resized by averaging the area under each pixel, PIL's BOX or OpenCV's INTER_AREA.",
            "Resize with antialiased bilinear interpolation, as PIL's BILINEAR does.", ["A1", "roboflow/inference#2298"],
            Filter(0.5, distance => distance is > -0.5 and <= 0.5 ? 1 : 0), roundsBetween: true),
        Resized(
            "resize by bicubic interpolation", "The picture is resized by antialiased bicubic interpolation, the default of PIL's resize.",
            "Pass BILINEAR to the resize.", ["A1"], Filter(2, Cubic), roundsBetween: true),
        Resized(
            "resize by Lanczos interpolation", "The picture is resized by Lanczos interpolation, PIL's LANCZOS or ANTIALIAS.",
            "Pass BILINEAR to the resize.", ["A1"], Filter(3, Lanczos), roundsBetween: true),
        Resized(
            "resized bytes cut off", "The resized pixels are cut off to bytes instead of rounded.",
            "Add a half before the fraction of a pixel is dropped.", ["A1"],
            Filter(1, distance => Math.Max(0, 1 - Math.Abs(distance))), roundsBetween: true, half: 0),
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
        Normalised(
            "BGR picture with RGB statistics",
            "The channels are blue, green, red and are normalised by the statistics of red, green, blue.",
            "Reverse the picture's channels before the normalisation.", ["A4", "roboflow/inference#2828", "open-mmlab/mmdetection#9111"],
            (pixel, c) => Usual(pixel, c), c => 2 - c),
        Normalised(
            "statistics in BGR order", "Mean and deviation of blue are applied to red and those of red to blue.",
            "Use mean (0.485, 0.456, 0.406) and deviation (0.229, 0.224, 0.225) for red, green, blue.", ["A4", "roboflow/inference#2828"],
            (pixel, c) => Usual(pixel, 2 - c)),
        Normalised(
            "mean and deviation exchanged", "The deviation is subtracted and the mean is divided by.",
            "Subtract the mean and then divide by the deviation.", ["A4", "A5"], (pixel, c) => ((pixel / 255) - Std[c]) / Mean[c]),
        Normalised(
            "normalisation missing", "The pixels are only scaled to [0, 1], without mean and deviation.",
            "Subtract ImageNet's mean and divide by its deviation.", ["A5", "lyuwenyu/RT-DETR#289"], (pixel, _) => pixel / 255),
        Normalised(
            "pixels left as bytes", "The pixels go into the model as numbers from 0 to 255.",
            "Divide by 255, subtract ImageNet's mean and divide by its deviation.", ["A5", "lyuwenyu/RT-DETR#289"], (pixel, _) => pixel),
        Normalised(
            "division by 255 missing", "Mean and deviation are applied to numbers from 0 to 255.",
            "Divide the pixels by 255 before the mean is subtracted.", ["A5"], (pixel, c) => (pixel - Mean[c]) / Std[c]),
        Normalised(
            "division by 256", "The pixels are divided by 256 instead of 255 before the normalisation.",
            "Divide by 255, so that the brightest byte becomes 1.", ["A5"], (pixel, c) => Usual(pixel * 255 / 256, c)),
        Normalised(
            "normalised twice", "Mean and deviation are applied twice.", "Normalise once, either before the model or inside it.",
            ["A5", "NVlabs/RADIO#96"], (pixel, c) => (Usual(pixel, c) - Mean[c]) / Std[c]),
        Normalised(
            "normalised to [-1, 1]", "The pixels are mapped to [-1, 1], by mean and deviation 0.5.", "Use ImageNet's mean and deviation.",
            ["A5"], (pixel, _) => ((pixel / 255) - 0.5) / 0.5),
        Normalised(
            "mean not subtracted", "The pixels are divided by the deviation but the mean is not subtracted.",
            "Subtract ImageNet's mean before the division.", ["A5"], (pixel, c) => pixel / 255 / Std[c]),
        Normalised(
            "deviation not divided by", "The mean is subtracted from the pixels but they are not divided by the deviation.",
            "Divide by ImageNet's deviation after the mean is subtracted.", ["A5"], (pixel, c) => (pixel / 255) - Mean[c]),
        Normalised(
            "Caffe's preprocessing",
            "The channels are blue, green, red from 0 to 255 with only the mean subtracted, as Caffe's models want it.",
            "Feed the model red, green, blue, divided by 255 and by the deviation.", ["A4", "A5", "open-mmlab/mmdetection#9111"],
            (pixel, c) => pixel - ((Noisy)255 * Mean[2 - c]), c => 2 - c),
        Normalised(
            "padded before normalising", "The padding is added before the normalisation and so holds -mean/deviation instead of 0.",
            "Normalise each picture first and then pad with zeros.", ["A6", "NVIDIA/TensorRT-Model-Connect#1181"],
            (pixel, c) => Usual(pixel, c), padding: c => Usual(0, c)),
        Normalised(
            "picture centred in the padding", "The picture is put in the middle of the padded batch, a letterbox.",
            "Put the picture at the top left and pad at the bottom and the right.",
            ["A2", "hpc203/GroundingDINO-onnxrun#1", "hamdiboukamcha/RF-DETR-CPP-TENSORRT#3"], (pixel, c) => Usual(pixel, c), centred: true),
        Normalised(
            "pixels reshaped to channels first", "The picture [h, w, 3] is reshaped to [3, h, w] and not transposed.",
            "Permute the channels to the front instead of reshaping.", ["H11"], (pixel, c) => Usual(pixel, c), reshaped: true),
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
        Mask(
            "mask resized at half-pixel centres", "The mask is resized by the pixel at floor((j + 0.5) times the scale).",
            [
                "A10", "onnx/onnx#3816", "microsoft/onnxruntime#28085", "pytorch/pytorch#34808", "apple/coremltools#1754",
                "iree-org/iree#24264",
            ],
            (index, from, to) => (int)((((2L * index) + 1) * from) / (2L * to))),
        Mask(
            "mask resized with rounding", "The mask is resized by the pixel at round(j times the scale).",
            ["A10", "onnx/onnx#3816", "microsoft/onnxruntime#28085"],
            (index, from, to) => (int)(((2L * index * from) + to) / (2L * to))),
        Mask(
            "mask resized with rounding up", "The mask is resized by the pixel at ceil(j times the scale).",
            ["A10", "onnx/onnx#3816"],
            (index, from, to) => (int)((((long)index * from) + to - 1) / to)),
        Mask(
            "mask resized with aligned corners", "The mask is resized so that its first and last pixels stay first and last.",
            ["A10", "iree-org/iree#24264"],
            (index, from, to) =>
                to > 1 ? (int)Math.Round((double)index * (from - 1) / (to - 1), MidpointRounding.AwayFromZero) : 0),
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

    private static Mistake Resized(
        string name, string explanation, string fix, string[] references, Taps taps, bool roundsBetween = false, double half = 0.5) =>
        Evaluate(StepKinds.Resize, name, explanation, fix, references, (a, x) => Resampled(a, x, taps, roundsBetween, half)) with
        { Applies = Resizes };

    private static Mistake Normalised(
        string name, string explanation, string fix, string[] references, Func<Noisy, int, Noisy> value, Func<int, int>? channel = null,
        Func<int, Noisy>? padding = null, bool centred = false, bool reshaped = false) =>
        Evaluate(
            StepKinds.Normalize, name, explanation, fix, references,
            (a, x) => Normalized(a, x, value, channel, padding, centred, reshaped));

    private static Mistake Mask(string name, string explanation, string[] references, Func<int, int, int, int> source) => Evaluate(
        StepKinds.MaskResize, name, explanation, "Take the pixel at floor(j times the scale), PyTorch's nearest.", references,
        (a, x) => Nearest(a, x, source));

    private static Noisy Usual(Noisy pixel, int channel) => ((pixel / 255) - Mean[channel]) / Std[channel];

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
        Algebra a, StepInputs x, Func<Noisy, int, Noisy> value, Func<int, int>? channel = null, Func<int, Noisy>? padding = null,
        bool centred = false, bool reshaped = false)
    {
        IReadOnlyList<Quantity> pictures = x.List("resized");
        Func<int, Noisy>[] pixels = [.. pictures.Select(picture => ByHand.Numbers(a, picture))];
        int height = pictures.Max(picture => picture.Shape[0]);
        int width = pictures.Max(picture => picture.Shape[1]);
        return ByHand.Made(a, [pictures.Count, 3, height, width], i =>
        {
            (int n, int c) = (i / width / height / 3, i / width / height % 3);
            (int rows, int columns) = (pictures[n].Shape[0], pictures[n].Shape[1]);
            int row = (i / width % height) - (centred ? (height - rows) / 2 : 0);
            int column = (i % width) - (centred ? (width - columns) / 2 : 0);
            if (row < 0 || row >= rows || column < 0 || column >= columns)
            {
                return padding?.Invoke(c) ?? 0;
            }

            int from = reshaped
                ? (((c * rows) + row) * columns) + column
                : (((row * columns) + column) * 3) + (channel?.Invoke(c) ?? c);
            return value(pixels[n](from), c);
        });
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
