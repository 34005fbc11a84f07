namespace DeformDetr.Oracle;

// Colours that are told apart on a photograph; the class number chooses, so that a class has one colour in all pictures.
internal static class ClassColours
{
    private static readonly (string Fill, string Text)[] Palette =
    [
        ("#e6194b", "#ffffff"), ("#3cb44b", "#000000"), ("#ffe119", "#000000"), ("#4363d8", "#ffffff"), ("#f58231", "#000000"),
        ("#911eb4", "#ffffff"), ("#42d4f4", "#000000"), ("#f032e6", "#000000"), ("#bfef45", "#000000"), ("#fabed4", "#000000"),
        ("#469990", "#ffffff"), ("#9a6324", "#ffffff"),
    ];

    public static (string Fill, string Text) Of(long label) => Palette[(int)((ulong)label % (ulong)Palette.Length)];
}
