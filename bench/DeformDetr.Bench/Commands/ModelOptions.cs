using System.CommandLine;
using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Bench;

// What says which model runs on what.
internal sealed class ModelOptions
{
    private readonly Option<string> _variant = BenchOptions.Variant();
    private readonly Option<string?> _config = BenchOptions.Config();
    private readonly Option<string> _weights = BenchOptions.Weights();
    private readonly Option<string?> _input = new("--input") { Description = "A .safetensors with samples.tensor and samples.mask" };
    private readonly Option<int> _batch = BenchOptions.Number("--batch", "Made pictures", 1);
    private readonly Option<int> _height = BenchOptions.Number("--height", "Of a made picture", 800);
    private readonly Option<int> _width = BenchOptions.Number("--width", "Of a made picture", 1333);
    private readonly Option<int> _threads = BenchOptions.Number("--threads", "How many threads", Environment.ProcessorCount);
    private readonly Option<string> _dtype = BenchOptions.DType();
    private readonly Option<string> _kernels = BenchOptions.Word("--kernels", "Which bodies run", "simd", "textbook");
    private readonly Option<bool> _fresh = new("--fresh-pass")
    {
        Description = "New buffers for every run, as a program has that runs once",
    };

    private readonly Option<string> _order = BenchOptions.Word(
        "--order", "In which legal order products add up", [.. LegalOrders.All.Select(order => order.Name)]);

    public void AddTo(Command command)
    {
        Option[] options = [_variant, _config, _weights, _input, _batch, _height, _width, _threads, _dtype, _kernels, _fresh, _order];
        foreach (Option option in options)
        {
            command.Add(option);
        }
    }

    public string Name(ParseResult parsed) => parsed.GetValue(_config) ?? parsed.GetValue(_variant)!;

    public ModelBench.Settings Settings(ParseResult parsed) => new(
        parsed.GetValue(_input), parsed.GetValue(_batch), parsed.GetValue(_height), parsed.GetValue(_width), parsed.GetValue(_threads),
        parsed.GetValue(_dtype)!, parsed.GetValue(_kernels) == "textbook" ? Kernels.Textbook : Kernels.Simd, parsed.GetValue(_fresh))
    {
        Order = LegalOrders.All.Single(order => order.Name == parsed.GetValue(_order)).Products,
    };

    public ModelBench Load(ParseResult parsed) => Load(parsed, Settings(parsed));

    public ModelBench Load(ParseResult parsed, ModelBench.Settings settings) => ModelBench.Create(
        BenchOptions.Configuration(parsed.GetValue(_config), parsed.GetValue(_variant)!),
        WeightSource.Parse(parsed.GetValue(_weights)!), settings);
}
