using System.Text.Json;
using System.Text.Json.Nodes;
using DeformDetr.Reference;

namespace DeformDetr.Oracle;

// The object `config`: the original's argument names and defaults (golden-contract.md, section 2).
internal static class ConfigReader
{
    // Arguments of main.py that don't change inference.
    private static readonly HashSet<string> Ignored = new(StringComparer.Ordinal)
    {
        "lr", "lr_backbone_names", "lr_backbone", "lr_linear_proj_names", "lr_linear_proj_mult", "batch_size", "weight_decay", "epochs",
        "lr_drop", "lr_drop_epochs", "clip_max_norm", "sgd", "position_embedding_scale", "dropout", "set_cost_class", "set_cost_bbox",
        "set_cost_giou", "mask_loss_coef", "dice_loss_coef", "cls_loss_coef", "bbox_loss_coef", "giou_loss_coef", "focal_alpha",
        "coco_path", "coco_panoptic_path", "remove_difficult", "output_dir", "device", "seed", "resume", "start_epoch", "eval",
        "num_workers", "cache_mode",
    };

    // What a training in a process group adds to them (init_distributed_mode in util/misc.py).
    private static readonly HashSet<string> OfProcesses = new(StringComparer.Ordinal)
    {
        "rank", "world_size", "gpu", "dist_url", "distributed", "dist_backend", "dist_on_itp",
    };

    private static readonly HashSet<string> Understood = new(StringComparer.Ordinal)
    {
        "backbone", "dilation", "position_embedding", "num_feature_levels", "enc_layers", "dec_layers", "dim_feedforward", "hidden_dim",
        "nheads", "num_queries", "enc_n_points", "dec_n_points", "with_box_refine", "two_stage", "aux_loss", "activation", "num_classes",
        "dataset_file", "masks", "frozen_weights",
    };

    // Arguments of a training: those that are read here, and the names of those that nobody knows.
    public static (JsonElement Known, IReadOnlyList<string> Unknown) Split(JsonFile file)
    {
        JsonObject known = [];
        List<string> unknown = [];
        foreach (JsonProperty entry in file.Root.EnumerateObject())
        {
            if (Understood.Contains(entry.Name))
            {
                known[entry.Name] = JsonNode.Parse(entry.Value.GetRawText());
            }
            else if (!Ignored.Contains(entry.Name) && !OfProcesses.Contains(entry.Name))
            {
                unknown.Add(entry.Name);
            }
        }

        return (JsonFile.Parse(file.Path, known.ToJsonString()).Root, unknown);
    }

