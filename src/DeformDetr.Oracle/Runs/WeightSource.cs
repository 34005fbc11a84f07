using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using DeformDetr.Formats;
using DeformDetr.Reference;

namespace DeformDetr.Oracle;

/// <summary>Where a model's weights come from: a checkpoint file, or the recipe and a seed.</summary>
/// <param name="Path">The checkpoint; null for the recipe.</param>
/// <param name="Seed">The recipe's seed.</param>
public sealed record WeightSource(string? Path, ulong Seed) : IWeightLoader
{
    private const string RecipePrefix = "recipe:";

    /// <summary>Whether weights are made and not read.</summary>
    public bool IsRecipe => Path is null;

    /// <summary>What a person wrote.</summary>
    public string Text => Path ?? string.Create(CultureInfo.InvariantCulture, $"{RecipePrefix}{Seed}");

    /// <summary>Understands <c>recipe:SEED</c> or a path.</summary>
    /// <param name="text">What a person wrote.</param>
    /// <exception cref="InvalidDataException">A seed that is no number.</exception>
    public static WeightSource Parse(string text)
    {
        if (!text.StartsWith(RecipePrefix, StringComparison.Ordinal))
        {
            return new WeightSource(text, 0);
        }

        return ulong.TryParse(text.AsSpan(RecipePrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed)
            ? new WeightSource(null, seed)
            : throw new InvalidDataException(
                $"weights: '{text}' has no seed; expected recipe:SEED with a whole number from 0 to 2^64 - 1.");
    }

    /// <summary>Builds the model.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="config">Sizes and variant.</param>
    public DeformableDetr<T> Load<T>(DeformableDetrConfig config)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        Load<T, DeformableDetr<T>>(config.WithBoxRefine, weights => new DeformableDetr<T>(config, weights));

    /// <summary>Builds anything that takes weights, and then requires that it took all of them.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <typeparam name="TModel">What is built.</typeparam>
    /// <param name="withBoxRefine">Whether every layer has heads of its own.</param>
    /// <param name="build">Builds it.</param>
    public TModel Load<T, TModel>(bool withBoxRefine, Func<IWeights<T>, TModel> build)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (Path is null)
        {
            return build(new RecipeWeights<T>(Seed, withBoxRefine));
        }

        using Checkpoint checkpoint = Checkpoint.Open(Path);
        CheckpointWeights<T> weights = new(checkpoint.Store, withBoxRefine);
        TModel model = build(weights);
        weights.Finish();
        return model;
    }

    /// <summary>SHA-256 of the checkpoint file, of all files of a sharded one together, or of the recipe's text, in hexadecimal.</summary>
    public string Sha256() =>
        Path is null ? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text))) : FileHash.Sha256(ShardedFile.FilesOf(Path));
}
