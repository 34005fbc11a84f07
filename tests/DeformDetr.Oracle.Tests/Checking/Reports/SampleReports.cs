using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Reports;

/// <summary>Reports as a check could end in.</summary>
internal static class SampleReports
{
    public const string Sampling = "transformer.encoder.layers.0.self_attn.sampling_locations";

    private const string Config = """{"backbone": "resnet50", "hidden_dim": 256, "nheads": 8, "num_feature_levels": 4, "two_stage": false}""";

    public static IReadOnlyDictionary<string, Func<CheckReport>> All { get; } = new Dictionary<string, Func<CheckReport>>(StringComparer.Ordinal)
    {
        ["healthy"] = Healthy,
        ["one-wrong"] = OneWrong,
        ["many-wrong"] = ManyWrong,
        ["incomplete"] = Incomplete,
        ["empty"] = Empty,
        ["strange"] = Strange,
        ["thousand"] = Thousand,
        ["all-wrong"] = AllWrong,
    };

    public static CheckReport Healthy() => Report(Model()) with
    {
        Decisions = [new("pred_logits", "score threshold 0.5", 1840, 0, 300), new("transformer.encoder.layers.0.self_attn.sampling_locations", "floor in sampling", 4.2, 0, 93_056)],
    };

    public static CheckReport OneWrong()
    {
        List<TensorCheck> tensors = Model();
        int at = tensors.FindIndex(tensor => tensor.Name == Sampling);
        tensors[at] = Wrong(tensors[at], 41_234, SamplingAnatomy(), new Oracle.Diagnosis(64, [SwappedSizes]));
        Grow(tensors, at, 41_234);
        return Report(tensors) with
        {
            Decisions = [new(Sampling, "floor in sampling", 0.02, 412, 93_056), new("pred_logits", "rank 37 against 38", 12.5, 0, 300)],
        };
    }

    public static CheckReport ManyWrong()
    {
        CheckReport report = OneWrong();
        List<TensorCheck> tensors = [.. report.Tensors];
        int norm = tensors.FindIndex(tensor => tensor.Name == "transformer.decoder.layers.3.norm2");
        tensors[norm] = Wrong(
            tensors[norm], 312, QueryAnatomy(), new Oracle.Diagnosis(
                31,
                [
                    new("layer norm: epsilon 1e-6", "The port's layer norm adds 1e-6 to the variance, not 1e-5.", "Use an epsilon of 1e-5.", ["E2"], 312, 0.74, null),
                    new("constant factor", "The port's tensor is the right one times a constant.", "Find the factor.", [], 312, 0.98, "factor 1.0000041"),
                ]));
        int conv = tensors.FindIndex(tensor => tensor.Name == "backbone.0.body.layer3.2.conv2");
        tensors[conv] = Wrong(tensors[conv], 1.004, ChannelAnatomy(), new Oracle.Diagnosis(12, [])) with { Arrived = 7.1, Spanned = 2, PortName = "backbone.layer3.2.conv2" };
        int boxes = tensors.FindIndex(tensor => tensor.Name == "pred_boxes");
        tensors[boxes] = Wrong(tensors[boxes], 3.2e9, null, null) with { Arrived = double.PositiveInfinity };
        return report with { Tensors = tensors };
    }

    public static CheckReport Incomplete()
    {
        List<TensorCheck> tensors = Model();
        for (int index = 0; index < tensors.Count; index++)
        {
            if (tensors[index].Name.StartsWith("transformer.decoder.layers.1.", StringComparison.Ordinal) || tensors[index].Name == "samples.mask")
            {
                tensors[index] = tensors[index] with { Status = CheckStatus.Absent, Fault = "the dump does not have it", Injected = double.NaN, Arrived = double.NaN };
            }
            else if (tensors[index].Name is "transformer.memory" or "pred_logits")
            {
                tensors[index] = tensors[index] with { Status = CheckStatus.Broken, Fault = "3 of 46 528 elements are NaN; expected numbers", Injected = double.NaN, Arrived = double.NaN };
            }
        }

        return Report(tensors) with
        {
            Extra = ["decoder.layers.1.self_attn.out", "decoder.layers.1.norm1", "optimizer.state.0"],
            Proposals =
            [
                new("decoder.layers.1.norm1", "transformer.decoder.layers.1.norm1", "as it is", 0.99998),
                new("decoder.layers.1.self_attn.out", "transformer.decoder.layers.1.self_attn", "axes 1 0 2", 0.97),
            ],
        };
    }

    public static CheckReport Empty() => Report([]);

