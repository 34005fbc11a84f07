using DeformDetr.Independent;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests;

// Recomputes every tensor of a float64 trace from those before it, by independent formulas: the first name that fails is where the model goes wrong.
internal sealed class Chain(DeformableDetrConfig config, IReadOnlyDictionary<string, Tensor> trace, INamedWeights w)
{
    private const double Relative = 1e-11;

    private readonly HashSet<string> _open = [.. trace.Keys];
    private readonly int _n = trace["samples.tensor"].Shape[0];

    private Level[] Levels { get; set; } = [];

    private bool[] Mask => ((Tensor<bool>)trace["transformer.mask_flatten"]).AsReadOnlySpan().ToArray();

    public void Verify()
    {
        _open.Remove("samples.tensor");
        _open.Remove("samples.mask");
        Backbone();
        Projections();
        Flatten();
        Same("transformer.memory", Encoder());
        if (config.TwoStage)
        {
            Proposals();
        }
        else
        {
            Queries();
        }

        Decoder();
        Assert.True(_open.Count == 0, $"not verified: {string.Join(", ", _open)}");
    }

    private void Backbone()
    {
        const string Body = "backbone.0.body";
        Check($"{Body}.conv1", Map("samples.tensor").Convolve(w[$"{Body}.conv1.weight"], null, config.Backbone.Width, 7, 2, 3).Values);
        Norm($"{Body}.conv1", $"{Body}.bn1");
        Check($"{Body}.maxpool", Map($"{Body}.bn1").Relu().MaxPool().Values);
        string last = $"{Body}.maxpool";
        int first = config.NumFeatureLevels == 1 ? 4 : 2;
        for (int layer = 1; layer <= 4; layer++)
        {
            for (int block = 0; block < config.Backbone.Layers[layer - 1]; block++)
            {
                string name = $"{Body}.layer{layer}.{block}";
                bool dilated = layer == 4 && config.Dilation;
                int stride = block == 0 && layer > 1 && !dilated ? 2 : 1;
                int spread = dilated && block > 0 ? 2 : 1;
                if (config.Backbone.Block == ResidualBlock.Bottleneck)
                {
                    Convolution(Map(last), $"{name}.conv1", 1, 1, 0, 1);
                    Norm($"{name}.conv1", $"{name}.bn1");
                    Convolution(Map($"{name}.bn1").Relu(), $"{name}.conv2", 3, stride, spread, spread);
                    Norm($"{name}.conv2", $"{name}.bn2");
                    Convolution(Map($"{name}.bn2").Relu(), $"{name}.conv3", 1, 1, 0, 1);
                    Norm($"{name}.conv3", $"{name}.bn3");
                }
                else
                {
                    Convolution(Map(last), $"{name}.conv1", 3, stride, 1, 1);
                    Norm($"{name}.conv1", $"{name}.bn1");
                    Convolution(Map($"{name}.bn1").Relu(), $"{name}.conv2", 3, 1, 1, 1);
                    Norm($"{name}.conv2", $"{name}.bn2");
                }

                Maps identity = Map(last);
                if (trace.ContainsKey($"{name}.downsample.0"))
                {
                    Convolution(identity, $"{name}.downsample.0", 1, stride, 0, 1);
                    Norm($"{name}.downsample.0", $"{name}.downsample.1");
                    identity = Map($"{name}.downsample.1");
                }

                Check(name, Map(config.Backbone.Block == ResidualBlock.Bottleneck ? $"{name}.bn3" : $"{name}.bn2").Plus(identity).Relu().Values);
                last = name;
            }

            if (layer >= first)
            {
                Same($"features.{layer - first}.tensors", last);
                Nearest($"features.{layer - first}.mask");
            }
        }
    }

    private void Projections()
    {
        int features = config.NumFeatureLevels == 1 ? 1 : 3;
        List<(int, int)> sizes = [];
        for (int l = 0; l < config.NumFeatureLevels; l++)
        {
            Maps input = l < features ? Map($"features.{l}.tensors") : l == features ? Map($"features.{features - 1}.tensors") : Map($"srcs.{l - 1}");
            int kernel = l < features ? 1 : 3;
            Check($"input_proj.{l}.0", input.Convolve(w[$"input_proj.{l}.0.weight"], w[$"input_proj.{l}.0.bias"], config.HiddenDim, kernel, kernel == 3 ? 2 : 1, kernel / 2).Values);

            // Two neighbouring floats in a group of two differ by little: what cancels in the mean is lost on both sides.
            Check($"input_proj.{l}.1", Map($"input_proj.{l}.0").GroupNorm(32, w[$"input_proj.{l}.1.weight"], w[$"input_proj.{l}.1.bias"]).Values, 1e-9);
            Same($"srcs.{l}", $"input_proj.{l}.1");
            Nearest($"masks.{l}");
            Position(l);
            sizes.Add((trace[$"srcs.{l}"].Shape[2], trace[$"srcs.{l}"].Shape[3]));
        }

        Levels = Level.Of([.. sizes]);
    }

