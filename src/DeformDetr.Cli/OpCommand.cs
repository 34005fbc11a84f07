using System.CommandLine;
using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Cli;

internal static class OpCommand
{
    public static Command Create(CliConsole console)
    {
        Argument<string?> name = CliOptions.NotEmpty(new Argument<string?>("NAME")
        {
            Description = "An operator or layer of 'deform-detr op --list', or the name of a tensor of the model",
            Arity = ArgumentArity.ZeroOrOne,
        });
        Option<string?> input = CliOptions.NotEmpty(new Option<string?>("--input")
        {
            Description = "The inputs under their names: a .safetensors or .npz file",
            HelpName = "IN",
        });
        Option<string?> weights = CliOptions.NotEmpty(new Option<string?>("--weights")
        {
            Description = "The weights: a .safetensors or .npz file, a whole checkpoint too; without it they stand among the inputs",
            HelpName = "W",
        });
        Option<string?> config = CliOptions.Config();
        Option<string?> variant = CliOptions.Variant();
        Option<string[]> set = CliOptions.NotEmpty(new Option<string[]>("--set")
        {
            Description = "A setting, such as nheads=4; may repeat. prefix=PATH is the module's path in a whole checkpoint",
            HelpName = "KEY=VALUE",
            Arity = ArgumentArity.OneOrMore,
        });
        Option<string> dtype = CliOptions.DType();
        Option<string> kernels = CliOptions.KernelBodies();
        Option<int?> threads = CliOptions.Threads();
        Option<string?> output = CliOptions.Out("OUT", "The outputs under their names: a .safetensors or .npz file");
        Option<bool> list = new("--list") { Description = "List the operators with their inputs, weights, settings and outputs" };
        Option<bool> json = CliOptions.Json();
        Command command = new("op", "Run one operator, layer or step of the model on given tensors.")
        {
            name, input, weights, config, variant, set, dtype, kernels, threads, output, list, json,
        };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(list))
            {
                return List(console, parsed.GetValue(json));
            }

            string op = parsed.GetValue(name)
                ?? throw new InvalidDataException("op: no operator; expected a name of 'deform-detr op --list'.");
            string path = parsed.GetValue(output)
                ?? throw new InvalidDataException("option '--out' is required; 'deform-detr op --help' explains the command.");
            OperatorRequest request = Request(
                op, parsed.GetValue(input), parsed.GetValue(weights), parsed.GetValue(config), parsed.GetValue(variant),
                parsed.GetValue(set) ?? []);
            IReadOnlyList<(string Name, TensorShape Shape, ElementType ElementType)> written = OperatorRun.Run(
                request, CliOptions.DTypes(parsed.GetRequiredValue(dtype))[0], CliOptions.Bodies(parsed.GetRequiredValue(kernels))[0],
                CliOptions.Cores(parsed.GetValue(threads)), path);
            return Say(console, op, path, written, parsed.GetValue(json));
        });
        return command;
    }

    internal static OperatorRequest Request(
        string name, string? input, string? weights, string? config, string? variant, IReadOnlyList<string> settings)
    {
        if (config is not null && variant is not null)
        {
            throw new InvalidDataException("--config and --variant are both given; expected one of them.");
        }

        RunConfiguration? run = config is not null ? RunConfiguration.Load(config)
            : variant is not null ? RunConfiguration.Variant(variant)
            : null;
        return new OperatorRequest(name, input, weights is null ? null : WeightSource.Parse(weights), run, settings);
    }

    private static int List(CliConsole console, bool json)
    {
        if (json)
        {
            console.Json(OperatorList.Write);
        }
        else
        {
            OperatorList.Write(console.Out);
        }

        return CommandLine.Done;
    }

    private static int Say(
        CliConsole console, string op, string path, IReadOnlyList<(string Name, TensorShape Shape, ElementType ElementType)> written, bool json)
    {
        if (json)
        {
            console.Json(writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("op", op);
                writer.WriteString("out", path);
                writer.WriteStartArray("tensors");
                foreach ((string name, TensorShape shape, ElementType type) in written)
                {
                    writer.WriteStartObject();
                    writer.WriteString("name", name);
                    writer.WriteString("dtype", type.Word());
                    writer.WriteStartArray("shape");
                    foreach (int size in shape)
                    {
                        writer.WriteNumberValue(size);
                    }

                    writer.WriteEndArray();
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            });
            return CommandLine.Done;
        }

        foreach ((string name, TensorShape shape, ElementType type) in written)
        {
            console.WriteLine($"{OneLine.Printable(name)} {type.Word()} {Numbers.Shape(shape)}");
        }

        console.WriteLine($"wrote {Numbers.Count(written.Count, "tensor", "tensors")} to {OneLine.Printable(path)}");
        return CommandLine.Done;
    }
}
