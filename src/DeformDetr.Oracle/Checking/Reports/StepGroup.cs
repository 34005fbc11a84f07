namespace DeformDetr.Oracle;

// Steps that follow one another and belong to one module.
internal sealed record StepGroup(string Title, int First, IReadOnlyList<TensorCheck> Steps)
{
    // Runs shorter than this join their short neighbours.
    private const int Short = 5;

    private const int MostNames = 3;

    public static IReadOnlyList<StepGroup> Of(IReadOnlyList<TensorCheck> tensors)
    {
        List<(List<string> Modules, int First, int Count)> runs = [];
        for (int index = 0; index < tensors.Count;)
        {
            string module = Module(tensors[index].Name);
            int end = index + 1;
            while (end < tensors.Count && Module(tensors[end].Name) == module)
            {
                end++;
            }

            if (end - index < Short && runs.Count > 0 && runs[^1].Count is var before && (before < Short || runs[^1].Modules.Count > 1))
            {
                (List<string> modules, int first, int count) = runs[^1];
                if (!modules.Contains(module))
                {
                    modules.Add(module);
                }

                runs[^1] = (modules, first, count + end - index);
            }
            else
            {
                runs.Add(([module], index, end - index));
            }

            index = end;
        }

        return
        [
            .. runs.Select(run => new StepGroup(
                string.Join(", ", run.Modules.Take(MostNames)) + (run.Modules.Count > MostNames ? ", …" : ""), run.First,
                [.. tensors.Skip(run.First).Take(run.Count)])),
        ];
    }

    // "backbone", "transformer.encoder.layers.0", "transformer", "class_embed": up to the first number, which counts only for layers.
    public static string Module(string name)
    {
        string[] parts = name.Split('.');
        int number = Array.FindIndex(parts, part => part.Length > 0 && part.All(char.IsAsciiDigit));
        int length = number switch
        {
            < 0 => Math.Max(1, parts.Length - 1),
            0 => 1,
            _ => parts[number - 1] == "layers" ? number + 1 : number,
        };
        return string.Join('.', parts.Take(length));
    }
}
