using System.Runtime.InteropServices;
using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Pictures;

public sealed class PictureNormalizationTests
{
    [Fact]
    public void Every_byte_of_every_channel_has_the_bits_of_torchvision()
    {
        byte[] expected = PictureFixtures.Read<Case>("normalization.json")[0].Float32;
        Tensor<byte> picture = new([16, 16, 3]);
        for (int i = 0; i < picture.Length; i++)
        {
            picture.AsSpan()[i] = (byte)(i / 3);
        }

        Tensor<float> normalized = PictureNormalization.Normalize(picture);

        Assert.True(normalized.Shape == [3, 16, 16]);
        Assert.Equal(MemoryMarshal.Cast<byte, int>(expected).ToArray(), MemoryMarshal.Cast<float, int>(normalized.AsReadOnlySpan()).ToArray());
    }

    [Fact]
    public void Channels_move_to_the_front_and_pixels_keep_their_places()
    {
        Tensor<byte> picture = PictureFixtures.Noise(3, 5, 1);

        Tensor<float> normalized = PictureNormalization.Normalize(picture);

        float[] mean = [0.485f, 0.456f, 0.406f];
        float[] std = [0.229f, 0.224f, 0.225f];
        for (int channel = 0; channel < 3; channel++)
        {
            for (int y = 0; y < 3; y++)
            {
                for (int x = 0; x < 5; x++)
                {
                    Assert.Equal(((picture[y, x, channel] / 255.0) - mean[channel]) / std[channel], normalized[channel, y, x], 1e-6);
                }
            }
        }
    }

    [Fact]
    public void Another_shape_is_refused()
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => PictureNormalization.Normalize(new Tensor<byte>([3, 4, 5])));
        Assert.Contains("normalize: rgb holds [3, 4, 5]; expected [h, w, 3]", e.Message, StringComparison.Ordinal);
    }

    private sealed record Case(byte[] Float32);
}
