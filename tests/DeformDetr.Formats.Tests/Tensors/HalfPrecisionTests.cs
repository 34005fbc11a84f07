using System.Runtime.InteropServices;

namespace DeformDetr.Formats.Tests;

public class HalfPrecisionTests
{
    private const int Patterns = 1 << 16;

    [Fact]
    public void Every_f16_pattern_widens_as_the_half_of_the_bcl_does()
    {
        float[] widened = Widen("F16");
        for (int pattern = 0; pattern < Patterns; pattern++)
        {
            Half half = BitConverter.UInt16BitsToHalf((ushort)pattern);
            uint bits = BitConverter.SingleToUInt32Bits(widened[pattern]);
            if (Half.IsNaN(half))
            {
                Assert.Equal(0x7F800000u | ((uint)(pattern & 0x8000) << 16) | ((uint)(pattern & 0x3FF) << 13), bits);
                Assert.True(float.IsNaN(widened[pattern]));
            }
            else
            {
                Assert.Equal(BitConverter.SingleToUInt32Bits((float)half), bits);
            }
        }
    }

    [Fact]
    public void Every_bf16_pattern_is_the_upper_half_of_its_float()
    {
        float[] widened = Widen("BF16");
        for (int pattern = 0; pattern < Patterns; pattern++)
        {
            Assert.Equal((uint)pattern << 16, BitConverter.SingleToUInt32Bits(widened[pattern]));
        }
    }

    private static float[] Widen(string dtype)
    {
        ushort[] patterns = [.. Enumerable.Range(0, Patterns).Select(pattern => (ushort)pattern)];
        string header = $$"""{"w":{"dtype":"{{dtype}}","shape":[65536],"data_offsets":[0,131072]} }""";
        using TemporaryFolder folder = new();
        using TensorFile file = TensorFile.Open(folder.File("a.safetensors", SafetensorsBytes.Of(header, MemoryMarshal.AsBytes(patterns))));
        return file.Read<float>("w").AsReadOnlySpan().ToArray();
    }
}
