using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Laws.Tests;

internal enum CoreFault
{
    None,
    AlignCorners,
    ClampedBorder,
    SwappedAxes,
    FloorOnly,
    LevelOrder,
}

// Somebody's core of deformable attention in float32, with the faults that tests/laws-port/core.py has.
internal static class FaultyCore
{
    public static IReadOnlyDictionary<string, Tensor> Run(LawInput input, CoreFault fault)
    {
        Tensor<float> value = (Tensor<float>)input.Tensors["value"];
        Tensor<long> shapes = (Tensor<long>)input.Tensors["spatial_shapes"];
        Tensor<long> starts = (Tensor<long>)input.Tensors["level_start_index"];
        Tensor<float> locations = (Tensor<float>)input.Tensors["sampling_locations"];
        Tensor<float> weights = (Tensor<float>)input.Tensors["attention_weights"];
        TensorShape s = weights.Shape;
        (int queries, int heads, int levels, int points, int channels) = (s[1], s[2], s[3], s[4], value.Shape[3]);
        Tensor<float> output = new([s[0], queries, heads * channels]);
        for (int sample = 0; sample < weights.Length; sample++)
        {
            int level = sample / points % levels;
            int item = sample / points / levels;
            (int height, int width) = ((int)shapes[level, 0], (int)shapes[level, 1]);
            int swap = fault == CoreFault.SwappedAxes ? 1 : 0;
            float x = Pixel(locations.AsSpan()[(2 * sample) + swap], width, fault);
            float y = Pixel(locations.AsSpan()[(2 * sample) + 1 - swap], height, fault);
            float weight = fault == CoreFault.LevelOrder
                ? weights.AsSpan()[(((item * levels) + levels - 1 - level) * points) + (sample % points)]
                : weights.AsSpan()[sample];
            for (int corner = 0; corner < 4; corner++)
            {
                float column = MathF.Floor(x) + (corner & 1);
                float row = MathF.Floor(y) + (corner >> 1);
                if (column < 0 || column >= width || row < 0 || row >= height || (fault == CoreFault.FloorOnly && corner > 0))
                {
                    continue;
                }

                float share = fault == CoreFault.FloorOnly ? 1 : (1 - MathF.Abs(x - column)) * (1 - MathF.Abs(y - row));
                int token = (item / heads / queries * value.Shape[1]) + (int)starts[level] + ((int)row * width) + (int)column;
                for (int channel = 0; channel < channels; channel++)
                {
                    output.AsSpan()[(item * channels) + channel] +=
                        weight * share * value.AsSpan()[(((token * heads) + (item % heads)) * channels) + channel];
                }
            }
        }

        return new Dictionary<string, Tensor>(StringComparer.Ordinal) { ["output"] = output };
    }

    private static float Pixel(float location, int size, CoreFault fault)
    {
        float pixel = fault == CoreFault.AlignCorners ? location * (size - 1) : (location * size) - 0.5f;
        return fault == CoreFault.ClampedBorder ? Math.Clamp(pixel, 0, size - 1) : pixel;
    }
}
