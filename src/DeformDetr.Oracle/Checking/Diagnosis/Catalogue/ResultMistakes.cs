using DeformDetr.Reference;
using DeformDetr.Tensors;
using static DeformDetr.Oracle.MistakeForms;

namespace DeformDetr.Oracle;

// Group G: from logits and boxes to detections.
internal static class ResultMistakes
{
    // The classes of COCO's 91 that no picture has.
    private static readonly int[] Absent = [0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83];

    private static readonly StepKind[] Ranked = [StepKinds.ResultScores, StepKinds.ResultLabels, StepKinds.ResultBoxes];

    public static IReadOnlyList<Mistake> All { get; } =
    [
        new()
        {
            Name = "one label per query",
            Explanation = "Every query gives its best class only, before the best 100 are chosen.",
            Fix = "Choose the best 100 of all queries times classes, a query may appear twice.",
            References =
            [
                "G1", "ultralytics/ultralytics#24403", "roboflow/inference#2298", "huggingface/transformers#46041",
                "Atten4Vis/ConditionalDETR#8", "fundamentalvision/Deformable-DETR#133", "fundamentalvision/Deformable-DETR#149",
                "fundamentalvision/Deformable-DETR#72",
            ],
            Kinds = Ranked,
            Applies = x => Queries(x) >= PostProcess.Count && Classes(x) > 1,
            Evaluate = (a, x) => Made(a, x, BestOfEach(a, a.Sigmoid(x["pred_logits"]), x)),
        },
        new()
        {
            Name = "softmax over all classes",
            Explanation = "The scores are a softmax over the classes instead of sigmoids.",
            Fix = "Apply a sigmoid to every logit.",
            References =
            [
                "G2", "huggingface/transformers#19140", "huggingface/transformers#32578", "lyuwenyu/RT-DETR#682", "lyuwenyu/RT-DETR#661",
            ],
            Kinds = Ranked,
            Applies = x => Classes(x) > 1,
            Evaluate = (a, x) => Made(a, x, BestOfAll(a, a.Softmax(x["pred_logits"]))),
        },
        new()
        {
            Name = "softmax with a no-object class",
            Explanation = "The scores are a softmax whose last class is dropped as no-object, as DETR does.",
            Fix = "Apply a sigmoid to every logit and keep all classes.",
            References = ["G2", "huggingface/transformers#19140", "huggingface/transformers#32578", "lyuwenyu/RT-DETR#682"],
            Kinds = Ranked,
            Applies = x => Queries(x) * (Classes(x) - 1) >= PostProcess.Count,
            Evaluate = (a, x) => Made(a, x, BestOfAll(a, WithoutLast(a, a.Softmax(x["pred_logits"])), Classes(x))),
        },
        new()
        {
            Name = "best class of a softmax with a no-object class",
            Explanation = "Every query gives its best class of a softmax whose last class is dropped, DETR's post-processing.",
            Fix = "Choose the best 100 of the sigmoids of all queries times classes.",
            References = ["G1", "G2", "huggingface/transformers#19140", "huggingface/transformers#32578"],
            Kinds = Ranked,
            Applies = x => Queries(x) >= PostProcess.Count && Classes(x) > 2,
            Evaluate = (a, x) => Made(a, x, BestOfEach(a, WithoutLast(a, a.Softmax(x["pred_logits"])), x)),
        },
        new()
        {
            Name = "last class dropped",
            Explanation = "The last class is dropped before the best 100 are chosen.",
            Fix = "Keep all classes, there is no no-object class.",
            References = ["G2", "lyuwenyu/RT-DETR#661"],
            Kinds = Ranked,
            Applies = x => Queries(x) * (Classes(x) - 1) >= PostProcess.Count,
            Evaluate = (a, x) => Made(a, x, BestOfAll(a, WithoutLast(a, a.Sigmoid(x["pred_logits"])), Classes(x))),
        },
        new()
        {
            Name = "first class dropped",
            Explanation = "The first class is dropped as background before the best 100 are chosen.",
            Fix = "Keep all classes, there is no background class.",
            References = ["G2", "G4"],
            Kinds = Ranked,
            Applies = x => Queries(x) * (Classes(x) - 1) >= PostProcess.Count,
            Evaluate = (a, x) =>
            {
                int classes = Classes(x);
                (Quantity values, Quantity ranks) = BestOfAll(
                    a, a.Pick(a.Sigmoid(x["pred_logits"]), 2, ByHand.Range(1, classes - 1)), classes);
                return Made(a, x, (values, Renumbered(a, ranks, rank => rank + 1)));
            },
        },
        new()
        {
            Name = "scores without sigmoid",
            Explanation = "The scores are logits.",
            Fix = "Apply a sigmoid.",
            References = ["G2"],
            Kinds = [StepKinds.ResultScores],
            Evaluate = (a, x) => Made(a, x, BestOfAll(a, x["pred_logits"])),
        },
        new()
        {
            Name = "scores with two sigmoids",
            Explanation = "The scores go through the sigmoid twice.",
            Fix = "Apply the sigmoid once.",
            References = ["G2"],
            Kinds = [StepKinds.ResultScores],
            Evaluate = (a, x) => a.Sigmoid(Right(a, x)),
        },
        new()
        {
            Name = "flat index read by queries",
            Explanation = "The flat index is split by the number of queries, box = idx mod Q and label = idx / Q.",
            Fix = "Split by the number of classes, box = idx / K and label = idx mod K.",
            References = ["G3"],
            Kinds = [StepKinds.ResultLabels, StepKinds.ResultBoxes],
            Evaluate = (a, x) =>
            {
                int queries = Queries(x);
                int classes = Classes(x);
                (Quantity values, Quantity ranks) = StepKinds.Results(a, x);
                return Made(a, x, (values, Renumbered(a, ranks, rank => (rank % queries * classes) + (rank / queries))));
            },
        },
        Labels(
            "labels counted from one", "The labels are one too large.", "Count classes from 0, COCO's numbers are class indices already.",
            ["G4", "open-edge-platform/geti#6023", "ridgerun-ai/deepstream-rfdetr#4", "fundamentalvision/Deformable-DETR#57"],
            label => label + 1),
        Labels(
            "labels one too small", "The labels are one too small, as if class 0 were a background.",
            "Report the class index as it is, COCO's numbers are class indices already.",
            [
                "G4", "open-edge-platform/geti#6023", "ridgerun-ai/deepstream-rfdetr#4",
                "fundamentalvision/Deformable-DETR#152", "fundamentalvision/Deformable-DETR#50",
                "facebookresearch/detr#164",
            ],
            label => label - 1),
        Labels(
            "labels of 80 contiguous classes", "The labels are numbered over the 80 classes that COCO has, without its gaps.",
            "Report COCO's own numbers, 1 to 90 with gaps.",
            [
                "G4", "open-edge-platform/geti#6023", "fundamentalvision/Deformable-DETR#57",
                "fundamentalvision/Deformable-DETR#152", "facebookresearch/detr#164",
            ],
            label => label - Absent.Count(absent => absent <= label)) with
        { Applies = x => Classes(x) == 91 },
        new()
        {
            Name = "labels not reduced",
            Explanation = "The labels are the flat indices of queries times classes.",
            Fix = "Take the index modulo the number of classes.",
            References = ["G3"],
            Kinds = [StepKinds.ResultLabels],
            Evaluate = (a, x) => StepKinds.Picture(a, x, StepKinds.Results(a, x).Indices),
        },
        Boxes(
            "boxes left as centres and sides", "The boxes are (cx, cy, w, h) in pixels and not corners.", "Convert to (x0, y0, x1, y1).",
            ["G5", "fundamentalvision/Deformable-DETR#169"], (a, x) => Scaled(a, x)),
        Boxes(
            "boxes as corner and sides", "The boxes are (x0, y0, w, h), COCO's format, and not two corners.",
            "Report (x0, y0, x1, y1) and convert for COCO's files only.", ["G5"],
            (a, x) => a.Concat([a.Pick(Right(a, x), 1, 0, 1), a.Pick(Scaled(a, x), 1, 2, 3)], 1)),
        Boxes(
            "boxes with whole sides as halves", "The corners lie a whole side from the centre, so that boxes are twice as large.",
            "Halve the sides before they are added to the centre.", ["G5"],
            (a, x) => StepKinds.ResultBoxes.Evaluate(
                a, x.With("pred_boxes", a.Multiply(x["pred_boxes"], ByHand.Row(a, 1, 1, 2, 2))))),
        Boxes(
            "detections from the boxes' corner", "The predicted centre is taken for the upper left corner.",
            "Subtract and add half a side from the centre.", ["G5"],
            (a, x) =>
            {
                Quantity scaled = Scaled(a, x);
                Quantity corner = a.Pick(scaled, 1, 0, 1);
                return a.Concat([corner, a.Add(corner, a.Pick(scaled, 1, 2, 3))], 1);
            }),
        Boxes(
            "boxes read as (cx, cy, h, w)", "The predicted sides are read as (h, w), as the original's doc string says wrongly.",
            "Read (cx, cy, w, h).",
            ["G5", "fundamentalvision/Deformable-DETR#169", "fundamentalvision/Deformable-DETR#217", "facebookresearch/detr#90"],
            (a, x) => StepKinds.ResultBoxes.Evaluate(a, x.With("pred_boxes", a.Pick(x["pred_boxes"], 2, 0, 1, 3, 2)))),
        Boxes(
            "boxes as (y0, x0, y1, x1)", "The corners are (y0, x0, y1, x1), TensorFlow's order.", "Report (x0, y0, x1, y1).", ["G5"],
            (a, x) => a.Pick(Right(a, x), 1, 1, 0, 3, 2)),
        Sizes(
            "target sizes read as (w, h)", "The target sizes are read as (w, h), x is scaled by the height and y by the width.",
            "Read target sizes as (h, w).", ["G6", "lyuwenyu/RT-DETR#88", "lyuwenyu/RT-DETR#251", "kornia/kornia#3012"],
            (sizes, n) => (sizes[n, 1], sizes[n, 0])),
        Sizes(
            "boxes not scaled", "The boxes are fractions of the picture and not pixels.", "Multiply by (w, h, w, h) of the picture.",
            ["G7"], (_, _) => (1, 1)),
        Sizes(
            "boxes scaled by the first picture", "All pictures' boxes are scaled by the first picture's size.",
            "Scale each picture's boxes by its own size.", ["G7", "H1"], (sizes, _) => (sizes[0, 0], sizes[0, 1])) with
        { Applies = x => x.Options.Picture > 0 },
        Sizes(
            "boxes scaled by the longer side", "Both axes are scaled by the picture's longer side, as if it had been padded to a square.",
            "Multiply by (w, h, w, h) of the picture.", ["G7", "A2"],
            (sizes, n) => (Math.Max(sizes[n, 0], sizes[n, 1]), Math.Max(sizes[n, 0], sizes[n, 1]))),
        Boxes(
            "boxes clamped to the picture", "The corners are clamped to the picture.",
            "Leave corners outside the picture where they are, or clamp after the comparison.", ["G7"],
            (a, x) =>
            {
                Quantity right = Right(a, x);
                Func<int, Noisy> boxes = ByHand.Numbers(a, right);
                return ByHand.Made(a, right.Shape, i =>
                {
                    double side = x["target_sizes"].Whole[x.Options.Picture, i % 2 == 0 ? 1 : 0];
                    return Noisy.Max(0, Noisy.Min(side, boxes(i)));
                });
            }),
        Boxes(
            "boxes rounded to pixels", "The corners are rounded to whole pixels.", "Keep fractions of pixels.", ["G7"],
            (a, x) => a.Apply(Right(a, x), Math.Round)),
        Boxes(
            "boxes cut to pixels", "The corners are cut to whole pixels by a cast.", "Keep fractions of pixels.", ["G7"],
            (a, x) => a.Apply(Right(a, x), Math.Truncate)),
        Boxes(
            "boxes in the order of queries", "The boxes are the first 100 queries' and not those that the scores were found in.",
            "Gather the boxes by idx / K.", ["G3"],
            (a, x) =>
            {
                int classes = Classes(x);
                Tensor<long> ranks = new([x["pred_logits"].Shape[0], PostProcess.Count]);
                for (int i = 0; i < ranks.Length; i++)
                {
                    ranks.AsSpan()[i] = (long)(i % PostProcess.Count) * classes;
                }

                return Made(a, x, (a.Given(ranks), a.Given(ranks)));
            }) with
        { Applies = x => Queries(x) >= PostProcess.Count },
    ];

