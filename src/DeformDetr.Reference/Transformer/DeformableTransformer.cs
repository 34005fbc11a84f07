using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Reference;

/// <summary>What the transformer leaves for the heads.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="Decoder">The decoder's outputs.</param>
/// <param name="InitReference">References that entered the decoder. Shape [N, Q, 2 or 4].</param>
/// <param name="EncOutputsClass">Two-stage: class logits of all tokens. Shape [N, S, K].</param>
/// <param name="EncOutputsCoordUnact">Two-stage: boxes of all tokens as logits, +∞ where invalid. Shape [N, S, 4].</param>
public sealed record TransformerOutput<T>(
    DecoderOutput<T> Decoder, Tensor<T> InitReference, Tensor<T>? EncOutputsClass, Tensor<T>? EncOutputsCoordUnact)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>;

/// <summary>
/// Encoder, the queries (learned or proposed), and decoder. Mirrors DeformableTransformer in models/deformable_transformer.py.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class DeformableTransformer<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly DeformableDetrConfig _config;
    private readonly EncoderLayer<T>[] _encoderLayers;
    private readonly Decoder<T> _decoder;
    private readonly Heads<T> _heads;
    private readonly Tensor<T> _levelEmbed;
    private readonly Tensor<T>? _queryEmbed;
    private readonly LinearLayer<T>? _referencePointsLinear;
    private readonly EncoderProposals<T>? _proposals;
    private readonly LinearLayer<T>? _posTransLinear;
    private readonly LayerNormLayer<T>? _posTransNorm;

    /// <summary>Takes the weights.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="config">Sizes.</param>
    /// <param name="heads">The heads, for refinement and proposals.</param>
    public DeformableTransformer(IWeights<T> weights, DeformableDetrConfig config, Heads<T> heads)
    {
        config.Validate();
        _config = config;
        _heads = heads;
        int channels = config.HiddenDim;
        _encoderLayers = new EncoderLayer<T>[config.EncLayers];
        for (int layer = 0; layer < _encoderLayers.Length; layer++)
        {
            _encoderLayers[layer] = new EncoderLayer<T>(weights, $"transformer.encoder.layers.{layer}", config);
        }

        _decoder = new Decoder<T>(weights, config, heads);
        _levelEmbed = weights.Take("transformer.level_embed", [config.NumFeatureLevels, channels]);
        if (config.TwoStage)
        {
            _proposals = new EncoderProposals<T>(weights, "transformer.", channels);
            _posTransLinear = new LinearLayer<T>(weights, "transformer.pos_trans", 2 * channels, 2 * channels);
            _posTransNorm = new LayerNormLayer<T>(weights, "transformer.pos_trans_norm", 2 * channels);
        }
        else
        {
            _referencePointsLinear = new LinearLayer<T>(weights, "transformer.reference_points", channels, 2);
            _queryEmbed = weights.Take("query_embed.weight", [config.NumQueries, 2 * channels]);
        }
    }

    /// <summary>Runs the transformer.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="srcs">Projected maps, one per level. Shape [N, C, H_l, W_l] each.</param>
    /// <param name="masks">True is padding. Shape [N, H_l, W_l] each.</param>
    /// <param name="posEmbeds">Position encodings. Shape [N, C, H_l, W_l] each.</param>
    /// <exception cref="ArgumentException">Shapes disagree, a mask covers everything, or a two-stage model has more queries than
    /// tokens.</exception>
    public TransformerOutput<T> Forward(
        ForwardPass pass, IReadOnlyList<Tensor<T>> srcs, IReadOnlyList<Tensor<bool>> masks, IReadOnlyList<Tensor<T>> posEmbeds) =>
        Forward(pass, srcs, masks, posEmbeds, () => { });

    // flattened: called when srcs and posEmbeds have been read for the last time.
    internal TransformerOutput<T> Forward(
        ForwardPass pass, IReadOnlyList<Tensor<T>> srcs, IReadOnlyList<Tensor<bool>> masks, IReadOnlyList<Tensor<T>> posEmbeds,
        Action flattened)
    {
        Check(srcs, masks, posEmbeds);
        using BufferScope scope = pass.Scope();

        // prepare input for encoder
        Tensor<T> srcFlatten = pass.Tap("transformer.src_flatten", Flatten(pass, srcs, null));
        Tensor<bool> maskFlatten = pass.Tap("transformer.mask_flatten", FlattenMasks(pass, masks));
        Tensor<T> lvlPosEmbedFlatten = pass.Tap("transformer.lvl_pos_embed_flatten", Flatten(pass, posEmbeds, _levelEmbed));
        LevelLayout levels = Layout(pass, srcs);
        flattened();
        Tensor<T> validRatios = pass.Tap("transformer.valid_ratios", ValidRatios.Forward<T>(pass, masks));

        // encoder
        Tensor<T> memory = Encode(
            pass, srcFlatten, lvlPosEmbedFlatten, levels, validRatios, maskFlatten, out EncoderLayer<T>.LateRows? lateRows);
        using EncoderLayer<T>.LateRows? late = lateRows;
        memory = pass.Tap("transformer.memory", memory);
        if (_encoderLayers.Length > 0 && late is null)
        {
            scope.Release(lvlPosEmbedFlatten);
            scope.Release(srcFlatten);
        }

        // prepare input for decoder
        (Tensor<T> queryEmbed, Tensor<T> tgt, Tensor<T> referencePoints, Tensor<T>? encClass, Tensor<T>? encCoord) =
            _config.TwoStage ? Propose(pass, memory, maskFlatten, levels) : Learned(pass, memory.Shape[0]);
        queryEmbed = pass.Tap("transformer.query_embed", queryEmbed);
        tgt = pass.Tap("transformer.tgt", tgt);
        referencePoints = scope.Keep(pass.Tap("transformer.reference_points", referencePoints));

        // decoder
        DecoderOutput<T> decoded = _decoder.Forward(
            pass, tgt, referencePoints, memory, late is null ? null : late.Make, levels, validRatios, queryEmbed, maskFlatten);
        foreach (Tensor<T> tensor in decoded.Hs.Concat(decoded.ReferencePoints).Concat(decoded.BoxDeltas ?? []))
        {
            scope.Keep(tensor);
        }

        return new TransformerOutput<T>(
            decoded, referencePoints, encClass is null ? null : scope.Keep(encClass), encCoord is null ? null : scope.Keep(encCoord));
    }

    // late: makes the rows of memory when they are read; few queries never read most of them. Null where all are made.
    private Tensor<T> Encode(
        ForwardPass pass, Tensor<T> src, Tensor<T> pos, LevelLayout levels, Tensor<T> validRatios, Tensor<bool> maskFlatten,
        out EncoderLayer<T>.LateRows? late)
    {
        using BufferScope scope = pass.Scope();
        Tensor<T> referencePoints = pass.Tap(
            "transformer.encoder.reference_points", EncoderReferencePoints.Forward(pass, levels, validRatios));

        // Proposals are made of all tokens.
        bool inPart = !_config.TwoStage && !pass.Taps($"transformer.memory")
            && _decoder.IsReadInPart(pass, _config.NumQueries, src.Shape[1]);
        Tensor<T> memory = EncoderLayer<T>.ForwardAll(
            pass, _encoderLayers, src, pos, referencePoints, levels, maskFlatten, inPart, out late);
        if (late is not null)
        {
            scope.Keep(referencePoints);
        }

        return scope.Keep(memory);
    }

    // The queries of a one-stage model: a learned table, its first half the positional part, its second half what the decoder starts from.
    private (Tensor<T> QueryEmbed, Tensor<T> Tgt, Tensor<T> ReferencePoints, Tensor<T>? EncClass, Tensor<T>? EncCoord) Learned(
        ForwardPass pass, int batch)
    {
        int channels = _config.HiddenDim;
        Tensor<T>[] halves = Split.Forward(pass, _queryEmbed!, [channels, channels], 1);
        Tensor<T> queryEmbed = Expand(pass, halves[0], batch);
        Tensor<T> tgt = Expand(pass, halves[1], batch);
        return (queryEmbed, tgt, Sigmoid.Forward(pass, _referencePointsLinear!.Forward(pass, queryEmbed)), null, null);
    }

    // The queries of a two-stage model: the tokens that the class head's channel 0 ranks highest.
    private (Tensor<T> QueryEmbed, Tensor<T> Tgt, Tensor<T> ReferencePoints, Tensor<T>? EncClass, Tensor<T>? EncCoord) Propose(
        ForwardPass pass, Tensor<T> memory, Tensor<bool> maskFlatten, LevelLayout levels)
    {
        int tokens = memory.Shape[1];
        ShapeGuard.That(
            _config.NumQueries <= tokens, "two_stage", "num_queries",
            $"holds {_config.NumQueries}; expected at most the number of tokens, {tokens}.");
        (Tensor<T> outputMemory, Tensor<T> outputProposals) = _proposals!.Forward(pass, memory, maskFlatten, levels);
        outputMemory = pass.Tap("transformer.output_memory", outputMemory);
        outputProposals = pass.Tap("transformer.output_proposals", outputProposals);

        int head = _config.DecLayers;
        Tensor<T> encClass = pass.Tap("transformer.enc_outputs_class", _heads.Classes(pass, head, outputMemory));
        Tensor<T> encCoord = pass.Tap(
            "transformer.enc_outputs_coord_unact", Add.Forward(pass, _heads.Boxes(pass, head, outputMemory), outputProposals));

        Tensor<T> scores = Split.Forward(pass, encClass, [1, encClass.Shape[2] - 1], 2)[0].Reshape([memory.Shape[0], tokens]);
        Tensor<long> topkProposals = pass.Tap("transformer.topk_proposals", TopK.Forward(pass, scores, _config.NumQueries).Indices);
        Tensor<T> topkCoords = pass.Tap("transformer.topk_coords_unact", Gather.Forward(pass, encCoord, topkProposals));
        Tensor<T> posEmbed = pass.Tap("transformer.proposal_pos_embed", ProposalPositionEncoding.Forward(pass, topkCoords));
        Tensor<T> posTransOut = pass.Tap(
            "transformer.pos_trans_out", _posTransNorm!.Forward(pass, _posTransLinear!.Forward(pass, posEmbed)));
        Tensor<T>[] halves = Split.Forward(pass, posTransOut, [_config.HiddenDim, _config.HiddenDim], 2);
        return (halves[0], halves[1], Sigmoid.Forward(pass, topkCoords), encClass, encCoord);
    }

    private static Tensor<T> Expand(ForwardPass pass, Tensor<T> rows, int batch)
    {
        Tensor<T> output = pass.Rent<T>([batch, rows.Shape[0], rows.Shape[1]]);
        for (int n = 0; n < batch; n++)
        {
            rows.AsReadOnlySpan().CopyTo(output.AsSpan().Slice(n * rows.Length, rows.Length));
        }

        return output;
    }

    // [N, C, H, W] per level to [N, S, C], a level's row of levelEmbed added to all of its tokens.
    private static Tensor<T> Flatten(ForwardPass pass, IReadOnlyList<Tensor<T>> maps, Tensor<T>? levelEmbed)
    {
        TensorShape first = maps[0].Shape;
        Tensor<T> tokens = pass.Rent<T>([first[0], maps.Sum(map => map.Shape[2] * map.Shape[3]), first[1]]);
        int start = 0;
        for (int level = 0; level < maps.Count; level++)
        {
            T[]? row = levelEmbed?.AsReadOnlySpan().Slice(level * first[1], first[1]).ToArray();
            Permute.ToTokens(pass, maps[level], row, tokens, start);
            start += maps[level].Shape[2] * maps[level].Shape[3];
        }

        return tokens;
    }

    private static Tensor<bool> FlattenMasks(ForwardPass pass, IReadOnlyList<Tensor<bool>> masks) =>
        Concat.Forward(pass, masks.Select(mask => mask.Reshape([mask.Shape[0], mask.Shape[1] * mask.Shape[2]])).ToList(), 1);

    private static LevelLayout Layout(ForwardPass pass, IReadOnlyList<Tensor<T>> srcs)
    {
        Tensor<long> spatialShapes = new([srcs.Count, 2]);
        Tensor<long> levelStartIndex = new([srcs.Count]);
        long start = 0;
        for (int level = 0; level < srcs.Count; level++)
        {
            spatialShapes[level, 0] = srcs[level].Shape[2];
            spatialShapes[level, 1] = srcs[level].Shape[3];
            levelStartIndex[level] = start;
            start += (long)srcs[level].Shape[2] * srcs[level].Shape[3];
        }

        return new LevelLayout(
            pass.Tap("transformer.spatial_shapes", spatialShapes), pass.Tap("transformer.level_start_index", levelStartIndex));
    }

    private void Check(IReadOnlyList<Tensor<T>> srcs, IReadOnlyList<Tensor<bool>> masks, IReadOnlyList<Tensor<T>> posEmbeds)
    {
        int levels = _config.NumFeatureLevels;
        ShapeGuard.That(
            srcs.Count == levels && masks.Count == levels && posEmbeds.Count == levels,
            "transformer", "srcs",
            $"hold {srcs.Count} levels, masks {masks.Count}, pos {posEmbeds.Count}; expected num_feature_levels = {levels} of each.");
        for (int level = 0; level < levels; level++)
        {
            TensorShape shape = srcs[level].Shape;
            ShapeGuard.Require("transformer", $"srcs.{level}", shape, "[N, C, H, W]", srcs[0].Shape[0], _config.HiddenDim, -1, -1);
            ShapeGuard.Require("transformer", $"masks.{level}", masks[level].Shape, "[N, H, W]", shape[0], shape[2], shape[3]);
            ShapeGuard.Require(
                "transformer", $"pos.{level}", posEmbeds[level].Shape, "[N, C, H, W]", shape[0], shape[1], shape[2], shape[3]);
        }
    }
}
