using DeformDetr.Formats;
using DeformDetr.Oracle.Tests.Checking.Ports;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Operators;

/// <summary>An operator by itself has the bits that it has inside the model.</summary>
public sealed class OperatorRunTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deform-detr-op-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string> Models() => [.. SmallModels.Names];

    [Theory]
    [MemberData(nameof(Models))]
    public void EveryTensorFromTheTensorsBeforeIt(string name)
    {
        (CheckModel model, RunConfiguration run) = SmallModels.Load(name);
        Dictionary<string, Quantity> trace = SmallModels.Trace(
            model, new ReferenceAlgebra<float>(new OperatorContext(Kernels.Simd, 2)), out StepRun steps);
        using (steps)
        {
            foreach (Step step in model.Graph.Steps.Where(step => step.Kind != StepKinds.Given))
            {
                OperatorDefinition definition = StepOperator.Create(step, run.Preprocess);
                JsonFile none = JsonFile.Parse(step.Name, "{}");
                OperatorTensors tensors = OperatorTensors.Bind(
                    definition, new OperatorSettings(none, none.Root, step.Name, definition.Settings), step.Name,
                    input => trace.TryGetValue(input, out Quantity? found) ? found.Tensor : model.Given.GetValueOrDefault(input),
                    weight => model.Weights[weight]);
                (string made, Tensor tensor) = Assert.Single(OperatorRun.Run(tensors, ElementType.Float32, Kernels.Simd, 1));
                Assert.Equal(step.Name, made);
                SmallModels.RequireSameBits(step.Name, trace[step.Name].Tensor, tensor);
            }
        }
    }

    [Theory]
    [InlineData("encoder_layer", "transformer.encoder.layers.0", "src=transformer.src_flatten pos=transformer.lvl_pos_embed_flatten reference_points=transformer.encoder.reference_points spatial_shapes=transformer.spatial_shapes level_start_index=transformer.level_start_index padding_mask=transformer.mask_flatten")]
    [InlineData("decoder_layer", "transformer.decoder.layers.1", "tgt=hs.0 query_pos=transformer.query_embed reference_points=transformer.decoder.layers.1.reference_points_input src=transformer.memory src_spatial_shapes=transformer.spatial_shapes level_start_index=transformer.level_start_index src_padding_mask=transformer.mask_flatten")]
    [InlineData("bbox_embed", "bbox_embed.0", "x=hs.0")]
    [InlineData("multi_head_attention", "transformer.decoder.layers.1.self_attn", "tgt=hs.0 query_pos=transformer.query_embed")]
    public void LayersThroughFiles(string op, string module, string inputs)
    {
        (CheckModel model, RunConfiguration run) = SmallModels.Load("model-bottleneck-refine-gelu");
        Dictionary<string, Quantity> trace = SmallModels.Trace(
            model, new ReferenceAlgebra<float>(new OperatorContext(Kernels.Simd, 2)), out StepRun steps);
        using (steps)
        {
            string input = Path.Combine(_folder, "in.safetensors");
            string weights = Path.Combine(_folder, "weights.safetensors");
            string output = Path.Combine(_folder, "out.safetensors");
            SafetensorsWriter.Save(input, inputs.Split(' ').Select(pair => pair.Split('=')).Select(pair => (pair[0], trace[pair[1]].Tensor)));
            SafetensorsWriter.Save(weights, model.Weights.Names.Select(name => (name, (Tensor)Narrowing.Of(model.Weights[name]))));
            string[] all =
            [
                $"prefix={module}", $"nheads={run.Config.Nheads}", $"num_feature_levels={run.Config.NumFeatureLevels}", $"n_points={(op == "decoder_layer" ? run.Config.DecNPoints : run.Config.EncNPoints)}",
                "activation=gelu",
            ];
            IReadOnlyList<OperatorSetting> known = OperatorCatalogue.Find(op)!.Settings;
            string[] settings = [.. all.Where(text => text.StartsWith("prefix", StringComparison.Ordinal) || known.Any(setting => text.StartsWith(setting.Name + "=", StringComparison.Ordinal)))];
            IReadOnlyList<(string Name, TensorShape Shape, ElementType ElementType)> written = OperatorRun.Run(
                new OperatorRequest(op, input, new WeightSource(weights, 0), null, settings), ElementType.Float32, Kernels.Simd, 2, output);
            using TensorFile file = TensorFile.Open(output);
            Assert.Equal(op, file.Metadata["op"]);
            Assert.Equal(written.Select(entry => entry.Name), file.Entries.Select(entry => entry.Name));
            foreach (TensorEntry entry in file.Entries)
            {
                string its = entry.Name == "output" ? module : $"{module}.{entry.Name}";
                SmallModels.RequireSameBits(its, trace[its].Tensor, file.Read(entry.Name));
            }
        }
    }

    [Theory]
    [InlineData("linear", "nothing=1", "config.nothing is unknown; expected activation.")]
    [InlineData("inverse_sigmoid", "eps=small", "config.eps holds \"small\"; expected a number.")]
    [InlineData("ms_deform_attn_core", "", "tensor 'value' is absent; expected an input [N, S, M, D] of ms_deform_attn_core.")]
    [InlineData("linear", "", "tensor 'weight' is absent; expected a weight [O, I] of linear.")]
    [InlineData("gather", "", "tensor 'input' holds [2, 3]; expected [N, S, C].")]
    public void BadInputIsOneLine(string op, string setting, string line)
    {
        string input = Path.Combine(_folder, "in.safetensors");
        SafetensorsWriter.Save(input, [("input", new Tensor<float>([2, 3]))]);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => OperatorLoader.Load(
            new OperatorRequest(op, input, null, null, setting.Length == 0 ? [] : [setting])));
        Assert.Equal($"{input}: {line}", error.Message);
    }

    [Fact]
    public void LeftoverTensorsAndWrongElementsAreSaid()
    {
        string input = Path.Combine(_folder, "in.safetensors");
        SafetensorsWriter.Save(input, [("input", new Tensor<float>([2, 3])), ("stray", new Tensor<float>([1]))]);
        Assert.Equal(
            $"{input}: tensors stray are unexpected; expected input of relu.",
            Assert.Throws<InvalidDataException>(() => OperatorLoader.Load(new OperatorRequest("relu", input, null, null, []))).Message);
        SafetensorsWriter.Save(input, [("input", new Tensor<long>([2, 3]))]);
        Assert.Equal(
            $"{input}: tensor 'input' holds int64; expected float for relu.",
            Assert.Throws<InvalidDataException>(() => OperatorLoader.Load(new OperatorRequest("relu", input, null, null, []))).Message);
    }

    [Theory]
    [InlineData("transformer.encoder.layers.0.linear1")]
    [InlineData("hs.1")]
    [InlineData("results.1.scores")]
    public void AWholeDumpWithResultsStandsForAStepsInputs(string name)
    {
        using ShippedPort port = new("r50");
        string dump = port.At("port.safetensors");
        RunConfiguration run = RunConfiguration.Load(port.At("config.json"));
        string output = Path.Combine(_folder, "out.safetensors");
        OperatorRun.Run(new OperatorRequest(name, dump, new WeightSource(null, 402), run, []), ElementType.Float32, Kernels.Simd, 1, output);
        using TensorFile file = TensorFile.Open(output);
        TensorEntry only = Assert.Single(file.Entries);
        Assert.Equal((name, port.Tensors[name].Shape), (only.Name, only.Shape));
        Tensor<float> made = (Tensor<float>)file.Read(name);
        double scale = Sheet.Size(Sheet.Numbers(made));
        Assert.All(made.AsReadOnlySpan().ToArray().Zip(port.Real(name).AsReadOnlySpan().ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-4 * scale));
    }
}
