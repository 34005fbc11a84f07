namespace DeformDetr.Fuzz;

// The grammar of a refusal: one line, the file, what is there, what was expected.
internal static class Wording
{
    public static string? Fault(string message, string blamed) =>
        !message.StartsWith(blamed, StringComparison.Ordinal) ? $"a refusal that doesn't begin with the file: {message}"
        : !message.Contains("; expected ", StringComparison.Ordinal) ? $"a refusal that doesn't say what was expected: {message}"
        : message.Any(char.IsControl) ? $"a refusal with control characters: {message}"
        : message.Length > 4000 ? $"a refusal of {message.Length} letters: {message[..200]}"
        : null;
}
