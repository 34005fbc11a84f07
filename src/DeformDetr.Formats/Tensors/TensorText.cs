using System.Text;

namespace DeformDetr.Formats;

internal static class TensorText
{
    // Whether UTF-8 can hold the text, that is, no half of a surrogate pair stands alone.
    public static bool IsValid(string text)
    {
        for (int index = 0; index < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, index, out Rune rune))
            {
                return false;
            }

            index += rune.Utf16SequenceLength;
        }

        return true;
    }
}
