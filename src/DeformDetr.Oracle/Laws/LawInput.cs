using System.Text.Json;
using System.Text.Json.Nodes;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>One call of an implementation under a law.</summary>
/// <param name="Target">What is called: a target of the golden contract, or an operator of <c>deform-detr op --list</c>.</param>
/// <param name="Config">Its settings as a JSON object.</param>
/// <param name="Tensors">Inputs and weights by the contract's names: float32, int64 and bool.</param>
public sealed record LawInput(string Target, string Config, IReadOnlyDictionary<string, Tensor> Tensors)
{
    // Inputs whose numbers were themselves rounded to float32, so that what follows from them errs by that too.
    internal IReadOnlyCollection<string> Rounded { get; init; } = [];

    internal static LawInput Of(string target, string config, params (string Name, Tensor Tensor)[] tensors) =>
        new(target, config, tensors.ToDictionary(pair => pair.Name, pair => pair.Tensor, StringComparer.Ordinal));

    internal Tensor<float> Real(string name) => (Tensor<float>)Tensors[name];

    internal Tensor<long> Whole(string name) => (Tensor<long>)Tensors[name];

    internal Tensor<bool> Mask(string name) => (Tensor<bool>)Tensors[name];

    internal LawInput With(params (string Name, Tensor Tensor)[] tensors)
    {
        Dictionary<string, Tensor> all = new(Tensors, StringComparer.Ordinal);
        foreach ((string name, Tensor tensor) in tensors)
        {
            all[name] = tensor;
        }

        return this with { Tensors = all };
    }

    // Some indices along an axis, of several tensors.
    internal LawInput Pick(int axis, int[] indices, params string[] names) =>
        With([.. names.Where(Tensors.ContainsKey).Select(name => (name, Moves.Pick(LawDraw.Context, Tensors[name], axis, indices)))]);

    // Every number of a tensor by its place and value.
    internal LawInput Each(string name, Func<int, float, double> function)
    {
        Tensor<float> changed = Real(name).Clone();
        for (int i = 0; i < changed.Length; i++)
        {
            changed.AsSpan()[i] = (float)function(i, changed.AsSpan()[i]);
        }

        return With((name, changed));
    }

    internal LawInput Configured(string key, JsonNode value)
    {
        JsonObject config = JsonNode.Parse(Config)!.AsObject();
        config[key] = value;
        return this with { Config = config.ToJsonString() };
    }

    internal JsonElement Setting(string key)
    {
        using JsonDocument document = JsonDocument.Parse(Config);
        return document.RootElement.GetProperty(key).Clone();
    }
}
