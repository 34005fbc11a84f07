using System.Text.Json;
using System.Text.Json.Nodes;
using DeformDetr.Reference;

namespace DeformDetr.Oracle;

// config.json of Hugging Face's DeformableDetrConfig, as the original's arguments; and written from them.
internal static class HuggingFaceConfig
{
    public const string FileName = "config.json";
    private const string ModelType = "deformable_detr";

    // Theirs and ours, where only the name differs; what is left out has the same default.
    private static readonly (string Theirs, string Ours)[] Names =
    [
        ("backbone", "backbone"), ("dilation", "dilation"), ("position_embedding_type", "position_embedding"),
        ("num_feature_levels", "num_feature_levels"), ("encoder_layers", "enc_layers"), ("decoder_layers", "dec_layers"),
        ("encoder_ffn_dim", "dim_feedforward"), ("d_model", "hidden_dim"), ("encoder_attention_heads", "nheads"),
        ("encoder_n_points", "enc_n_points"), ("decoder_n_points", "dec_n_points"), ("with_box_refine", "with_box_refine"),
        ("two_stage", "two_stage"), ("activation_function", "activation"),
    ];

    // In the folder of a checkpoint that has their names, those of its tensors and of its file.
    public static string? Find(Checkpoint checkpoint)
    {
        string path = checkpoint.File.Path;
        bool isFolder = Directory.Exists(path);
        string name = Path.GetFileName(path);
        if (checkpoint.Layout.Word != "huggingface"
            || !(isFolder
                || name.StartsWith("model", StringComparison.Ordinal) || name.StartsWith("pytorch_model", StringComparison.Ordinal)))
        {
            return null;
        }

        string folder = isFolder ? path : Path.GetDirectoryName(path) ?? "";
        string config = Path.Combine(folder, FileName);
        return File.Exists(config) ? config : null;
    }

    public static CheckpointConfiguration Read(string path)
    {
        JsonFile file = JsonFile.Open(path);
        if (!file.Root.TryGetProperty("model_type", out JsonElement type))
        {
            throw file.Error("model_type", "is absent", ModelType);
        }

        if (file.String(type, "model_type") != ModelType)
        {
            throw file.Error("model_type", $"holds '{type.GetString()}'", ModelType);
        }

        JsonObject ours = [];
        foreach ((string theirs, string our) in Names)
        {
            if (file.Root.TryGetProperty(theirs, out JsonElement value) && value.ValueKind != JsonValueKind.Null)
            {
                ours[our] = JsonNode.Parse(value.GetRawText());
            }
        }

        RequireEqual(file, "encoder_ffn_dim", "decoder_ffn_dim", 1024);
        RequireEqual(file, "encoder_attention_heads", "decoder_attention_heads", 8);
        if (!ours.ContainsKey("backbone") && Backbone(file) is { } backbone)
        {
            ours["backbone"] = backbone;
        }

        bool twoStage = file.Root.TryGetProperty("two_stage", out JsonElement stage) && file.Boolean(stage, "two_stage");
        string queries = twoStage ? "two_stage_num_proposals" : "num_queries";
        ours["num_queries"] = file.Root.TryGetProperty(queries, out JsonElement count) ? file.Integer(count, queries) : 300;
        IReadOnlyList<string>? classes = Classes(file, out int number);
        ours["num_classes"] = number;
        JsonFile converted = JsonFile.Parse(path, ours.ToJsonString());
        DeformableDetrConfig config = ConfigReader.Read(converted, converted.Root);
        return new CheckpointConfiguration(CheckpointConfiguration.Plain(config) with { Classes = classes }, FileName, []);
    }

