using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using DeformDetr.Formats;
using DeformDetr.Oracle;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Cli;

// The main job: pictures -> resize -> normalise -> batch -> model -> detections, and every tensor on the way beside the original's.
internal static class DemoRun
{
    public const double Threshold = 0.5;

    public static Outcome Run(Request request, Action<string> step) =>
        request.ElementType == ElementType.Float64 ? Run<double>(request, step) : Run<float>(request, step);

    private static Outcome Run<T>(Request request, Action<string> step)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Stopwatch clock = Stopwatch.StartNew();
        GoldenCase golden = GoldenCase.Load(request.Golden);
        RunConfiguration run = RunConfiguration.Load(Path.Combine(request.Golden, "case.json"));
        GroundTruth truth = GroundTruth.Load(Path.Combine(request.Golden, "truth.json"));
        IReadOnlyList<int> chosen = Chosen(request, golden);
        string[] paths = [.. chosen.Select(index => golden.PicturePaths[index])];

        step("model");
        ModelRun<T> model = new(golden.Weights!.Load<T>(run.Config));

        step("pictures");
        Dictionary<string, Tensor> images = new(StringComparer.Ordinal);
        ModelInput input = ModelInput.Load(paths, run.Preprocess, images.Add);
        int resized = Resized(request, chosen, images);

        step("detections");
        TraceSink outputs = new(null, new NamePatterns([]));
        IReadOnlyList<Detections<T>> results = model.Run(input, request.Kernels, request.Threads, outputs)!;
        List<PictureDetections> found = [.. paths.Select((path, b) => new PictureDetections(
            path, (int)input.TargetSizes![b, 1], (int)input.TargetSizes[b, 0], Detection.AtLeast(results[b], run.Classes, Threshold)))];
        IReadOnlyList<TrueObject> TruthOf(int b) => truth.Of(Path.GetFileName(paths[b]));

        step("golden tensors");
        CaseResult? verdicts = request.Picture is null
            ? CaseVerifier.Verify(golden, request.ElementType, request.Kernels, request.Threads)
            : null;

        step("annotated pictures");
        IReadOnlyList<string> written = ReportFolder.Write(request.Folder, found, b => (Tensor<byte>)images[Name(b, "decoded")], TruthOf);
        List<IReadOnlyList<TruthMatch>> matches = [.. found.Select((picture, b) => TruthMatching.Match(picture.Detections, TruthOf(b)))];
        return new Outcome(request, found, matches, resized, verdicts, outputs.RunFingerprint, written, clock.Elapsed);
    }

    private static IReadOnlyList<int> Chosen(Request request, GoldenCase golden)
    {
        int count = golden.PicturePaths.Count;
        return request.Picture switch
        {
            null => [.. Enumerable.Range(0, count)],
            { } number when number <= count => [number - 1],
            { } number =>
                throw new InvalidDataException(
                    string.Create(CultureInfo.InvariantCulture, $"--picture holds {number}; expected 1 to {count}.")),
        };
    }

    // How many of the pictures our resize gives bit for bit as Pillow's did.
    private static int Resized(Request request, IReadOnlyList<int> chosen, Dictionary<string, Tensor> images)
    {
        using TensorFile pictures = TensorFile.Open(Path.Combine(request.Golden, "pictures.safetensors"));
        int same = 0;
        for (int b = 0; b < chosen.Count; b++)
        {
            Tensor<byte> expected = pictures.Read<byte>(Name(chosen[b], "resized"));
            Tensor<byte> ours = (Tensor<byte>)images[Name(b, "resized")];
            same += ours.Shape == expected.Shape && ours.AsReadOnlySpan().SequenceEqual(expected.AsReadOnlySpan()) ? 1 : 0;
        }

        return same;
    }

    private static string Name(int picture, string what) => string.Create(CultureInfo.InvariantCulture, $"images.{picture}.{what}");

    internal sealed record Request(string Golden, ElementType ElementType, Kernels Kernels, int Threads, int? Picture, string Folder);

    // Verdicts is null where one picture ran alone.
    internal sealed record Outcome(
        Request Request, IReadOnlyList<PictureDetections> Pictures, IReadOnlyList<IReadOnlyList<TruthMatch>> Matches, int Resized,
        CaseResult? Verdicts, string Fingerprint, IReadOnlyList<string> Written, TimeSpan Time)
    {
        public bool Passed => Resized == Pictures.Count && Verdicts is null or { Passed: true };
    }
}
