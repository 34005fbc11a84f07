using System.Globalization;

namespace DeformDetr.Oracle.Tests.Checking.Dumps;

public class ReadyMadeMapTests
{
    public static TheoryData<string> Words => ["huggingface", "mmdetection", "detrex", "original"];

    [Theory]
    [MemberData(nameof(Words))]
    public void Every_name_of_the_contract_in_it_is_one_that_the_model_has(string word)
    {
        string shapes = File.ReadAllText(Path.Combine(RepositoryFiles.Root, "docs", "shapes.md"));
        foreach (MapLine line in NameMap.Load(word).Lines.Where(line => line.Contract is not null))
        {
            string name = line.Contract!.Text;
            string documented = name;
            foreach ((string from, string to) in new[]
                     {
                         ("transformer.encoder.layers.{i}.self_attn", "{attn}"), ("transformer.decoder.layers.{i}.cross_attn", "{attn}"),
                         ("transformer.encoder.layers.{i}", "{enc}"), ("transformer.decoder.layers.{i}", "{dec}"),
                     })
            {
                documented = documented.Replace(from, to, StringComparison.Ordinal);
            }

            for (int number = 0; number < 5; number++)
            {
                string digit = number.ToString(CultureInfo.InvariantCulture);
                documented = documented.Replace($"srcs.{digit}", "srcs.{l}", StringComparison.Ordinal)
                    .Replace($"input_proj.{digit}.", "input_proj.{l}.", StringComparison.Ordinal)
                    .Replace($".layer{digit}.", ".layer{s}.", StringComparison.Ordinal)
                    .Replace($"}}.layers.{digit}", "}.layers.{j}", StringComparison.Ordinal)
                    .Replace("downsample.{j}", "downsample.0", StringComparison.Ordinal);
            }

            Assert.True(shapes.Contains($"| `{documented}` |", StringComparison.Ordinal), $"{word}:{line.Number}: {name} ({documented})");
        }
    }

    [Theory]
    [InlineData("huggingface", "transformer.decoder.layers.3.norm2", "model.decoder.layers.3.self_attn_layer_norm")]
    [InlineData("huggingface", "transformer.decoder.layers.3.norm1", "model.decoder.layers.3.encoder_attn_layer_norm")]
    [InlineData("huggingface", "transformer.decoder.layers.3.norm3", "model.decoder.layers.3.final_layer_norm")]
    [InlineData("huggingface", "transformer.encoder.layers.0.norm2", "model.encoder.layers.0.final_layer_norm")]
    [InlineData("huggingface", "transformer.encoder.layers.5.self_attn", "model.encoder.layers.5.self_attn.output_proj")]
    [InlineData("huggingface", "bbox_embed.5.layers.2", "model.decoder.bbox_embed.5.layers.2")]
    [InlineData("huggingface", "backbone.0.body.layer4.2.bn3", "model.backbone.conv_encoder.model.layer4.2.bn3")]
    [InlineData("huggingface", "backbone.0.body.layer4.0.downsample.1", "model.backbone.conv_encoder.model.layer4.0.downsample.1")]
    [InlineData("mmdetection", "transformer.decoder.layers.3.norm2", "decoder.layers.3.norms.0")]
    [InlineData("mmdetection", "transformer.decoder.layers.3.norm1", "decoder.layers.3.norms.1")]
    [InlineData("mmdetection", "transformer.decoder.layers.3.self_attn", "decoder.layers.3.self_attn.attn")]
    [InlineData("mmdetection", "input_proj.3.1", "neck.extra_convs.0.gn")]
    [InlineData("mmdetection", "bbox_embed.5.layers.2", "bbox_head.reg_branches.5.4")]
    [InlineData("detrex", "transformer.decoder.layers.3.norm2", "transformer.decoder.layers.3.norms.0")]
    [InlineData("detrex", "transformer.decoder.layers.3.norm1", "transformer.decoder.layers.3.norms.1")]
    [InlineData("detrex", "transformer.decoder.layers.3.cross_attn.attention_logits", "transformer.decoder.layers.3.attentions.1.attention_weights")]
    [InlineData("detrex", "backbone.0.body.layer1.0.downsample.1", "backbone.res2.0.shortcut.norm")]
    [InlineData("original", "transformer.decoder.layers.3.cross_attn.attention_logits", "transformer.decoder.layers.3.cross_attn.attention_weights")]
    public void Names_that_differ_are_led_to_the_right_module(string word, string contract, string port) =>
        Assert.Equal(port, NameMap.Load(word).OfContract(contract)!.Value.PortName);

    [Theory]
    [InlineData("huggingface", "model.reference_points")]
    [InlineData("detrex", "transformer.reference_points")]
    [InlineData("original", "transformer.reference_points")]
    [InlineData("mmdetection", "encoder.layers.0.self_attn.value_proj")]
    public void What_is_another_tensor_than_its_name_says_is_left_out(string word, string port) =>
        Assert.Equal((true, true), NameMap.Load(word).OfPort(port));
}