    private static Mistake Labels(string name, string explanation, string fix, string[] references, Func<long, long> other) =>
        Evaluate(
            StepKinds.ResultLabels, name, explanation, fix, references, (a, x) => Renumbered(a, Right(a, x), other));

    private static Mistake Boxes(
        string name, string explanation, string fix, string[] references, Func<Algebra, StepInputs, Quantity> evaluate) =>
        Evaluate(StepKinds.ResultBoxes, name, explanation, fix, references, evaluate);

    private static Mistake Sizes(
        string name, string explanation, string fix, string[] references, Func<Tensor<long>, int, (long Height, long Width)> size) =>
        Boxes(name, explanation, fix, references, (a, x) => Sized(a, x, size));

    private static Quantity Right(Algebra a, StepInputs x) => x.Step.Kind.Evaluate(a, x);

    private static int Queries(StepInputs x) => x["pred_logits"].Shape[1];

    private static int Classes(StepInputs x) => x["pred_logits"].Shape[2];

    // The step's tensor from other scores and flat indices of queries times classes.
    private static Quantity Made(Algebra a, StepInputs x, (Quantity Values, Quantity Ranks) best)
    {
        int classes = Classes(x);
        return x.Step.Kind == StepKinds.ResultScores ? StepKinds.Picture(a, x, best.Values)
            : x.Step.Kind == StepKinds.ResultLabels ? StepKinds.Picture(a, x, Renumbered(a, best.Ranks, rank => rank % classes))
            : StepKinds.Picture(a, x, a.DetectionBoxes(x["pred_boxes"], best.Ranks, classes, x["target_sizes"]));
    }

