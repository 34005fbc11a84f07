using System.Text;
using System.Text.Json;
using DeformDetr.Reference;

namespace DeformDetr.Oracle;

/// <summary>A configuration as the JSON that <see cref="RunConfiguration"/> reads.</summary>
public static class ConfigWriter
{
    /// <summary>One line of JSON, all keys given.</summary>
    /// <param name="config">The configuration.</param>
    public static string ToJson(DeformableDetrConfig config)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            string? name = BackboneSpec.Named.FirstOrDefault(entry => ReferenceEquals(entry.Value, config.Backbone)).Key;
            if (name is not null)
            {
                json.WriteString("backbone", name);
            }
            else
            {
                json.WriteStartObject("backbone");
                json.WriteString("block", config.Backbone.Block == ResidualBlock.Basic ? "basic" : "bottleneck");
                json.WriteNumber("width", config.Backbone.Width);
                json.WriteStartArray("layers");
                foreach (int blocks in config.Backbone.Layers)
                {
                    json.WriteNumberValue(blocks);
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteBoolean("dilation", config.Dilation);
            json.WriteString("position_embedding", config.PositionEmbedding == PositionEmbedding.Sine ? "sine" : "learned");
            json.WriteNumber("num_feature_levels", config.NumFeatureLevels);
            json.WriteNumber("enc_layers", config.EncLayers);
            json.WriteNumber("dec_layers", config.DecLayers);
            json.WriteNumber("dim_feedforward", config.DimFeedforward);
            json.WriteNumber("hidden_dim", config.HiddenDim);
            json.WriteNumber("nheads", config.Nheads);
            json.WriteNumber("num_queries", config.NumQueries);
            json.WriteNumber("enc_n_points", config.EncNPoints);
            json.WriteNumber("dec_n_points", config.DecNPoints);
            json.WriteBoolean("with_box_refine", config.WithBoxRefine);
            json.WriteBoolean("two_stage", config.TwoStage);
            json.WriteNumber("num_classes", config.NumClasses);
            json.WriteString("activation", config.Activation == Activation.Relu ? "relu" : "gelu");
            json.WriteBoolean("aux_loss", config.AuxLoss);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>What two configurations disagree on: <c>key was -> is</c>.</summary>
    /// <param name="was">One.</param>
    /// <param name="now">The other.</param>
    public static IEnumerable<string> Differences(DeformableDetrConfig was, DeformableDetrConfig now)
    {
        using JsonDocument before = JsonDocument.Parse(ToJson(was));
        using JsonDocument after = JsonDocument.Parse(ToJson(now));
        List<string> differences = [];
        foreach (JsonProperty entry in before.RootElement.EnumerateObject())
        {
            string other = after.RootElement.GetProperty(entry.Name).GetRawText();
            if (entry.Value.GetRawText() != other)
            {
                differences.Add($"{entry.Name} {entry.Value.GetRawText()} -> {other}");
            }
        }

        return differences;
    }
}