    private void Position(int l)
    {
        Tensor<bool> mask = (Tensor<bool>)trace[$"masks.{l}"];
        (int height, int width, int half) = (mask.Shape[1], mask.Shape[2], config.HiddenDim / 2);
        double[] actual = Take($"pos.{l}");
        double[] expected = new double[actual.Length];
        for (int at = 0; at < expected.Length; at++)
        {
            (int n, int channel, int i, int j) = (at / width / height / config.HiddenDim, at / width / height % config.HiddenDim, at / width % height, at % width);
            if (config.PositionEmbedding == PositionEmbedding.Learned)
            {
                expected[at] = channel < half ? w["backbone.1.col_embed.weight"][(j * half) + channel] : w["backbone.1.row_embed.weight"][(i * half) + channel - half];
            }
            else
            {
                // Padding carries no information.
                int rows = Enumerable.Range(0, height).Count(row => !mask[n, row, j]);
                int columns = Enumerable.Range(0, width).Count(column => !mask[n, i, column]);
                expected[at] = mask[n, i, j] ? actual[at] : Geometry.Sine(config.HiddenDim, channel, i, j, rows, columns);
            }
        }

        Check($"pos.{l}", expected);
    }

    private void Flatten()
    {
        int c = config.HiddenDim;
        double[] embed = w["transformer.level_embed"];
        List<double> src = [];
        List<double> pos = [];
        List<bool> mask = [];
        for (int n = 0; n < _n; n++)
        {
            for (int l = 0; l < Levels.Length; l++)
            {
                int size = Levels[l].Cells * c;
                src.AddRange(Map($"srcs.{l}").Tokens().AsSpan(n * size, size));
                pos.AddRange(Map($"pos.{l}").Tokens().Skip(n * size).Take(size).Select((value, at) => value + embed[(l * c) + (at % c)]));
                mask.AddRange(((Tensor<bool>)trace[$"masks.{l}"]).AsReadOnlySpan().Slice(n * Levels[l].Cells, Levels[l].Cells));
            }
        }

        Check("transformer.src_flatten", [.. src], 0);
        Check("transformer.lvl_pos_embed_flatten", [.. pos]);
        Assert.Equal(mask, Mask);
        Assert.Equal(Levels.SelectMany(level => new long[] { level.Height, level.Width }), ((Tensor<long>)trace["transformer.spatial_shapes"]).AsReadOnlySpan().ToArray());
        Assert.Equal(Levels.Select(level => (long)level.Start), ((Tensor<long>)trace["transformer.level_start_index"]).AsReadOnlySpan().ToArray());
        _open.ExceptWith(["transformer.mask_flatten", "transformer.spatial_shapes", "transformer.level_start_index"]);
        Check("transformer.valid_ratios", Geometry.ValidRatios(_n, Levels, Mask));
        Check("transformer.encoder.reference_points", Geometry.EncoderReferencePoints(_n, Levels, Take("transformer.valid_ratios")));
    }

    private string Encoder()
    {
        string src = "transformer.src_flatten";
        for (int i = 0; i < config.EncLayers; i++)
        {
            string layer = $"transformer.encoder.layers.{i}";
            double[] query = Dense.Add(Take(src), Take("transformer.lvl_pos_embed_flatten"));
            DeformableAttention($"{layer}.self_attn", query, Take("transformer.encoder.reference_points"), 2, Take(src), config.EncNPoints);
            LayerNorm($"{layer}.norm1", Dense.Add(Take(src), Take($"{layer}.self_attn")));
            FeedForward(layer, "norm1", "norm2");
            src = layer;
        }

        return src;
    }