    public static string Write(DeformableDetrConfig config)
    {
        using JsonDocument ours = JsonDocument.Parse(ConfigWriter.ToJson(config));
        JsonObject theirs = new() { ["architectures"] = new JsonArray("DeformableDetrForObjectDetection"), ["model_type"] = ModelType };
        foreach ((string name, string our) in Names)
        {
            theirs[name] = JsonNode.Parse(ours.RootElement.GetProperty(our).GetRawText());
        }

        theirs["decoder_ffn_dim"] = config.DimFeedforward;
        theirs["decoder_attention_heads"] = config.Nheads;
        theirs["num_queries"] = config.NumQueries;
        theirs["two_stage_num_proposals"] = config.NumQueries;
        JsonObject labels = [];
        for (int label = 0; label < config.NumClasses; label++)
        {
            labels[FormattableString.Invariant($"{label}")] = FormattableString.Invariant($"LABEL_{label}");
        }

        theirs["id2label"] = labels;
        return theirs.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
    }

    private static void RequireEqual(JsonFile file, string one, string other, int absent)
    {
        int Value(string key) => file.Root.TryGetProperty(key, out JsonElement value) ? file.Integer(value, key) : absent;
        if (Value(one) != Value(other))
        {
            throw file.Error(
                other, FormattableString.Invariant($"holds {Value(other)}"),
                FormattableString.Invariant($"{one}, {Value(one)}, which the original has for both"));
        }
    }

    // A backbone described by a configuration of its own: timm's by name, transformers' ResNet by numbers.
    private static JsonNode? Backbone(JsonFile file)
    {
        if (!file.Root.TryGetProperty("backbone_config", out JsonElement config) || config.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        file.Object(config, "backbone_config");
        if (config.TryGetProperty("backbone", out JsonElement name))
        {
            return file.String(name, "backbone_config.backbone");
        }

        const string Depths = "depths";
        if (!config.TryGetProperty(Depths, out JsonElement depths) || !config.TryGetProperty("hidden_sizes", out JsonElement sizes))
        {
            throw file.Error("backbone_config", "names no backbone", "backbone, or depths and hidden_sizes of a ResNet");
        }

        bool basic = config.TryGetProperty("layer_type", out JsonElement layer)
            && file.String(layer, "backbone_config.layer_type") == "basic";
        IReadOnlyList<JsonElement> widths = file.Array(sizes, "backbone_config.hidden_sizes");
        int first = widths.Count == 0 ? 0 : file.Integer(widths[0], "backbone_config.hidden_sizes");
        const string Key = $"backbone_config.{Depths}";
        JsonArray layers = [.. file.Array(depths, Key).Select(depth => (JsonNode)file.Integer(depth, Key))];
        return new JsonObject { ["block"] = basic ? "basic" : "bottleneck", ["width"] = basic ? first : first / 4, ["layers"] = layers };
    }

    // Names by label where all labels have one; null where they are only numbered.
    private static List<string>? Classes(JsonFile file, out int count)
    {
        // transformers' default of a configuration that says nothing.
        count = 2;
        if (!file.Root.TryGetProperty("id2label", out JsonElement labels) || labels.ValueKind == JsonValueKind.Null)
        {
            count = file.Root.TryGetProperty("num_labels", out JsonElement number) ? file.Integer(number, "num_labels") : count;
            return null;
        }

        SortedDictionary<int, string> names = [];
        foreach (JsonProperty label in file.Object(labels, "id2label").EnumerateObject())
        {
            if (!int.TryParse(label.Name, System.Globalization.CultureInfo.InvariantCulture, out int id) || id < 0)
            {
                throw file.Error($"id2label.{label.Name}", "is no label", "whole numbers from 0");
            }

            names[id] = file.String(label.Value, $"id2label.{label.Name}");
        }

        count = names.Count;
        if (names.Keys.Where((id, index) => id != index).Any())
        {
            throw file.Error("id2label", FormattableString.Invariant($"has {count} labels with gaps"), "one name for each label from 0");
        }

        return names.Values.All(name => name.StartsWith("LABEL_", StringComparison.Ordinal)) ? null : [.. names.Values];
    }
}
