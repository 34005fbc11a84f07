using System.Globalization;
using System.Runtime.CompilerServices;

namespace DeformDetr.Tensors;

/// <summary>The one place that words shape errors: <c>operator: argument holds what; expected symbols = numbers.</c></summary>
public static class ShapeGuard
{
    /// <summary>Requires a shape.</summary>
    /// <param name="name">The operator, as it should stand in the message.</param>
    /// <param name="argument">The argument's name.</param>
    /// <param name="actual">Its shape.</param>
    /// <param name="symbols">The expected shape in the symbols of docs/shapes.md, such as <c>[N, S, C]</c>.</param>
    /// <param name="expected">The expected sizes; -1 takes any size.</param>
    /// <exception cref="ArgumentException">The rank or a size differs.</exception>
    public static void Require(string name, string argument, TensorShape actual, string symbols, params ReadOnlySpan<int> expected)
    {
        bool fits = actual.Rank == expected.Length;
        for (int axis = 0; fits && axis < expected.Length; axis++)
        {
            fits = expected[axis] < 0 || expected[axis] == actual[axis];
        }

        if (!fits)
        {
            Fail(name, argument, actual, symbols, expected);
        }
    }

    /// <summary>Requires a number of axes.</summary>
    /// <param name="name">The operator.</param>
    /// <param name="argument">The argument's name.</param>
    /// <param name="actual">Its shape.</param>
    /// <param name="symbols">The expected shape in symbols.</param>
    /// <param name="rank">How many axes.</param>
    /// <exception cref="ArgumentException">Another rank.</exception>
    public static void Rank(string name, string argument, TensorShape actual, string symbols, int rank)
    {
        if (actual.Rank != rank)
        {
            throw new ArgumentException(Text($"{name}: {argument} holds {actual}; expected {symbols}, {rank} axes."));
        }
    }

    /// <summary>Requires a condition on an argument.</summary>
    /// <param name="holds">Whether it holds.</param>
    /// <param name="name">The operator.</param>
    /// <param name="argument">The argument's name.</param>
    /// <param name="what">The rest of the sentence: <c>holds 7; expected …</c></param>
    /// <exception cref="ArgumentException">It doesn't hold.</exception>
    public static void That(bool holds, string name, string argument, [InterpolatedStringHandlerArgument(nameof(holds))] GuardText what)
    {
        if (!holds)
        {
            throw new ArgumentException($"{name}: {argument} {what.Text}");
        }
    }

    private static void Fail(string name, string argument, TensorShape actual, string symbols, ReadOnlySpan<int> expected)
    {
        string[] words = new string[expected.Length];
        for (int axis = 0; axis < words.Length; axis++)
        {
            words[axis] = expected[axis] < 0 ? "any" : expected[axis].ToString(CultureInfo.InvariantCulture);
        }

        throw new ArgumentException($"{name}: {argument} holds {actual}; expected {symbols} = [{string.Join(", ", words)}].");
    }

    internal static void WholeRows(string name, int input, int channels, int output)
    {
        That(
            channels > 0 && input % channels == 0, name, nameof(input),
            $"holds {input} elements; expected whole rows of {channels}, at least 1 wide.");
        That(output == input, name, nameof(output), $"holds {output} elements; expected as many as input = {input}.");
    }

    private static string Text(DefaultInterpolatedStringHandler text) => text.ToStringAndClear();

    /// <summary>Text that is put together only where the guard fails.</summary>
    [InterpolatedStringHandler]
    public ref struct GuardText
    {
        private DefaultInterpolatedStringHandler _inner;
        private readonly bool _needed;

        /// <summary>Called by the compiler.</summary>
        /// <param name="literalLength">Characters outside the holes.</param>
        /// <param name="formattedCount">How many holes.</param>
        /// <param name="holds">Whether the guard holds, so that no text is needed.</param>
        /// <param name="needed">Whether the compiler should format.</param>
        public GuardText(int literalLength, int formattedCount, bool holds, out bool needed)
        {
            _needed = needed = !holds;
            _inner = holds ? default : new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture);
        }

        internal string Text => _needed ? _inner.ToString() : "";

        /// <summary>Called by the compiler.</summary>
        /// <param name="text">A literal part.</param>
        public void AppendLiteral(string text) => _inner.AppendLiteral(text);

        /// <summary>Called by the compiler.</summary>
        /// <typeparam name="T">The value's type.</typeparam>
        /// <param name="value">A hole's value.</param>
        public void AppendFormatted<T>(T value) => _inner.AppendFormatted(value);
    }
}