    // Names and numbers that nobody wants to meet.
    public static CheckReport Strange()
    {
        string script = "<script>document.title='planted'</script>\"'&amp;]]>";
        string escape = "\u001b[31mred\u001b[0m\r\nnext line\u202eback\0\ud800half";
        string wide = string.Concat(Enumerable.Repeat("averyveryverylongname", 30));
        ErrorMap map = new("rows", "columns <b>", [.. Enumerable.Range(0, 30 * 40).Select(cell => cell % 97 == 0 ? double.NaN : cell % 89 == 0 ? double.PositiveInfinity : cell * 1e30)], 40);
        ErrorAnatomy anatomy = new(
            [new AxisProfile("rows", [double.NaN, 0, 1], [double.NaN, double.PositiveInfinity, 1e308]), new AxisProfile("columns <b>", [.. new double[20]], [.. new double[20]])], map,
            [0, 0, 0, 0, long.MaxValue / 4, 0, 0, 1], [script]);
        Oracle.Diagnosis diagnosis = new(1, [new(script, script, escape, ["javascript:alert(1)", "https://example.org/\"onmouseover=\"alert(1)"], double.PositiveInfinity, double.NaN, wide)]);
        return Report(
        [
            Right(script, "kind " + script, [2, 3], ["a", "b"], 0.1, 0.1) with { PortName = escape },
            Wrong(Right(wide, wide, [30, 40], ["rows", "columns <b>"], 0, 0), double.NaN, anatomy, diagnosis) with
            {
                Worst = new WorstElement([29, 39], double.NaN, double.NegativeInfinity, 0), PortName = script, Padding = double.NaN,
            },
            Right(escape, escape, [], [], 0, 0) with { Status = CheckStatus.Broken, Fault = escape },
            Wrong(Right("transformer.one", "sum", [], [], 0, 0), double.PositiveInfinity, new ErrorAnatomy([], null, [], []), new Oracle.Diagnosis(0, [])) with
            {
                Worst = new WorstElement([], 1, 2, double.NaN),
            },
        ]) with
        {
            Port = script,
            Weights = escape,
            Inputs = [wide],
            Config = "{ not JSON </pre>" + script,
            PortDType = "float16",
            Extra = [script, escape, wide],
            Proposals = [new(script, wide, escape, double.NaN)],
            Decisions = [new(wide, script, double.NaN, long.MaxValue, long.MaxValue)],
            Seconds = double.NaN,
        };
    }

    public static CheckReport Thousand()
    {
        List<TensorCheck> tensors = [.. Enumerable.Range(0, 3).SelectMany(copy => Model().Select(tensor => tensor with { Name = copy == 0 ? tensor.Name : $"run{copy}.{tensor.Name}" }))];
        Assert.True(tensors.Count > 1000);
        int at = tensors.FindIndex(tensor => tensor.Name == Sampling);
        for (int index = at; index < tensors.Count; index += 37)
        {
            tensors[index] = Wrong(tensors[index], 20 + (index * 13), index == at ? SamplingAnatomy() : QueryAnatomy(), index % 2 == 0 ? new Oracle.Diagnosis(64, [SwappedSizes]) : new Oracle.Diagnosis(9, []));
        }

        return Report(tensors);
    }

    public static CheckReport AllWrong() => Report([.. Model().Select((tensor, index) => Wrong(tensor, 2 + index, QueryAnatomy(), new Oracle.Diagnosis(9, [])))]);

    private static Finding SwappedSizes => new(
        "sampling_locations: offsets divided by (H, W)", "Offsets are in cells of their level as (x, y), so they are divided by (W, H); the port divides them by (H, W).",
        "Flip the last axis of spatial_shapes before dividing: offset_normalizer = stack([shapes[..., 1], shapes[..., 0]], -1).", ["D1", "https://github.com/fundamentalvision/Deformable-DETR/issues/7"], 41_234, 1.3 / 2, null);

    private static CheckReport Report(IReadOnlyList<TensorCheck> tensors) =>
        new("dumps/my-port.safetensors", "r50_deformable_detr-checkpoint.pth", ["000000039769.jpg", "000000000139.jpg"], Config, "float32", tensors, [], [], [], 21.34);

    private static TensorCheck Right(string name, string kind, int[] shape, string[] axes, double injected, double arrived) =>
        new(name, null, kind, TensorShape.Create(shape), axes, CheckStatus.Right, null, injected, arrived, 0, 0, null, null, null);

    private static TensorCheck Wrong(TensorCheck tensor, double injected, ErrorAnatomy? anatomy, Oracle.Diagnosis? diagnosis) => tensor with
    {
        Status = CheckStatus.Wrong,
        Injected = injected,
        Arrived = Math.Max(injected, tensor.Arrived),
        Worst = new WorstElement([.. tensor.Shape.Select(size => size / 3)], 0.31234567, 0.52345678, 0.21111111 / injected),
        Anatomy = anatomy,
        Diagnosis = diagnosis,
    };

