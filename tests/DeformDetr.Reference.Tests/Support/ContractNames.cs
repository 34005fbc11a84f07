using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests;

// Section 1 of golden-contract.md, spelt out for a configuration: the name and shape of every tensor of one run of a model.
internal static class ContractNames
{
    public static IReadOnlyDictionary<string, TensorShape> Of(DeformableDetrConfig config, int n, int height, int width)
    {
        Dictionary<string, TensorShape> names = new(StringComparer.Ordinal)
        {
            ["samples.tensor"] = [n, 3, height, width],
            ["samples.mask"] = [n, height, width],
        };
        int c = config.HiddenDim;
        int first = config.NumFeatureLevels == 1 ? 4 : 2;
        List<(int H, int W)> levels = [];

        // backbone
        BackboneSpec spec = config.Backbone;
        int expansion = spec.Block == ResidualBlock.Bottleneck ? 4 : 1;
        (int h, int w) = (Half(height), Half(width));
        names["backbone.0.body.conv1"] = names["backbone.0.body.bn1"] = [n, spec.Width, h, w];
        (h, w) = (Half(h), Half(w));
        names["backbone.0.body.maxpool"] = [n, spec.Width, h, w];
        int inputs = spec.Width;
        for (int layer = 1; layer <= 4; layer++)
        {
            int planes = spec.Width * (1 << (layer - 1));
            for (int block = 0; block < spec.Layers[layer - 1]; block++)
            {
                string path = $"backbone.0.body.layer{layer}.{block}";
                bool halves = block == 0 && layer > 1 && !(layer == 4 && config.Dilation);
                (int h2, int w2) = halves ? (Half(h), Half(w)) : (h, w);
                if (expansion == 4)
                {
                    names[$"{path}.conv1"] = names[$"{path}.bn1"] = [n, planes, h, w];
                    names[$"{path}.conv2"] = names[$"{path}.bn2"] = [n, planes, h2, w2];
                    names[$"{path}.conv3"] = names[$"{path}.bn3"] = [n, 4 * planes, h2, w2];
                }
                else
                {
                    names[$"{path}.conv1"] = names[$"{path}.bn1"] = names[$"{path}.conv2"] = names[$"{path}.bn2"] = [n, planes, h2, w2];
                }

                if (halves || inputs != planes * expansion)
                {
                    names[$"{path}.downsample.0"] = names[$"{path}.downsample.1"] = [n, planes * expansion, h2, w2];
                }

                names[path] = [n, planes * expansion, h2, w2];
                inputs = planes * expansion;
                (h, w) = (h2, w2);
            }

            if (layer >= first)
            {
                names[$"features.{levels.Count}.tensors"] = [n, inputs, h, w];
                names[$"features.{levels.Count}.mask"] = [n, h, w];
                levels.Add((h, w));
            }
        }

        // levels
        while (levels.Count < config.NumFeatureLevels)
        {
            levels.Add((Half(levels[^1].H), Half(levels[^1].W)));
        }

        for (int l = 0; l < levels.Count; l++)
        {
            (h, w) = levels[l];
            names[$"input_proj.{l}.0"] = names[$"input_proj.{l}.1"] = names[$"srcs.{l}"] = names[$"pos.{l}"] = [n, c, h, w];
            names[$"masks.{l}"] = [n, h, w];
        }

        // transformer
        int s = levels.Sum(level => level.H * level.W);
        int q = config.NumQueries;
        int reference = config.TwoStage ? 4 : 2;
        names["transformer.src_flatten"] = names["transformer.lvl_pos_embed_flatten"] = names["transformer.memory"] = [n, s, c];
        names["transformer.mask_flatten"] = [n, s];
        names["transformer.spatial_shapes"] = [levels.Count, 2];
        names["transformer.level_start_index"] = [levels.Count];
        names["transformer.valid_ratios"] = [n, levels.Count, 2];
        names["transformer.encoder.reference_points"] = [n, s, levels.Count, 2];
        for (int i = 0; i < config.EncLayers; i++)
        {
            string layer = $"transformer.encoder.layers.{i}";
            Attention($"{layer}.self_attn", s, config.EncNPoints);
            names[$"{layer}.norm1"] = names[$"{layer}.norm2"] = names[$"{layer}.linear2"] = names[layer] = [n, s, c];
            names[$"{layer}.linear1"] = [n, s, config.DimFeedforward];
        }

        if (config.TwoStage)
        {
            names["transformer.output_memory"] = [n, s, c];
            names["transformer.output_proposals"] = names["transformer.enc_outputs_coord_unact"] = names["enc_outputs.pred_boxes"] = [n, s, 4];
            names["transformer.enc_outputs_class"] = names["enc_outputs.pred_logits"] = [n, s, config.NumClasses];
            names["transformer.topk_proposals"] = [n, q];
            names["transformer.topk_coords_unact"] = [n, q, 4];
            names["transformer.proposal_pos_embed"] = [n, q, 512];
            names["transformer.pos_trans_out"] = [n, q, 2 * c];
            Heads(config.DecLayers, s);
        }

        names["transformer.query_embed"] = names["transformer.tgt"] = [n, q, c];
        names["transformer.reference_points"] = [n, q, reference];
        for (int i = 0; i < config.DecLayers; i++)
        {
            string layer = $"transformer.decoder.layers.{i}";
            names[$"{layer}.reference_points_input"] = [n, q, levels.Count, reference];
            names[$"{layer}.self_attn"] = names[$"{layer}.norm1"] = names[$"{layer}.norm2"] = names[$"{layer}.norm3"] = names[$"{layer}.linear2"] = names[layer] = [n, q, c];
            Attention($"{layer}.cross_attn", q, config.DecNPoints);
            names[$"{layer}.linear1"] = [n, q, config.DimFeedforward];
            reference = config.WithBoxRefine ? 4 : reference;
            names[$"transformer.decoder.reference_points.{i}"] = [n, q, reference];
            names[$"hs.{i}"] = [n, q, c];
            Heads(i, q);
            string output = i == config.DecLayers - 1 ? "" : $"aux_outputs.{i}.";
            if (output.Length == 0 || config.AuxLoss)
            {
                names[$"{output}pred_logits"] = [n, q, config.NumClasses];
                names[$"{output}pred_boxes"] = [n, q, 4];
            }
        }

        return names;

        void Attention(string name, int queries, int points)
        {
            names[$"{name}.value"] = [n, s, config.Nheads, c / config.Nheads];
            names[$"{name}.sampling_offsets"] = names[$"{name}.sampling_locations"] = [n, queries, config.Nheads, levels.Count, points, 2];
            names[$"{name}.attention_logits"] = [n, queries, config.Nheads * levels.Count * points];
            names[$"{name}.attention_weights"] = [n, queries, config.Nheads, levels.Count, points];
            names[$"{name}.sampled"] = names[name] = [n, queries, c];
        }

        void Heads(int i, int queries)
        {
            names[$"class_embed.{i}"] = [n, queries, config.NumClasses];
            names[$"bbox_embed.{i}"] = names[$"bbox_embed.{i}.layers.2"] = [n, queries, 4];
            names[$"bbox_embed.{i}.layers.0"] = names[$"bbox_embed.{i}.layers.1"] = [n, queries, c];
        }
    }

    // What a stride of 2 leaves, for all the kernels in use here.
    private static int Half(int size) => (size + 1) / 2;
}