    // Ranks in queries times the model's classes, where fewer classes than it has may be looked at.
    private static (Quantity Values, Quantity Ranks) BestOfAll(Algebra a, Quantity scores, int? modelClasses = null)
    {
        TensorShape s = scores.Shape;
        int classes = modelClasses ?? s[2];
        (Quantity values, Quantity ranks) = a.TopK(a.Reshape(scores, [s[0], s[1] * s[2]]), PostProcess.Count);
        return (values, Renumbered(a, ranks, rank => (rank / s[2] * classes) + (rank % s[2])));
    }

    private static (Quantity Values, Quantity Ranks) BestOfEach(Algebra a, Quantity scores, StepInputs x)
    {
        TensorShape s = scores.Shape;
        (Quantity best, Quantity label) = a.TopK(scores, 1);
        (Quantity values, Quantity queries) = a.TopK(a.Reshape(best, [s[0], s[1]]), PostProcess.Count);
        Tensor<long> ranks = queries.Whole.Clone();
        for (int i = 0; i < ranks.Length; i++)
        {
            long query = ranks.AsReadOnlySpan()[i];
            ranks.AsSpan()[i] = (query * Classes(x)) + label.Whole[i / PostProcess.Count, (int)query, 0];
        }

        return (values, a.Given(ranks));
    }

