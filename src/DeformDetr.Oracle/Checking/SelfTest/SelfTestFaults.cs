using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Faults that no catalogue has: slips of an implementation or of a dump script.
internal sealed record SelfTestFault(string Name, Func<Step, bool> Fits, Func<Step, Tensor<float>, Tensor<float>> Change)
{
    // Changes of values: whatever follows is computed from them.
    public static IReadOnlyList<SelfTestFault> OfValues { get; } =
    [
        new("one element off by a thousandth of the scale", Ends(".linear1"), (_, x) => Change1(x, 5, v => v + (0.001f * Scale(x)))),
        new("one element off by 2^-12 of the scale", Ends(".norm1"), (_, x) => Change1(x, 9, v => v + (Scale(x) / 4096))),
        new("bias lost in one channel", Ends(".sampling_offsets"), (_, x) => Strided(x, 7, v => v - (Scale(x) / 4096))),
        new("one channel zero", Ends(".value"), (_, x) => Strided(x, 3, _ => 0)),
        new("one row with the sign changed", Ends(".self_attn"), (_, x) => Row(x, 2, v => -v)),
        new("two rows exchanged", Ends(".norm2"), (_, x) => Exchange(x, 1, 4)),
        new("rows rolled by one", Ends(".cross_attn"), (_, x) => Roll(x)),
        new("noise of 1e-4", Ends(".linear2"), (_, x) => All(x, (v, i) => v * (1 + (1e-4f * (((i * 40503) & 1023) - 512) / 512)))),
        new("sixteen bits of mantissa", Ends(".sampled"), (_, x) => All(x, (v, _) => Short(v))),
        new("last element not written", Ends("bbox_embed.0.layers.1"), (_, x) => Change1(x, x.Length - 1, _ => 0)),
        new("last row not written", step => step.Name.StartsWith("class_embed", StringComparison.Ordinal), (_, x) => Row(x, Rows(x) - 1, _ => 0)),
        new("large values saturate", Ends("attention_logits"), (_, x) => All(x, (v, _) => Math.Clamp(v, -0.5f * Scale(x), 0.5f * Scale(x)))),
    ];

    // Changes of the dump alone, by name; what is left, and what is said of it.
    public static IReadOnlyList<(string Name, string Suffix, Func<Dictionary<string, Tensor>, string, string?> Change, CheckStatus Status)>
        OfDumps
    { get; } =
        [
            ("NaN in one element", ".linear1", (dump, name) => Set(dump, name, x => Change1(x, 5, _ => float.NaN)), CheckStatus.Broken),
            ("NaN everywhere", ".norm1", (dump, name) => Set(dump, name, x => All(x, (_, _) => float.NaN)), CheckStatus.Broken),
            ("nothing but zeros", ".linear2", (dump, name) => Set(dump, name, x => All(x, (_, _) => 0)), CheckStatus.Broken),
            ("one number everywhere", ".sampled", (dump, name) => Set(dump, name, x => All(x, (_, _) => 1.5f)), CheckStatus.Broken),
            ("another tensor's buffer", "layers.1.norm1", (dump, name) => Stale(dump, name), CheckStatus.Broken),
            ("axes exchanged", ".value", (dump, name) => Turn(dump, name), CheckStatus.Broken),
            ("absent", ".sampling_locations", (dump, name) => dump.Remove(name) ? name : null, CheckStatus.Absent),
        ];

    private static Func<Step, bool> Ends(string suffix) => step => step.Name.EndsWith(suffix, StringComparison.Ordinal);

    private static int Rows(Tensor<float> x) => x.Length / x.Shape[^1];

    private static float Scale(Tensor<float> x)
    {
        float scale = 0;
        foreach (float value in x.AsReadOnlySpan())
        {
            scale = Math.Max(scale, Math.Abs(value));
        }

        return scale;
    }

    private static float Short(float value) => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xFFFFFF80);

    private static Tensor<float> All(Tensor<float> x, Func<float, int, float> function)
    {
        Tensor<float> y = x.Clone();
        for (int i = 0; i < y.Length; i++)
        {
            y.AsSpan()[i] = function(x.AsReadOnlySpan()[i], i);
        }

        return y;
    }

    private static Tensor<float> Change1(Tensor<float> x, int at, Func<float, float> function) =>
        All(x, (value, i) => i == at ? function(value) : value);

    private static Tensor<float> Strided(Tensor<float> x, int channel, Func<float, float> function) =>
        All(x, (value, i) => i % x.Shape.LengthFrom(2) == channel ? function(value) : value);

    private static Tensor<float> Row(Tensor<float> x, int row, Func<float, float> function) =>
        All(x, (value, i) => i / x.Shape[^1] == row ? function(value) : value);

    private static Tensor<float> Exchange(Tensor<float> x, int one, int other) => All(
        x,
        (value, i) =>
        {
            int width = x.Shape[^1];
            int row = i / width;
            int from = row == one ? other : row == other ? one : row;
            return x.AsReadOnlySpan()[(from * width) + (i % width)];
        });

    private static Tensor<float> Roll(Tensor<float> x) => All(x, (_, i) => x.AsReadOnlySpan()[(i + x.Shape[^1]) % x.Length]);

    private static string Set(Dictionary<string, Tensor> dump, string name, Func<Tensor<float>, Tensor<float>> change)
    {
        dump[name] = change((Tensor<float>)dump[name]);
        return name;
    }

    // The tensor of the layer before, as a script leaves it that keeps references to one buffer.
    private static string? Stale(Dictionary<string, Tensor> dump, string name)
    {
        string before = name.Replace("layers.1", "layers.0", StringComparison.Ordinal);
        if (!dump.TryGetValue(before, out Tensor? other))
        {
            return null;
        }

        dump[name] = other.CloneUntyped();
        return name;
    }

    private static string Turn(Dictionary<string, Tensor> dump, string name)
    {
        Tensor<float> x = (Tensor<float>)dump[name];
        dump[name] = x.Reshape([x.Shape[0], x.Shape[2], x.Shape[1], .. x.Shape.Sizes[3..].ToArray()]);
        return name;
    }
}