    private static void Grow(List<TensorCheck> tensors, int from, double most)
    {
        for (int index = from + 1; index < tensors.Count; index++)
        {
            tensors[index] = tensors[index] with { Arrived = most * (1 + ((index * 7919) % 13 / 6.0)) / (1 + ((index - from) / 40)) };
        }
    }

    private static ErrorAnatomy SamplingAnatomy()
    {
        double[] byLevel = [0.4, 41_234, 9_120, 18_400];
        double[] map = [.. Enumerable.Range(0, 8 * 4).Select(cell => byLevel[cell % 4] * (1 - (cell / 4 * 0.04)))];
        return new ErrorAnatomy(
            [
                new("batch", [0.71], [41_234]), Along("query", 727, index => index < 540 ? 39_000.0 / (1 + (index % 31)) : 41_234.0 / (1 + (index % 5))),
                new("head", [.. Enumerable.Repeat(0.71, 8)], [.. Enumerable.Range(0, 8).Select(head => 41_234 * (1 - (head * 0.04)))]),
                new("level", [0, 0.95, 0.95, 0.94], byLevel), new("point", [0.71, 0.71, 0.72, 0.71], [41_234, 40_800, 39_914, 40_001]), new("xy", [0.72, 0.70], [41_234, 38_122]),
            ],
            new ErrorMap("head", "level", map, 4), [3, 12, 411, 4_012, 8_800, 301, 12, 44, 700, 2_100, 4_400, 9_300, 15_000, 21_000, 12_400, 9_100, 3_400, 1_100, 240, 31, 3],
            ["nothing on level 0, where H = W", "all heads and points alike", "padding as much as the rest"]);
    }

    private static ErrorAnatomy QueryAnatomy() => new(
        [Along("query", 300, query => query % 17 == 0 ? 312 : 0.7), Along("channel", 256, channel => channel % 2 == 0 ? 0.5 : 200)],
        new ErrorMap("query", "channel", [.. Enumerable.Range(0, 60 * 64).Select(cell => cell / 64 % 17 == 0 ? 3.0 + (cell % 64 * 5) : 0.03 * (cell % 33))], 64),
        [40_000, 21_000, 9_000, 4_100, 800, 20, 90, 200, 511, 480, 12], ["only queries 0, 17, 34, …", "grows with the channel"]);

    private static ErrorAnatomy ChannelAnatomy() => new([Along("channel", 256, channel => channel == 17 ? 1.004 : 0.6)], null, [100, 100, 100, 120, 80, 1], ["only channel 17"]);

    private static AxisProfile Along(string axis, int size, Func<int, double> error)
    {
        double[] largest = [.. Enumerable.Range(0, size).Select(error)];
        return new AxisProfile(axis, [.. largest.Select(value => value > 1 ? 0.5 : 0)], largest);
    }

