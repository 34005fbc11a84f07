using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using DeformDetr.Oracle;

namespace DeformDetr.Cli;

// The help of System.CommandLine, and below it examples to copy.
internal sealed class HelpWithExample : SynchronousCommandLineAction
{
    private const int Width = 120;
    private static readonly Dictionary<string, string> Examples = new(StringComparer.Ordinal)
    {
        [""] = """
              deform-detr demo                        see it work: the shipped model on the shipped pictures, every tensor checked
              deform-detr detect --help               explain one command

            Exit status:
              0  done and, where something is judged, passed
              1  something was judged and failed
              2  bad usage or bad input; one line on standard error says what is wrong, where, and what was expected
            """,
        ["demo"] = """
              deform-detr demo
              deform-detr demo --picture 1 --kernels textbook       one picture through the plain loops, to step through in a debugger
            """,
        ["detect"] = """
              deform-detr detect golden/demo/shapes-1.png --weights golden/demo/weights.safetensors --config golden/demo/case.json --out found
              deform-detr detect street.jpg --weights r50_deformable_detr-checkpoint.pth --threshold 0.5 --json
              deform-detr detect val2017 --weights r50_deformable_detr-checkpoint.pth --threshold 0 --coco results.json

            Of a folder the PNG, JPEG and PPM files by their names, in the order of these; what a file holds is told by its first bytes.
            A picture that can't be read is one line on standard error, and the others go on; the exit status is then 2.
            Exif orientation is ignored, as by the original, and said so.
            image_id in --coco is the number in a file's name (000000000139.jpg is 139) where all names are different numbers, else the
            picture's place, from 1; category_id is the label, which is COCO's own number in models trained on COCO.
            A checkpoint's own configuration is used: the args of a training, the config.json of a Hugging Face folder. Nothing in a
            checkpoint is run.
            """,
        ["trace"] = """
              deform-detr trace --input golden/demo/shapes-1.png --weights golden/demo/weights.safetensors --config golden/demo/case.json --out trace.safetensors
              deform-detr trace --input batch.npz --weights recipe:42 --variant r50-two-stage --dtype float64 --taps "transformer.encoder.*" --taps "pred_*" --out trace.safetensors

            Pictures are PNG, JPEG or binary PPM files. A tensor file holds samples.tensor (N,3,H,W) float32, samples.mask (N,H,W) bool, true on padding, and optionally
            target_sizes (N,2) int64 (height, width); without target_sizes and without pictures there are no results.* in the trace.
            The last line, 'fingerprint <64 hex>', is the same for two runs exactly when their outputs have the same bits.
            """,
        ["verify"] = """
              deform-detr verify
              deform-detr verify golden/cases/attn-points --dtype float32 --kernels all
              deform-detr verify my-cases --json > verdicts.json
              deform-detr verify --bits                             has this machine the bits that the repository's file has?

            A ratio is the error in units of what is allowed: up to 1 passes.
            In JSON, numbers that are not finite are the words "Infinity", "-Infinity" and "NaN"; null where nothing was compared.
            With --bits, 'untraced' counts tensors of a second run in which only outputs are listened to, so that kernels may be fused.
            A case or tensor that only one side has, and a case with other inputs, never pass.
            """,
        ["check"] = """
              deform-detr check --weights recipe:402 --config golden/ports/r50/config.json --input golden/ports/r50/inputs.safetensors --port golden/ports/r50/port.safetensors
              deform-detr check --weights r50.safetensors --variant r50 --input street.png --port dump.npz --map huggingface --html report.html
              deform-detr check --op ms_deform_attn_core --input in.safetensors --port out.safetensors --export-case failing

            Errors are in units of what rounding explains: up to 1 is right. 'injected' is what a step adds to the port's own inputs, 'arrived' the error of
            the whole run in units of that of correct float32 implementations. Tensors are named as in the contract; --map tells of other names.
            """,
        ["selftest"] = """
              deform-detr selftest
              deform-detr selftest --json > score.json
            """,
        ["op"] = """
              deform-detr op --list
              deform-detr op layer_norm --input in.npz --set eps=1e-6 --out out.safetensors
              deform-detr op ms_deform_attn --input in.safetensors --weights checkpoint.safetensors --set prefix=transformer.encoder.layers.0.self_attn --out out.safetensors
              deform-detr op transformer.encoder.layers.0.self_attn.sampling_locations --input trace.npz --variant r50 --out out.npz

            Settings stand in the metadata of a safetensors input under 'config', as JSON, or in --set, which wins.
            """,
        ["why"] = """
              deform-detr why --weights golden/demo/weights.safetensors --config golden/demo/case.json --input golden/demo/shapes-1.png "transformer.encoder.layers.0.self_attn.sampled[0,17,3]"

            Terms stand with the largest first; the last line says that they add up to the number. Only the steps that it needs are run, in float64.
            With --port the port's inputs are put in the place of ours, and its own number stands beside.
            """,
        ["laws"] = """
              deform-detr laws --list
              deform-detr laws --op ms_deform_attn_core --command "python3 my_port.py {in} {out}"
              deform-detr laws --op ms_deform_attn --command "./my_port {in} {out}" --cases 200 --export-case failing

            The program reads the safetensors file {in} and writes {out}. Names are those of the golden contract, each with the number of its case
            before it ('0/value', '1/value', … give '0/output', '1/output', …); weights stand among the inputs, and the file's metadata has 'target',
            'config' and 'cases'. Of targets with many outputs, laws about those that the program doesn't give are left out, and it is said.
            """,
        ["inspect"] = """
              deform-detr inspect golden/demo/weights.safetensors
              deform-detr inspect golden/checkpoints/whole.pth

            Minimum, maximum and mean are over the finite elements; of truth values, true counts as 1. The checksum is the beginning of the SHA-256 of the
            tensor's little-endian row-major elements as they are read (half precision as float32); --json has all of it.
            """,
        ["convert"] = """
              deform-detr convert r50_deformable_detr-checkpoint.pth r50.safetensors
              deform-detr convert golden/checkpoints/whole.pth hf --layout huggingface
              deform-detr convert golden/checkpoints/detrex.pth same.pth --config golden/checkpoints/config.json

            A .pth is what torch.load(weights_only=True) reads. Half precision is written as float32; BatchNorm's counters are left out.
            The checksum is the beginning of the SHA-256 of the tensor's little-endian row-major elements; --json has all of it.
            """,
    };

    private readonly HelpAction _help;

    public HelpWithExample(HelpAction help)
    {
        _help = help;
        _help.MaxWidth = Width;
    }

    public override int Invoke(ParseResult parseResult)
    {
        _help.Invoke(parseResult);
        Command command = parseResult.CommandResult.Command;
        TextWriter output = parseResult.InvocationConfiguration.Output;
        output.WriteLine(command is RootCommand ? "Start with:" : "Example:");
        output.WriteLine(Examples[command is RootCommand ? "" : command.Name]);
        return CommandLine.Done;
    }
}

internal sealed class VersionLine : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.WriteLine($"deform-detr {TraceRun.Version}");
        return CommandLine.Done;
    }
}