    private static Quantity WithoutLast(Algebra a, Quantity scores) => a.Pick(scores, 2, ByHand.Range(0, scores.Shape[2] - 1));

    private static Quantity Renumbered(Algebra a, Quantity ranks, Func<long, long> other)
    {
        Tensor<long> numbers = ranks.Whole.Clone();
        foreach (ref long number in numbers.AsSpan())
        {
            number = other(number);
        }

        return a.Given(numbers);
    }

    // One picture's boxes (cx, cy, w, h) in pixels.
    private static Quantity Scaled(Algebra a, StepInputs x)
    {
        int classes = Classes(x);
        Quantity boxes = StepKinds.Picture(
            a, x, a.Gather(x["pred_boxes"], Renumbered(a, StepKinds.Results(a, x).Indices, rank => rank / classes)));
        double height = x["target_sizes"].Whole[x.Options.Picture, 0];
        double width = x["target_sizes"].Whole[x.Options.Picture, 1];
        return a.Multiply(boxes, ByHand.Row(a, width, height, width, height));
    }

    private static Quantity Sized(Algebra a, StepInputs x, Func<Tensor<long>, int, (long Height, long Width)> size)
    {
        Tensor<long> sizes = x["target_sizes"].Whole;
        Tensor<long> others = new(sizes.Shape);
        for (int n = 0; n < sizes.Shape[0]; n++)
        {
            (others[n, 0], others[n, 1]) = size(sizes, n);
        }

        return StepKinds.ResultBoxes.Evaluate(a, x.With("target_sizes", a.Given(others)));
    }
}
