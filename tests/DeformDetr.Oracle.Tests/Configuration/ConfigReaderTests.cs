using System.Text;
using DeformDetr.Reference;

namespace DeformDetr.Oracle.Tests.Configuration;

/// <summary>Configuration files: the original's argument names, strictly.</summary>
public class ConfigReaderTests
{
    [Fact]
    public void What_is_left_out_has_the_originals_default() => Assert.Equal(new DeformableDetrConfig(), Load("""{"config": {}}""").Config);

    [Fact]
    public void Every_argument_is_read()
    {
        RunConfiguration read = Load(
            """
            {"config": {"backbone": {"block": "basic", "width": 16, "layers": [1, 2, 3, 4]}, "dilation": false, "position_embedding": "learned", "num_feature_levels": 5,
              "enc_layers": 2, "dec_layers": 3, "dim_feedforward": 40, "hidden_dim": 64, "nheads": 4, "num_queries": 30, "enc_n_points": 3, "dec_n_points": 5,
              "with_box_refine": true, "two_stage": false, "num_classes": 6, "activation": "gelu", "aux_loss": false, "lr": 0.1, "dropout": 0.5, "masks": false},
             "preprocess": {"shortest": 160, "longest": 266}, "classes": ["circle", "square"]}
            """);
        Assert.Equal(ResidualBlock.Basic, read.Config.Backbone.Block);
        Assert.Equal([1, 2, 3, 4], read.Config.Backbone.Layers);
        Assert.Equal(
            new DeformableDetrConfig
            {
                Backbone = read.Config.Backbone,
                PositionEmbedding = PositionEmbedding.Learned,
                NumFeatureLevels = 5,
                EncLayers = 2,
                DecLayers = 3,
                DimFeedforward = 40,
                HiddenDim = 64,
                Nheads = 4,
                NumQueries = 30,
                EncNPoints = 3,
                DecNPoints = 5,
                WithBoxRefine = true,
                NumClasses = 6,
                Activation = Activation.Gelu,
                AuxLoss = false,
            },
            read.Config);
        Assert.Equal((160, 266), (read.Preprocess.Shortest, read.Preprocess.Longest));
        Assert.Equal(["circle", "square"], read.Classes!);
    }

    [Theory]
    [InlineData("coco", 91)]
    [InlineData("coco_panoptic", 250)]
    [InlineData("voc", 20)]
    public void Without_num_classes_the_data_set_decides(string dataset, int classes) =>
        Assert.Equal(classes, Load($$$"""{"config": {"dataset_file": "{{{dataset}}}"}}""").Config.NumClasses);