    private void Proposals()
    {
        (double[] logits, bool[] invalid) = Geometry.Proposals(_n, Levels, Mask);
        Check("transformer.output_proposals", logits);
        double[] kept = [.. Take("transformer.memory").Select((value, at) => invalid[at / config.HiddenDim] ? 0 : value)];
        LayerNorm("transformer.output_memory", Linear("transformer.enc_output", kept), "transformer.enc_output_norm");
        int head = config.DecLayers;
        Heads(head, "transformer.output_memory");
        Same("transformer.enc_outputs_class", $"class_embed.{head}");
        Check("transformer.enc_outputs_coord_unact", Dense.Add(Take($"bbox_embed.{head}"), Take("transformer.output_proposals")));

        // The best tokens by class 0, largest first.
        long[] best = ((Tensor<long>)trace["transformer.topk_proposals"]).AsReadOnlySpan().ToArray();
        double[] scores = Take("transformer.enc_outputs_class");
        int tokens = Level.Tokens(Levels);
        double[] coords = Take("transformer.enc_outputs_coord_unact");
        List<double> gathered = [];
        for (int n = 0; n < _n; n++)
        {
            int batch = n;
            int[] ranked = [.. Enumerable.Range(0, tokens).OrderByDescending(token => scores[((batch * tokens) + token) * config.NumClasses]).ThenBy(token => token).Take(config.NumQueries)];
            Assert.Equal(ranked.Select(token => (long)token), best.AsSpan(n * config.NumQueries, config.NumQueries).ToArray());
            gathered.AddRange(ranked.SelectMany(token => coords.Skip(((batch * tokens) + token) * 4).Take(4)));
        }

        _open.Remove("transformer.topk_proposals");
        Check("transformer.topk_coords_unact", [.. gathered], 0);
        Check("transformer.proposal_pos_embed", Geometry.ProposalEncoding([.. gathered]));
        LayerNorm("transformer.pos_trans_out", Linear("transformer.pos_trans", Take("transformer.proposal_pos_embed")), "transformer.pos_trans_norm");
        double[] both = Take("transformer.pos_trans_out");
        int c = config.HiddenDim;
        Check("transformer.query_embed", [.. both.Where((_, at) => at % (2 * c) < c)], 0);
        Check("transformer.tgt", [.. both.Where((_, at) => at % (2 * c) >= c)], 0);
        Check("transformer.reference_points", Dense.Sigmoid([.. gathered]));
        Same("enc_outputs.pred_logits", "transformer.enc_outputs_class");
        Check("enc_outputs.pred_boxes", Dense.Sigmoid(coords));
    }

    private void Queries()
    {
        int c = config.HiddenDim;
        double[] both = [.. Enumerable.Repeat(w["query_embed.weight"], _n).SelectMany(rows => rows)];
        Check("transformer.query_embed", [.. both.Where((_, at) => at % (2 * c) < c)], 0);
        Check("transformer.tgt", [.. both.Where((_, at) => at % (2 * c) >= c)], 0);
        Check("transformer.reference_points", Dense.Sigmoid(Linear("transformer.reference_points", Take("transformer.query_embed"))));
    }

    private void Decoder()
    {
        string tgt = "transformer.tgt";
        string reference = "transformer.reference_points";
        for (int i = 0; i < config.DecLayers; i++)
        {
            string layer = $"transformer.decoder.layers.{i}";
            int size = trace[reference].Shape[2];
            Check($"{layer}.reference_points_input", Geometry.ScaleByRatios(_n, size, Take(reference), Take("transformer.valid_ratios")));
            double[] query = Dense.Add(Take(tgt), Take("transformer.query_embed"));
            Check(
                $"{layer}.self_attn",
                Dense.MultiHead(
                    _n, config.Nheads, query, query, Take(tgt), w[$"{layer}.self_attn.in_proj_weight"], w[$"{layer}.self_attn.in_proj_bias"],
                    w[$"{layer}.self_attn.out_proj.weight"], w[$"{layer}.self_attn.out_proj.bias"]));
            LayerNorm($"{layer}.norm2", Dense.Add(Take(tgt), Take($"{layer}.self_attn")));
            query = Dense.Add(Take($"{layer}.norm2"), Take("transformer.query_embed"));
            DeformableAttention($"{layer}.cross_attn", query, Take($"{layer}.reference_points_input"), size, Take("transformer.memory"), config.DecNPoints);
            LayerNorm($"{layer}.norm1", Dense.Add(Take($"{layer}.norm2"), Take($"{layer}.cross_attn")));
            FeedForward(layer, "norm1", "norm3");
            Same($"hs.{i}", layer);
            Heads(i, $"hs.{i}");

            double[] boxes = Geometry.Refine(Take($"bbox_embed.{i}"), Take(reference), size);
            string output = i == config.DecLayers - 1 ? "" : $"aux_outputs.{i}.";
            if (output.Length == 0 || config.AuxLoss)
            {
                Check($"{output}pred_boxes", boxes);
                Same($"{output}pred_logits", $"class_embed.{i}");
            }

            string next = $"transformer.decoder.reference_points.{i}";
            if (config.WithBoxRefine)
            {
                Check(next, boxes);
            }
            else
            {
                Same(next, reference);
            }

            reference = next;
            tgt = layer;
        }
    }

