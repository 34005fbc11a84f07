using System.Text.Json;

namespace DeformDetr.Cli.Tests;

/// <summary>What detect takes for pictures, and what it tells of them: folders, patterns, broken files, class names, COCO results.</summary>
public sealed class DetectPicturesTests : IDisposable
{
    private readonly Workshop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    public void A_folder_gives_its_pictures_in_the_order_of_their_names()
    {
        foreach (string name in new[] { "b.png", "a.PNG", "C.png" })
        {
            _shop.Picture(name, 16, 16);
        }

        _shop.Text("notes.txt", "no picture");
        Directory.CreateDirectory(_shop.At("inner.png"));
        _shop.Picture("inner.png/d.png", 16, 16);
        Assert.Equal(["C.png", "a.PNG", "b.png"], Detected(_shop.Folder));
    }

    [Fact]
    public void A_pattern_gives_what_it_matches_in_order_and_files_stand_where_they_are_named()
    {
        foreach (string folder in new[] { "x1", "x2", "y1" })
        {
            Directory.CreateDirectory(_shop.At(folder));
            _shop.Picture($"{folder}/2.png", 16, 16);
            _shop.Picture($"{folder}/10.png", 16, 16);
        }

        Assert.Equal(["x1/10.png", "x1/2.png", "x2/10.png", "x2/2.png"], Detected(_shop.At("x?/*.png")));
        Assert.Equal(["x2/2.png", "y1/2.png", "x1/2.png"], Detected(_shop.At("x2/2.png"), _shop.At("y?/2.png"), _shop.At("x1/?.png")));
    }

    [Fact]
    public void A_name_with_a_star_in_it_is_a_name_where_such_a_file_is_there()
    {
        _shop.Picture("a.png", 16, 16);
        _shop.Picture("?.png", 16, 16);
        Assert.Equal(["?.png"], Detected(_shop.At("?.png")));
    }

    [Fact]
    public void A_folder_or_a_pattern_without_pictures_is_refused()
    {
        _shop.Text("notes.txt", "no picture");
        CliRun.Of(["detect", _shop.Folder, .. Workshop.DemoModel])
            .RequireBadInput($"{_shop.Folder}: a folder without pictures; expected files named *.png, *.jpg, *.jpeg, *.jpe, *.jfif, *.ppm, *.pgm, *.pnm.");
        CliRun.Of(["detect", _shop.At("*.png"), .. Workshop.DemoModel])
            .RequireBadInput($"{_shop.At("*.png")}: matches no file; expected a PNG, JPEG or binary PPM file.");
    }

    [Fact]
    public void Broken_pictures_are_a_line_each_and_the_others_go_on()
    {
        string first = _shop.Picture("1.png", 16, 16);
        string broken = _shop.Text("2.png", "no picture at all");
        string absent = _shop.At("3.png");
        string last = _shop.Picture("4.png", 16, 16);

        CliRun run = CliRun.Of(["detect", first, broken, absent, last, .. _shop.TinyModel(), "--json", "--coco", _shop.At("r.json"), "--threshold", "0"]);

        Assert.Equal(2, run.Exit);
        Assert.Equal(
            $"deform-detr: {broken}: starts with bytes 6E6F207069637475; expected a PNG, JPEG or binary PPM file.\n"
            + $"deform-detr: {absent}: no such file; expected a PNG, JPEG or binary PPM file.\n",
            run.Error);
        Assert.Equal([first, last], Files(run));
        using JsonDocument results = JsonDocument.Parse(File.ReadAllText(_shop.At("r.json")));
        Assert.Equal([1, 4], results.RootElement.EnumerateArray().Select(one => one.GetProperty("image_id").GetInt64()).Distinct());
    }

