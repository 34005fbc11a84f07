using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// From words and files to an operator that is ready to run.
internal static class OperatorLoader
{
    private const string Prefix = "prefix";
    private const int MostPictures = 1000;

    public static OperatorTensors Load(OperatorRequest request)
    {
        using TensorFile? file = request.Input is null ? null : TensorFile.Open(request.Input);
        string source = request.Input ?? request.Name;
        OperatorDefinition? definition = OperatorCatalogue.Find(request.Name);
        string? metadata = file is not null && file.Metadata.TryGetValue("config", out string? text) ? text : null;

        // A trace says which model it is of; other files, how their operator is set.
        JsonFile settings = Settings(request, definition is null ? null : metadata, source);
        if (definition is null && request.Run is null && metadata is not null)
        {
            JsonFile model = JsonFile.Parse(source, metadata);
            request = request with { Run = new RunConfiguration(ConfigReader.Read(model, model.Root), new PreprocessOptions(), null) };
        }

        if (definition is not null && request.Run is not null)
        {
            throw new InvalidDataException(
                $"{request.Name}: --config or --variant is given; expected --set for an operator, a configuration only for a tensor's name.");
        }

        Step? step = null;
        StepGraph? graph = null;
        if (definition is null)
        {
            (definition, step, graph) = StepByName(request, file?.Entries.Select(entry => entry.Name) ?? []);
        }

        string prefix = settings.Root.TryGetProperty(Prefix, out JsonElement path) ? $"{settings.String(path, Prefix)}." : "";
        OperatorSettings chosen = new(settings, settings.Root, request.Name, definition.Settings, Prefix);
        HashSet<string> taken = new(StringComparer.Ordinal);
        using Weights weights = new(request, step, prefix);
        OperatorTensors bound = OperatorTensors.Bind(definition, chosen, source, Input, name => weights.Find(name) ?? Input(name));

        // A whole trace may stand for the inputs of one of its tensors.
        List<string> left = file is null
            ? []
            : [.. file.Entries.Select(entry => entry.Name).Where(name => !taken.Contains(name) && graph?.TryFind(name, out _) != true)];
        return left.Count == 0
            ? bound
            : throw new InvalidDataException(
                $"{source}: tensors {SafeText.Short(string.Join(", ", left))} are unexpected; expected "
                + $"{string.Join(", ", definition.Inputs.Concat(definition.Weights).Select(tensor => tensor.Name))} of {definition.Name}.");

        Tensor? Input(string name)
        {
            // A step's inputs may be called by their roles too.
            string? found = file is null ? null
                : file.Contains(name) ? name
                : definition.Inputs.FirstOrDefault(tensor => tensor.Name == name)?.Role is { } role && file.Contains(role) ? role
                : null;
            if (found is null)
            {
                return null;
            }

            taken.Add(found);
            return file!.Read(found);
        }
    }

    // The metadata's settings, and those of the command line over them.
    private static JsonFile Settings(OperatorRequest request, string? metadata, string source)
    {
        JsonFile given = JsonFile.Parse(source, metadata ?? "{}");
        if (request.Settings.Count == 0)
        {
            return given;
        }

        JsonObject merged = JsonObject.Create(given.Root)!;
        foreach (string setting in request.Settings)
        {
            string[] pair = setting.Split('=', 2);
            if (pair.Length != 2 || pair[0].Length == 0)
            {
                throw new InvalidDataException($"--set holds '{setting}'; expected key=value.");
            }

            try
            {
                merged[pair[0]] = JsonNode.Parse(pair[1]);
            }
            catch (JsonException)
            {
                merged[pair[0]] = pair[1];
            }
        }

        return JsonFile.Parse(source, merged.ToJsonString());
    }

    // The step that makes a tensor of the model, as an operator under the tensors' names.
    private static (OperatorDefinition Definition, Step Step, StepGraph Graph) StepByName(OperatorRequest request, IEnumerable<string> beside)
    {
        RunConfiguration run = request.Run ?? RunConfiguration.Variant("r50");
        if (!request.Name.Contains('.', StringComparison.Ordinal) && !request.Name.Contains('_', StringComparison.Ordinal))
        {
            throw Unknown(request.Name);
        }

        // How many pictures there are only the names say: the tensor's own, and those of a whole trace that stands for its inputs.
        List<string> names = [request.Name, .. beside];
        StepGraph graph = StepGraph.Build(run.Config, Pictures(names, "images."), Pictures(names, "results."));
        if (!graph.TryFind(request.Name, out Step? step))
        {
            throw Unknown(request.Name);
        }

        return (StepOperator.Create(step!, run.Preprocess), step!, graph);
    }

    private static int Pictures(IEnumerable<string> names, string prefix) => names
        .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
        .Select(name => int.TryParse(name.Split('.')[1], NumberStyles.None, CultureInfo.InvariantCulture, out int picture) && picture < MostPictures ? picture + 1 : 0)
        .DefaultIfEmpty(0).Max();

    private static InvalidDataException Unknown(string name)
    {
        string[] near = [.. OperatorCatalogue.All.Select(definition => definition.Name)
            .Where(known => known.Contains(name, StringComparison.Ordinal) || name.Contains(known, StringComparison.Ordinal))];
        return new InvalidDataException(
            $"op: '{name}' is unknown; expected a name of 'deform-detr op --list'"
            + $"{(near.Length == 0 ? "" : $", such as {string.Join(", ", near)}")}, or the name of a tensor of the configuration.");
    }

    // Weights of a file by canonical name, or by recipe in the shapes that the configuration gives.
    private sealed class Weights : IDisposable
    {
        private readonly TensorFile? _file;
        private readonly StepWeights? _recipe;
        private readonly Dictionary<string, string> _byCanonical = new(StringComparer.Ordinal);
        private readonly string _prefix;

        public Weights(OperatorRequest request, Step? step, string prefix)
        {
            _prefix = prefix;
            if (request.Weights is null)
            {
                return;
            }

            DeformableDetrConfig? config = step is null ? null : (request.Run ?? RunConfiguration.Variant("r50")).Config;
            if (request.Weights.Path is { } path)
            {
                _file = TensorFile.Open(path);
                foreach (TensorEntry entry in _file.Entries)
                {
                    _byCanonical.TryAdd(WeightNames.Canonical(entry.Name, config?.WithBoxRefine ?? true), entry.Name);
                }
            }
            else
            {
                _recipe = config is null
                    ? throw new InvalidDataException(
                        $"--weights holds {request.Weights.Text} for {request.Name}; expected a file (a recipe has no shapes of its own).")
                    : step!.Weights.Count == 0 ? null : StepWeights.Load(request.Weights, config);
            }
        }

        public Tensor? Find(string name) =>
            _recipe is not null ? (_recipe.Contains(_prefix + name) ? _recipe[_prefix + name] : null)
            : _file is not null && _byCanonical.TryGetValue(_prefix + name, out string? stored) ? _file.Read(stored)
            : null;

        public void Dispose() => _file?.Dispose();
    }
}