    [Theory]
    [InlineData("""{"config": {"hidden": 3}}""", "config.hidden is unknown; expected an argument of the original's main.py, num_classes or activation.")]
    [InlineData("""{"config": {"nheads": "8"}}""", "config.nheads holds \"8\"; expected a whole number.")]
    [InlineData("""{"config": {"nheads": 8.5}}""", "config.nheads holds 8.5; expected a whole number.")]
    [InlineData("""{"config": {"two_stage": 1}}""", "config.two_stage holds 1; expected true or false.")]
    [InlineData("""{"config": {"masks": true}}""", "config.masks holds true; expected false (the segmentation head is not part of this model).")]
    [InlineData("""{"config": {"activation": "glu"}}""", "config.activation holds 'glu'; expected relu or gelu.")]
    [InlineData("""{"config": {"position_embedding": "v9"}}""", "config.position_embedding holds 'v9'; expected sine or learned.")]
    [InlineData("""{"config": {"backbone": {"block": "basic", "width": 8}}}""", "config.backbone lacks a key; expected block, width and layers.")]
    [InlineData("""{"config": {"backbone": {"block": "other"}}}""", "config.backbone.block holds 'other'; expected basic or bottleneck.")]
    [InlineData("""{"config": {"num_feature_levels": 2}}""", "config: num_feature_levels holds 2; expected 1 or at least 3 (the original projects three backbone levels and can't run with 2).")]
    [InlineData("""{"configuration": {}}""", "configuration is unknown; expected config, preprocess, classes or the keys of a golden case.")]
    [InlineData("""{}""", "config is absent; expected an object of the original's argument names.")]
    [InlineData("""[]""", "the file holds no object; expected a JSON object.")]
    [InlineData("""{"config": {}, "preprocess": {"shortest": 0}}""", "preprocess holds 0 and 1333; expected sides of at least 1.")]
    public void What_is_wrong_is_said_in_one_line_with_file_and_key(string json, string message)
    {
        InvalidDataException exception = Assert.Throws<InvalidDataException>(() => Load(json));
        Assert.EndsWith($"config.json: {message}", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"config": {"nheads": 8, "nheads": 4}}""")]
    [InlineData("""{"config": """)]
    [InlineData("""nothing""")]
    public void What_is_not_JSON_or_names_a_key_twice_is_refused(string json)
    {
        InvalidDataException exception = Assert.Throws<InvalidDataException>(() => Load(json));
        Assert.Contains("config.json: the file is not JSON", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
    }

    // JSON that is right but for its text; a document would find that only when it is asked for the text. Latin-1 stands for bytes.
    [Theory]
    [InlineData("{\"config\": {\"activation\": \"\u00ff\"}}")]
    [InlineData("{\"config\": {\"\u00ff\": 1}}")]
    [InlineData("{\"config\": {\"activation\": \"\\udc00\"}}")]
    [InlineData("{\"config\": {\"\\ud800\": 1, \"b\": 2}}")]
    [InlineData("{\"classes\": [\"\\ud800x\"], \"config\": {}}")]
    public void Text_that_is_no_text_is_refused(string json)
    {
        using CaseCopy copy = new("operator-relu");
        string path = Path.Combine(copy.Folder, "config.json");
        File.WriteAllBytes(path, Encoding.Latin1.GetBytes(json));
        InvalidDataException exception = Assert.Throws<InvalidDataException>(() => RunConfiguration.Load(path));
        Assert.StartsWith($"{path}: the file is not JSON (", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_byte_order_mark_does_not_matter() => Assert.Equal(7, Load("\ufeff{\"config\": {\"num_classes\": 7}}").Config.NumClasses);

    // Names that play with a terminal, or fill it.
    [Fact]
    public void What_stands_in_a_file_is_shown_in_one_short_line()
    {
        string name = $"\\u001b[31m\\n\\u202e{new string('a', 100_000)}";
        InvalidDataException exception = Assert.Throws<InvalidDataException>(() => Load($$$"""{"config": {"{{{name}}}": 1}}"""));
        Assert.DoesNotContain(exception.Message, character => char.IsControl(character) || character == '\u202e');
        Assert.InRange(exception.Message.Length, 100, 1000);
    }

    [Fact]
    public void A_written_configuration_reads_back()
    {
        foreach (DeformableDetrConfig config in DeformableDetrConfig.Variants.Values)
        {
            Assert.Equal(config, Load($$$"""{"config": {{{ConfigWriter.ToJson(config)}}}}""").Config);
        }
    }

    [Fact]
    public void A_case_never_reaches_outside_its_folder()
    {
        using CaseCopy copy = new("operator-relu");
        copy.RewriteJson(text => text.Replace("\"expected.safetensors\"", "\"../expected.safetensors\"", StringComparison.Ordinal));
        InvalidDataException exception = Assert.Throws<InvalidDataException>(() => GoldenCase.Load(copy.Folder));
        Assert.EndsWith("expected holds '../expected.safetensors'; expected the name of a file in the same folder.", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("recipe:42", 42)]
    [InlineData("recipe:18446744073709551615", ulong.MaxValue)]
    public void A_recipe_has_a_seed(string text, ulong seed) => Assert.Equal((true, seed), (WeightSource.Parse(text).IsRecipe, WeightSource.Parse(text).Seed));

    [Theory]
    [InlineData("recipe:")]
    [InlineData("recipe:-1")]
    [InlineData("recipe:x")]
    [InlineData("recipe:18446744073709551616")]
    public void A_recipe_without_a_seed_is_refused(string text) => Assert.Throws<InvalidDataException>(() => WeightSource.Parse(text));

    private static RunConfiguration Load(string json)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("config-");
        try
        {
            string path = Path.Combine(folder.FullName, "config.json");
            File.WriteAllText(path, json);
            return RunConfiguration.Load(path);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