    [Fact]
    public void A_batch_goes_on_without_its_broken_picture()
    {
        string[] pictures = [_shop.Picture("1.png", 16, 16), _shop.Text("2.png", "no picture at all"), _shop.Picture("3.png", 16, 24)];
        CliRun run = CliRun.Of(["detect", .. pictures, .. _shop.TinyModel(), "--json", "--batch", "3"]);
        Assert.Equal(2, run.Exit);
        Assert.Equal([pictures[0], pictures[2]], Files(run));
    }

    [Fact]
    public void Where_no_picture_can_be_read_nothing_is_printed_or_written()
    {
        string broken = _shop.Text("2.png", "no picture at all");
        CliRun.Of(["detect", broken, .. Workshop.DemoModel, "--json", "--coco", _shop.At("r.json"), "--out", _shop.At("found")])
            .RequireBadInput($"{broken}: starts with bytes 6E6F207069637475; expected a PNG, JPEG or binary PPM file.");
        Assert.Equal(["2.png"], _shop.Files);
    }

    [Fact]
    public void COCO_results_hold_every_detection_with_its_place_and_its_sides()
    {
        string results = _shop.At("r.json");
        CliRun run = CliRun.Of(["detect", Workshop.Shapes(4), Workshop.Shapes(1), .. Workshop.DemoModel, "--json", "--coco", results]).RequireDone();
        using JsonDocument own = JsonDocument.Parse(run.Out);
        using JsonDocument coco = JsonDocument.Parse(File.ReadAllText(results));
        List<JsonElement> entries = [.. coco.RootElement.EnumerateArray()];
        int at = 0;
        foreach ((int index, JsonElement picture) in own.RootElement.EnumerateArray().Index())
        {
            Assert.Equal(index + 1, picture.GetProperty("image_id").GetInt64());
            foreach (JsonElement detection in picture.GetProperty("detections").EnumerateArray())
            {
                JsonElement entry = entries[at++];
                Assert.Equal(["image_id", "category_id", "bbox", "score"], entry.EnumerateObject().Select(property => property.Name));
                Assert.Equal(index + 1, entry.GetProperty("image_id").GetInt64());
                Assert.Equal(detection.GetProperty("label").GetInt64(), entry.GetProperty("category_id").GetInt64());
                Assert.Equal(detection.GetProperty("score").GetRawText(), entry.GetProperty("score").GetRawText());
                double[] box = [.. detection.GetProperty("box").EnumerateArray().Select(side => (double)side.GetSingle())];
                double[] sides = [.. entry.GetProperty("bbox").EnumerateArray().Select(side => side.GetDouble())];
                Assert.Equal(box[0], sides[0], 1e-4);
                Assert.Equal(box[1], sides[1], 1e-4);
                Assert.Equal(box[2] - box[0], sides[2], 1e-4);
                Assert.Equal(box[3] - box[1], sides[3], 1e-4);
            }
        }

        Assert.Equal(entries.Count, at);
        Assert.True(at > 4);
    }

    [Theory]
    [InlineData("000000000139.png 000000000285.png", "139 285")]
    [InlineData("7.png 5.png", "7 5")]
    [InlineData("7.png a5.png", "1 2")]
    [InlineData("7.png other/7.png", "1 2")]
    [InlineData("7.png 99999999999999999999.png", "1 2")]
    public void Pictures_go_by_the_numbers_in_their_names_where_all_have_different_ones(string names, string ids)
    {
        Directory.CreateDirectory(_shop.At("other"));
        string[] pictures = [.. names.Split(' ').Select(name => _shop.Picture(name, 16, 16))];
        CliRun.Of(["detect", .. pictures, .. _shop.TinyModel(), "--threshold", "0", "--coco", _shop.At("r.json")]).RequireDone();
        using JsonDocument results = JsonDocument.Parse(File.ReadAllText(_shop.At("r.json")));
        Assert.Equal(ids.Split(' ').Select(long.Parse), results.RootElement.EnumerateArray().Select(one => one.GetProperty("image_id").GetInt64()).Distinct());
    }

