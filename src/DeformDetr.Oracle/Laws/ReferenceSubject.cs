using System.Numerics;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// The reference itself under the laws, in one precision and with one kind of kernels.
internal sealed class ReferenceSubject(ElementType elementType, Kernels kernels, int threads = 1, Func<string, bool>? wants = null) : ILawSubject
{
    public NoiseUnit Unit => elementType == ElementType.Float64 ? LawUnits.Float64 : NoiseUnit.Float32;

    public IReadOnlyList<LawAnswer> Run(IReadOnlyList<LawInput> inputs) => [.. inputs.Select(input => new LawAnswer(Run(input), null))];

    public IReadOnlyDictionary<string, Tensor> Run(LawInput input) => elementType == ElementType.Float64 ? Run<double>(input) : Run<float>(input);

    public override string ToString() => $"{elementType.Word()}, {kernels.ToString().ToLowerInvariant()}";

    private IReadOnlyDictionary<string, Tensor> Run<T>(LawInput input)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Recorder recorder = new(wants ?? (_ => true));
        ForwardPass pass = new(kernels, threads, recorder);
        JsonFile file = JsonFile.Parse(input.Target, input.Config);
        Inputs inputs = new(input);
        TargetRuns<T> targets = new(pass, recorder, file, file.Root, inputs);
        switch (input.Target)
        {
            case "ms_deform_attn_core": targets.Core(); break;
            case "ms_deform_attn": targets.Attention(inputs); break;
            case "transformer": targets.Transformer(inputs); break;
            case "model": targets.Model(inputs); break;
            // The catalogue has it as steps of its own; laws are for what the model runs.
            case "post_process":
                PostProcess.Forward(
                    pass, new Predictions<T>(inputs.TakeReal<T>("pred_logits"), inputs.TakeReal<T>("pred_boxes")), inputs.Take<long>("target_sizes"));
                break;
            default:
                foreach ((string name, Tensor tensor) in OperatorRun.Run<T>(LawTruth.Tensors(input), pass))
                {
                    recorder.Add(name, tensor);
                }

                break;
        }

        return recorder.Tensors;
    }

    private sealed class Inputs(LawInput input) : ITargetInputs, IWeightLoader, IWeightStore
    {
        public string Source => input.Target;

        public IEnumerable<string> Names => input.Tensors.Keys.Where(name => !LawTargets.IsInput(input.Target, name));

        public bool Has(string name) => input.Tensors.ContainsKey(name);

        public Tensor<T> Take<T>(string name)
            where T : unmanaged => (Tensor<T>)input.Tensors[name];

        public Tensor<T> TakeReal<T>(string name)
            where T : unmanaged, IBinaryFloatingPointIeee754<T> => Widening.To<T>(input.Tensors[name])!;

        public TModel Load<T, TModel>(bool withBoxRefine, Func<IWeights<T>, TModel> build)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            CheckpointWeights<T> weights = new(this, withBoxRefine);
            TModel model = build(weights);
            weights.Finish();
            return model;
        }

        public TensorShape ShapeOf(string name) => input.Tensors[name].Shape;

        public Tensor Read(string name) => input.Tensors[name];
    }
}
