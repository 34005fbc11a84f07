using DeformDetr.Formats.Pictures;
using DeformDetr.Oracle;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Cli;

// Runs a model over pictures, so many at a time. A picture that can't be read, or that the model can't run on, is noted, and the others
// go on without it.
internal sealed class DetectRun(RunConfiguration run, double threshold, int batch)
{
    private readonly List<PictureDetections> _found = [];
    private readonly List<int> _places = [];
    private readonly List<string> _notes = [];

    public IReadOnlyList<PictureDetections> Found => _found;

    // Of each picture in Found, which of the pictures it was, from 0.
    public IReadOnlyList<int> Places => _places;

    // A line each, in the order of the pictures.
    public IReadOnlyList<string> Notes => _notes;

    public bool AnyFailed { get; private set; }

    public void Run(ModelRun<float> model, IReadOnlyList<string> paths, Action<string> step)
    {
        foreach (int[] part in Enumerable.Range(0, paths.Count).Chunk(batch))
        {
            List<Picture> pictures = [];
            List<int> places = [];
            foreach (int place in part)
            {
                step(paths[place]);
                Try(() =>
                {
                    pictures.Add(Read(paths[place]));
                    places.Add(place);
                });
            }

            if (places.Count > 0)
            {
                Try(() => Detect(model, [.. places.Select(place => paths[place])], pictures));
                _places.AddRange(places.TakeLast(_found.Count - _places.Count));
            }
        }
    }

    private Picture Read(string path)
    {
        Picture picture = ModelInput.Decode(path, run.Preprocess);
        if (picture.IsTurned)
        {
            _notes.Add(OneLine.Printable(
                $"{path}: its Exif orientation, {Numbers.Count(picture.Orientation)}, is ignored, as the original ignores it."));
        }

        return picture;
    }

    private void Detect(ModelRun<float> model, IReadOnlyList<string> paths, IReadOnlyList<Picture> pictures)
    {
        ModelInput input = ModelInput.Of(pictures, paths, run.Preprocess);
        IReadOnlyList<Detections<float>> results = model.Run(input, Kernels.Simd, Environment.ProcessorCount, null)!;
        for (int b = 0; b < paths.Count; b++)
        {
            _found.Add(new PictureDetections(
                paths[b], (int)input.TargetSizes![b, 1], (int)input.TargetSizes[b, 0],
                Detection.AtLeast(results[b], run.Classes, threshold)));
        }
    }

    private void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception) when (OneLine.Of(exception) is { } line)
        {
            _notes.Add(line);
            AnyFailed = true;
        }
    }
}