    // The names of a ResNet-50 model, about as many as there are.
    private static List<TensorCheck> Model()
    {
        List<TensorCheck> tensors = [];
        void Add(string name, string kind, int[] shape, params string[] axes)
        {
            int index = tensors.Count;
            double injected = (index * 2_654_435_761L % 97) / 110.0;
            tensors.Add(Right(name, kind, shape, axes, injected, Math.Max(injected, 0.3 + (index * 0.004))));
        }

        string[] map = ["batch", "channel", "row", "column"];
        string[] tokens = ["batch", "query", "channel"];
        Add("images.0.decoded", "decoding", [480, 640, 3], "row", "column", "colour");
        Add("images.0.resized", "resize", [640, 853, 3], "row", "column", "colour");
        Add("samples.tensor", "normalise and pad", [1, 3, 640, 853], map);
        Add("samples.mask", "padding mask", [1, 640, 853], "batch", "row", "column");
        Add("backbone.0.body.conv1", "convolution", [1, 64, 320, 427], map);
        Add("backbone.0.body.bn1", "frozen batch norm", [1, 64, 320, 427], map);
        Add("backbone.0.body.maxpool", "max pool", [1, 64, 160, 214], map);
        int[] blocks = [3, 4, 6, 3];
        for (int stage = 1; stage <= 4; stage++)
        {
            for (int block = 0; block < blocks[stage - 1]; block++)
            {
                string name = $"backbone.0.body.layer{stage}.{block}";
                int[] shape = [1, 64 << stage, 320 >> stage, 427 >> stage];
                for (int conv = 1; conv <= 3; conv++)
                {
                    Add($"{name}.conv{conv}", "convolution", shape, map);
                    Add($"{name}.bn{conv}", "frozen batch norm", shape, map);
                }

                if (block == 0)
                {
                    Add($"{name}.downsample.0", "convolution", shape, map);
                    Add($"{name}.downsample.1", "frozen batch norm", shape, map);
                }

                Add(name, "residual sum, ReLU", shape, map);
            }
        }

        for (int level = 0; level < 4; level++)
        {
            Add($"input_proj.{level}.0", "convolution", [1, 256, 20, 27], map);
            Add($"input_proj.{level}.1", "group norm", [1, 256, 20, 27], map);
        }

        foreach (string what in new[] { "srcs", "masks", "pos" })
        {
            for (int level = 0; level < 4; level++)
            {
                Add($"{what}.{level}", "hand over", [1, 256, 20, 27], map);
            }
        }

        Add("transformer.src_flatten", "flatten", [1, 727, 256], tokens);
        Add("transformer.mask_flatten", "flatten", [1, 727], "batch", "query");
        Add("transformer.lvl_pos_embed_flatten", "flatten, level embedding", [1, 727, 256], tokens);
        Add("transformer.spatial_shapes", "sizes", [4, 2], "level", "hw");
        Add("transformer.level_start_index", "sizes", [4], "level");
        Add("transformer.valid_ratios", "valid ratios", [1, 4, 2], "batch", "level", "wh");
        Add("transformer.encoder.reference_points", "reference points", [1, 727, 4, 2], "batch", "query", "level", "xy");
        for (int layer = 0; layer < 6; layer++)
        {
            Attention($"transformer.encoder.layers.{layer}.self_attn", 727);
            Feed($"transformer.encoder.layers.{layer}", "norm1", "norm2", 727);
        }

        Add("transformer.memory", "hand over", [1, 727, 256], tokens);
        Add("transformer.query_embed", "embedding", [1, 300, 256], tokens);
        Add("transformer.tgt", "embedding", [1, 300, 256], tokens);
        Add("transformer.reference_points", "linear, sigmoid", [1, 300, 2], "batch", "query", "xy");
        for (int layer = 0; layer < 6; layer++)
        {
            string name = $"transformer.decoder.layers.{layer}";
            Add($"{name}.reference_points_input", "scaling", [1, 300, 4, 2], "batch", "query", "level", "xy");
            Add($"{name}.self_attn", "attention", [1, 300, 256], tokens);
            Add($"{name}.norm2", "layer norm", [1, 300, 256], tokens);
            Attention($"{name}.cross_attn", 300);
            Feed(name, "norm1", "norm3", 300);
            Add($"transformer.decoder.reference_points.{layer}", "hand over", [1, 300, 2], "batch", "query", "xy");
            Add($"hs.{layer}", "hand over", [1, 300, 256], tokens);
        }

        for (int layer = 0; layer < 6; layer++)
        {
            for (int part = 0; part < 3; part++)
            {
                Add($"bbox_embed.{layer}.layers.{part}", "linear", [1, 300, 256], tokens);
            }

            Add($"bbox_embed.{layer}", "linear", [1, 300, 4], "batch", "query", "cxcywh");
            Add($"class_embed.{layer}", "linear", [1, 300, 91], "batch", "query", "class");
        }

        Add("pred_logits", "hand over", [1, 300, 91], "batch", "query", "class");
        Add("pred_boxes", "sigmoid", [1, 300, 4], "batch", "query", "cxcywh");
        return tensors;

        void Attention(string name, int queries)
        {
            Add($"{name}.value", "linear", [1, 727, 8, 32], "batch", "token", "head", "channel");
            Add($"{name}.sampling_offsets", "linear", [1, queries, 8, 4, 4, 2], "batch", "query", "head", "level", "point", "xy");
            Add($"{name}.attention_logits", "linear", [1, queries, 128], "batch", "query", "channel");
            Add($"{name}.attention_weights", "softmax", [1, queries, 8, 4, 4], "batch", "query", "head", "level", "point");
            Add($"{name}.sampling_locations", "sampling locations", [1, queries, 8, 4, 4, 2], "batch", "query", "head", "level", "point", "xy");
            Add($"{name}.sampled", "sampling", [1, queries, 256], tokens);
            Add(name, "linear", [1, queries, 256], tokens);
        }

        void Feed(string name, string before, string after, int queries)
        {
            Add($"{name}.{before}", "layer norm", [1, queries, 256], tokens);
            Add($"{name}.linear1", "linear", [1, queries, 1024], tokens);
            Add($"{name}.linear2", "linear", [1, queries, 256], tokens);
            Add($"{name}.{after}", "layer norm", [1, queries, 256], tokens);
            Add(name, "layer output", [1, queries, 256], tokens);
        }
    }
}
