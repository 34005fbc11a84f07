using System.Text;
using DeformDetr.Formats.Pictures;

namespace DeformDetr.Fuzz;

internal sealed class PpmFileReader : PictureReader
{
    public PpmFileReader(Scratch scratch)
        : base("ppm", scratch)
    {
        Seeds =
        [
            ByHand("P6\n3 2\n255\n", 18), ByHand("P5 4 1 255 ", 4), ByHand("P6 # comment\n2\t2 # another\n65535\n", 24), ByHand("P6 1 1 7 ", 3), ByHand("P5\n5 5\n100\n", 25),
            ByHand("P6\n40 30\n255\n", 3600),
        ];
        Mutators = TextMutators.All;
    }

    // The file, three bytes for a grey one, and room for a long head.
    public override int AllocationPerByte => 8;

    protected override (int Height, int Width) SizeIn(byte[] content)
    {
        int[] numbers = Numbers(content, out _);
        return (numbers[1], numbers[0]);
    }

    protected override string? WrongPixels(Picture picture, byte[] content)
    {
        int maximum = Numbers(content, out int at)[2];
        ReadOnlySpan<byte> rgb = picture.Rgb.AsReadOnlySpan();
        int times = content[1] == '5' ? 3 : 1;
        for (int index = 0; index < rgb.Length; index++)
        {
            int sample = index / times;
            int value = maximum > 255 ? (content[at + (2 * sample)] << 8) | content[at + (2 * sample) + 1] : content[at + sample];
            if (rgb[index] != Math.Min(255, Math.Round(value * 255.0 / maximum)))
            {
                return $"sample {sample} is {value} of {maximum} and was read as {rgb[index]}";
            }
        }

        return null;
    }

    private static int[] Numbers(byte[] content, out int end)
    {
        int[] numbers = new int[3];
        end = 2;
        for (int index = 0; index < numbers.Length; index++)
        {
            while (!char.IsAsciiDigit((char)content[end]))
            {
                bool comment = content[end++] == '#';
                while (comment && content[end] is not ((byte)'\n' or (byte)'\r'))
                {
                    end++;
                }
            }

            for (; char.IsAsciiDigit((char)content[end]); end++)
            {
                numbers[index] = (10 * numbers[index]) + content[end] - '0';
            }
        }

        // The one white space behind them.
        end++;
        return numbers;
    }

    private static byte[] ByHand(string head, int bytes) => [.. Encoding.ASCII.GetBytes(head), .. Enumerable.Range(1, bytes).Select(value => (byte)(value * 37))];
}
