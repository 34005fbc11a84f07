using System.Text;
using DeformDetr.Formats;
using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Fuzz;

// An index of a checkpoint in several files; the files are whole.
internal sealed class ShardIndexReader : TensorReader
{
    public ShardIndexReader(Scratch scratch)
        : base("index", scratch)
    {
        Directory.CreateDirectory(scratch["shards"]);
        (string Name, Tensor Tensor)[] all = [.. TensorBytes.Examples];
        List<string> lines = [];
        foreach ((string file, (string Name, Tensor Tensor)[] tensors) in new[] { ("one.safetensors", all[..4]), ("other.safetensors", all[4..]) })
        {
            using SafetensorsWriter writer = new(scratch[$"shards/{file}"]);
            foreach ((string name, Tensor tensor) in tensors)
            {
                writer.Write(name, tensor);
                lines.Add($"\"{name}\": \"{file}\"");
            }

            writer.Finish();
        }

        // A file outside the folder that no index may reach.
        File.Copy(scratch["shards/one.safetensors"], scratch["x"]);
        Seeds = [Encoding.ASCII.GetBytes($"{{\"metadata\": {{\"total_size\": 100}}, \"weight_map\": {{{string.Join(", ", lines)}}}}}")];
        Mutators = [.. TextMutators.All, new Mutator("shard", false, Shard)];
    }

    // The index, or a file beside it.
    public override string Blamed => System.IO.Path.GetDirectoryName(Path) + "/";

    // Beside the index, the tensors of the shards.
    public override int AllocationPerByte => 64;

    protected override string FileName => "shards/model.safetensors.index.json";

    // Whatever the index says: all tensors are there, as they were.
    protected override bool HasChecksums => true;

    public override string? Wrong(object value, Mutant mutant) => base.Wrong(value, mutant with { KeepsChecksums = true });

    private static byte[] Shard(Draw draw, IReadOnlyList<byte[]> seeds, byte[] seed) => Encoding.ASCII.GetBytes(
        Encoding.ASCII.GetString(seed).Replace(
            draw.OneIn(2) ? "one.safetensors" : "other.safetensors",
            draw.Of(["../x", "x/../one.safetensors", "/etc/passwd", "..", ".", "absent.safetensors", "One.safetensors", "one.safetensors/", "one.npz", new string('y', 300)]),
            StringComparison.Ordinal));
}

internal sealed class HuggingFaceConfigReader : TextReader
{
    public HuggingFaceConfigReader(Scratch scratch)
        : base("huggingface-config", scratch)
    {
        Seeds =
        [
            File.ReadAllBytes(Repository.Golden("checkpoints/huggingface/config.json")),
            Utf8("""{"model_type": "deformable_detr", "backbone_config": {"depths": [3, 4, 6, 3], "hidden_sizes": [256, 512, 1024, 2048], "layer_type": "bottleneck"}, "num_labels": 5, "d_model": 256}"""),
            Utf8("""{"model_type": "deformable_detr", "backbone_config": {"backbone": "resnet50"}, "id2label": {"0": "a", "1": "b"}, "two_stage": true, "with_box_refine": true, "two_stage_num_proposals": 100}"""),
        ];
        Mutators = TextMutators.All;
    }

    // It is converted to the original's arguments, which are read once more.
    public override int AllocationPerByte => 64;

    protected override string FileName => "config.json";

    public override object Read() => HuggingFaceConfig.Read(Path).Run;

    public override string? Wrong(object value, Mutant mutant) => ConfigFileReader.WrongWhenWritten((RunConfiguration)value, Scratch);
}