    public static DeformableDetrConfig Read(JsonFile file, JsonElement config)
    {
        DeformableDetrConfig result = new();
        bool classesGiven = false;
        string? datasetFile = null;
        foreach (JsonProperty entry in file.Object(config, "config").EnumerateObject())
        {
            string key = $"config.{entry.Name}";
            JsonElement value = entry.Value;
            switch (entry.Name)
            {
                case "backbone": result = result with { Backbone = Backbone(file, value) }; break;
                case "dilation": result = result with { Dilation = file.Boolean(value, key) }; break;
                case "position_embedding": result = result with { PositionEmbedding = Position(file, value) }; break;
                case "num_feature_levels": result = result with { NumFeatureLevels = file.Integer(value, key) }; break;
                case "enc_layers": result = result with { EncLayers = file.Integer(value, key) }; break;
                case "dec_layers": result = result with { DecLayers = file.Integer(value, key) }; break;
                case "dim_feedforward": result = result with { DimFeedforward = file.Integer(value, key) }; break;
                case "hidden_dim": result = result with { HiddenDim = file.Integer(value, key) }; break;
                case "nheads": result = result with { Nheads = file.Integer(value, key) }; break;
                case "num_queries": result = result with { NumQueries = file.Integer(value, key) }; break;
                case "enc_n_points": result = result with { EncNPoints = file.Integer(value, key) }; break;
                case "dec_n_points": result = result with { DecNPoints = file.Integer(value, key) }; break;
                case "with_box_refine": result = result with { WithBoxRefine = file.Boolean(value, key) }; break;
                case "two_stage": result = result with { TwoStage = file.Boolean(value, key) }; break;
                case "aux_loss": result = result with { AuxLoss = file.Boolean(value, key) }; break;
                case "activation": result = result with { Activation = ReadActivation(file, value) }; break;
                case "num_classes":
                    classesGiven = true;
                    result = result with { NumClasses = file.Integer(value, key) };
                    break;
                case "dataset_file": datasetFile = file.String(value, key); break;
                case "masks":
                    if (file.Boolean(value, key))
                    {
                        throw file.Error(key, "holds true", "false (the segmentation head is not part of this model)");
                    }

                    break;
                case "frozen_weights":
                    if (value.ValueKind != JsonValueKind.Null)
                    {
                        throw file.Error(key, "is given", "null (it is meant for segmentation, which is not part of this model)");
                    }

                    break;
                default:
                    if (!Ignored.Contains(entry.Name))
                    {
                        throw file.Error(key, "is unknown", "an argument of the original's main.py, num_classes or activation");
                    }

                    break;
            }
        }

        if (!classesGiven && datasetFile is not null)
        {
            // build() in models/deformable_detr.py
            result = result with { NumClasses = datasetFile switch { "coco" => 91, "coco_panoptic" => 250, _ => 20 } };
        }

        try
        {
            result.Validate();
        }
        catch (ArgumentException exception)
        {
            throw new InvalidDataException($"{file.Path}: {exception.Message}", exception);
        }

        return result;
    }

    public static PositionEmbedding Position(JsonFile file, JsonElement value) => file.String(value, "config.position_embedding") switch
    {
        "sine" or "v2" => PositionEmbedding.Sine,
        "learned" or "v3" => PositionEmbedding.Learned,
        string other => throw file.Error("config.position_embedding", $"holds '{other}'", "sine or learned"),
    };

    private static Activation ReadActivation(JsonFile file, JsonElement value) => file.String(value, "config.activation") switch
    {
        "relu" => Activation.Relu,
        "gelu" => Activation.Gelu,
        string other => throw file.Error("config.activation", $"holds '{other}'", "relu or gelu"),
    };

    private static BackboneSpec Backbone(JsonFile file, JsonElement value)
    {
        const string Key = "config.backbone";
        if (value.ValueKind == JsonValueKind.String)
        {
            string name = value.GetString()!;
            if (BackboneSpec.Named.TryGetValue(name, out BackboneSpec? spec))
            {
                return spec;
            }

            string hint = name is "resnet18" or "resnet34"
                ? " (the original refuses resnet18 and resnet34: its numbers of channels are hard-coded)"
                : "";
            throw file.Error(
                Key, $"holds '{name}'", $"{string.Join(", ", BackboneSpec.Named.Keys)}, or {{\"block\", \"width\", \"layers\"}}{hint}");
        }

        ResidualBlock? block = null;
        int? width = null;
        IReadOnlyList<int>? layers = null;
        foreach (JsonProperty entry in file.Object(value, Key).EnumerateObject())
        {
            switch (entry.Name)
            {
                case "block":
                    block = file.String(entry.Value, $"{Key}.block") switch
                    {
                        "basic" => ResidualBlock.Basic,
                        "bottleneck" => ResidualBlock.Bottleneck,
                        string other => throw file.Error($"{Key}.block", $"holds '{other}'", "basic or bottleneck"),
                    };
                    break;
                case "width": width = file.Integer(entry.Value, $"{Key}.width"); break;
                case "layers":
                    layers = [.. file.Array(entry.Value, $"{Key}.layers").Select(item => file.Integer(item, $"{Key}.layers"))];
                    break;
                default: throw file.Error($"{Key}.{entry.Name}", "is unknown", "block, width and layers");
            }
        }

        return block is not null && width is not null && layers is not null
            ? new BackboneSpec(block.Value, width.Value, layers)
            : throw file.Error(Key, "lacks a key", "block, width and layers");
    }
}