    private void DeformableAttention(string name, double[] query, double[] references, int size, double[] input, int points)
    {
        int c = config.HiddenDim;
        bool[] mask = Mask;
        SamplingSizes s = new(_n, query.Length / _n / c, config.Nheads, c / config.Nheads, points, Levels);
        Check($"{name}.value", [.. Linear($"{name}.value_proj", input).Select((value, at) => mask[at / c] ? 0 : value)]);
        Check($"{name}.sampling_offsets", Linear($"{name}.sampling_offsets", query));
        Check($"{name}.attention_logits", Linear($"{name}.attention_weights", query));
        Check($"{name}.attention_weights", Dense.Softmax(Take($"{name}.attention_logits"), Levels.Length * points));
        Check($"{name}.sampling_locations", DeformableSampling.Locations(s, references, size, Take($"{name}.sampling_offsets")));
        Check($"{name}.sampled", DeformableSampling.Forward(s, Take($"{name}.value"), Take($"{name}.sampling_locations"), Take($"{name}.attention_weights")).Output);
        Check(name, Linear($"{name}.output_proj", Take($"{name}.sampled")));
    }

    private void FeedForward(string layer, string input, string norm)
    {
        Check($"{layer}.linear1", Linear($"{layer}.linear1", Take($"{layer}.{input}")));
        double[] hidden = Take($"{layer}.linear1");
        Check($"{layer}.linear2", Linear($"{layer}.linear2", config.Activation == Activation.Gelu ? Dense.Gelu(hidden) : Dense.Relu(hidden)), config.Activation == Activation.Gelu ? 1e-9 : Relative);
        LayerNorm($"{layer}.{norm}", Dense.Add(Take($"{layer}.{input}"), Take($"{layer}.linear2")));
        Same(layer, $"{layer}.{norm}");
    }

    private void Heads(int i, string input)
    {
        Check($"class_embed.{i}", Linear($"class_embed.{i}", Take(input)));
        Check($"bbox_embed.{i}.layers.0", Linear($"bbox_embed.{i}.layers.0", Take(input)));
        Check($"bbox_embed.{i}.layers.1", Linear($"bbox_embed.{i}.layers.1", Dense.Relu(Take($"bbox_embed.{i}.layers.0"))));
        Check($"bbox_embed.{i}.layers.2", Linear($"bbox_embed.{i}.layers.2", Dense.Relu(Take($"bbox_embed.{i}.layers.1"))));
        Same($"bbox_embed.{i}", $"bbox_embed.{i}.layers.2");
    }

    private double[] Linear(string name, double[] x) => Dense.Linear(x, w[$"{name}.weight"], w[$"{name}.bias"]);

    private void LayerNorm(string name, double[] x, string? module = null) => Check(name, Dense.LayerNorm(x, w[$"{module ?? name}.weight"], w[$"{module ?? name}.bias"]));

    private void Convolution(Maps input, string name, int kernel, int stride, int padding, int dilation) =>
        Check(name, input.Convolve(w[$"{name}.weight"], null, trace[name].Shape[1], kernel, stride, padding, dilation).Values);

    private void Norm(string input, string name) =>
        Check(name, Map(input).FrozenNorm(w[$"{name}.weight"], w[$"{name}.bias"], w[$"{name}.running_mean"], w[$"{name}.running_var"]).Values);

    private void Nearest(string name)
    {
        Tensor<bool> mask = (Tensor<bool>)trace[name];
        Tensor<bool> whole = (Tensor<bool>)trace["samples.mask"];
        for (int at = 0; at < mask.Length; at++)
        {
            (int n, int i, int j) = (at / mask.Shape[2] / mask.Shape[1], at / mask.Shape[2] % mask.Shape[1], at % mask.Shape[2]);
            Assert.Equal(whole[n, i * whole.Shape[1] / mask.Shape[1], j * whole.Shape[2] / mask.Shape[2]], mask[n, i, j]);
        }

        _open.Remove(name);
    }

    private double[] Take(string name) => ((Tensor<double>)trace[name]).Doubles();

    private Maps Map(string name) => new(trace[name].Shape[0], trace[name].Shape[1], trace[name].Shape[2], trace[name].Shape[3], Take(name));

    private void Same(string name, string source) => Check(name, Take(source), 0);

    private void Check(string name, double[] expected, double relative = Relative)
    {
        Expect.Close(expected, Take(name), relative, name);
        _open.Remove(name);
    }
}

// Weights by their names in the checkpoint.
internal interface INamedWeights
{
    double[] this[string name] { get; }
}