    [Fact]
    public void A_results_file_that_can_t_be_is_refused_before_any_work()
    {
        string picture = _shop.Picture("1.png", 16, 16);
        string nowhere = _shop.At("nowhere/r.json");
        CliRun.Of(["detect", picture, .. Workshop.DemoModel, "--coco", nowhere])
            .RequireBadInput($"--coco holds '{nowhere}', whose folder does not exist; expected a file in one that does.");
        CliRun.Of(["detect", picture, .. Workshop.DemoModel, "--coco", _shop.Folder])
            .RequireBadInput($"--coco holds '{_shop.Folder}', a folder; expected the name of a file to write.");
        CliRun.Of(["detect", picture, .. Workshop.DemoModel, "--out", _shop.At("found"), "--coco", _shop.At("found/r.json")]).RequireDone();
        Assert.Contains("found/r.json", _shop.Files);
    }

    [Fact]
    public void Labels_are_called_as_asked()
    {
        string[] words = ["detect", Workshop.Shapes(4), .. Workshop.DemoModel, "--json", "--threshold", "0.8"];
        string names = _shop.Text("names.txt", "zero\none\ntwo\nthree\nfour\nfive\n");
        Assert.Contains("ring", Classes(CliRun.Of(words)));
        Assert.Contains("5", Classes(CliRun.Of([.. words, "--classes", "none"])));
        Assert.Contains("five", Classes(CliRun.Of([.. words, "--classes", names])));
        CliRun.Of([.. words, "--classes", "coco"]).RequireBadInput("--classes coco: 91 names; expected 6, one for each label of the model.");
        CliRun.Of([.. words, "--classes", "cocoa"])
            .RequireBadInput("--classes holds 'cocoa', which is no file; expected coco, none, or a text file with a name in each line, in label order.");
    }

    [Fact]
    public void Ninety_one_labels_that_nobody_named_are_those_of_COCO()
    {
        string picture = _shop.Picture("1.png", 48, 64);
        IReadOnlyList<string> model = _shop.TinyModel("\"num_classes\": 91");
        string[] named = Classes(CliRun.Of(["detect", picture, .. model, "--json", "--threshold", "0"]));
        string[] numbers = Classes(CliRun.Of(["detect", picture, .. model, "--json", "--threshold", "0", "--classes", "none"]));
        Dictionary<string, string> some = new(StringComparer.Ordinal)
        {
            ["1"] = "person",
            ["12"] = "N/A",
            ["13"] = "stop sign",
            ["25"] = "giraffe",
            ["27"] = "backpack",
            ["44"] = "bottle",
            ["46"] = "wine glass",
            ["65"] = "bed",
            ["67"] = "dining table",
            ["70"] = "toilet",
            ["72"] = "tv",
            ["82"] = "refrigerator",
            ["84"] = "book",
            ["90"] = "toothbrush",
        };
        Assert.Equal(100, named.Length);
        int seen = 0;
        foreach ((string number, string name) in numbers.Zip(named))
        {
            if (some.TryGetValue(number, out string? known))
            {
                Assert.Equal(known, name);
                seen++;
            }
        }

        Assert.True(seen > 0);
    }

    private static string[] Classes(CliRun run)
    {
        using JsonDocument json = JsonDocument.Parse(run.RequireDone().Out);
        return [.. json.RootElement.EnumerateArray().SelectMany(picture => picture.GetProperty("detections").EnumerateArray()).Select(one => one.GetProperty("class").GetString()!)];
    }

    private static string[] Files(CliRun run)
    {
        using JsonDocument json = JsonDocument.Parse(run.Out);
        return [.. json.RootElement.EnumerateArray().Select(picture => picture.GetProperty("file").GetString()!)];
    }

    private string[] Detected(params string[] words) =>
        [.. Files(CliRun.Of(["detect", .. words, .. _shop.TinyModel(), "--json"]).RequireDone()).Select(path => Path.GetRelativePath(_shop.Folder, path))];
}
