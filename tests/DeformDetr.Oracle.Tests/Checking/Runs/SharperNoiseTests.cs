using DeformDetr.Oracle.Tests.Checking.Noise;
using DeformDetr.Oracle.Tests.Checking.Ports;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Oracle.Tests.Checking.Runs;

/// <summary>Long sums: their first-order bound alone would hide a lost bias, and what correct sums leave stays inside the sharper one.</summary>
public class SharperNoiseTests
{
    private const string Projection = "input_proj.3.0";

    private static readonly string[] Roles = ["x", "weight", "bias"];

    public static TheoryData<string, int> Layers => new()
    {
        { "conv", 2048 }, { "linear", 4096 }, { "linear", 1024 }, { "alike", 4096 },
    };

    [Theory]
    [MemberData(nameof(Layers))]
    public void Legal_orders_fit_and_a_bias_of_2_to_the_minus_12_does_not_get_lost(string kind, int width)
    {
        Draws draws = new(width);
        (Step step, Dictionary<string, Tensor> tensors) = Layer(draws, kind, width);
        NoiseAlgebra noise = Spread.Noise();
        Quantity right = Evaluate(noise, step, tensors);
        double scale = Sheet.Size(right.Real.AsReadOnlySpan().ToArray());
        double share = Sharper().Share(step, Inputs(noise, step, tensors), right);
        Assert.InRange(share, 1.0 / 64, 1);
        Tensor<double> sharp = Scaled(right.Noise!, share);
        Tensor<float> bias = (Tensor<float>)tensors["bias"];
        float kept = bias.AsReadOnlySpan()[3];
        foreach (LegalOrder order in LegalOrders.All)
        {
            LegalAlgebra algebra = new(new OperatorContext(), order);
            double healthy = Spread.Of((Tensor<float>)Evaluate(algebra, step, tensors).Tensor, new Quantity(right.Tensor, sharp)).Largest;
            Assert.True(healthy <= 1, $"{order}: {healthy} of the noise, share {share}");
            bias.AsSpan()[3] = kept - (float)Math.ScaleB(scale, -12);
            double lost = Spread.Of((Tensor<float>)Evaluate(algebra, step, tensors).Tensor, new Quantity(right.Tensor, sharp)).Largest;
            bias.AsSpan()[3] = kept;
            Assert.True(lost > 1, $"{order}: a lost bias is {lost} of the noise, share {share}");
        }
    }

    [Fact]
    public void The_first_order_bound_alone_would_hide_it()
    {
        (Step step, Dictionary<string, Tensor> tensors) = Layer(new Draws(2048), "conv", 2048);
        Quantity right = Evaluate(Spread.Noise(), step, tensors);
        double scale = Sheet.Size(right.Real.AsReadOnlySpan().ToArray());
        Assert.All(right.Noise!.AsReadOnlySpan().ToArray(), bound => Assert.True(bound > Math.ScaleB(scale, -12)));
    }

    [Fact]
    public void Short_sums_keep_their_bound()
    {
        (Step step, Dictionary<string, Tensor> tensors) = Layer(new Draws(1), "linear", 64);
        NoiseAlgebra noise = Spread.Noise();
        Assert.Equal(1, Sharper().Share(step, Inputs(noise, step, tensors), Evaluate(noise, step, tensors)));
    }

    [Fact]
    public void Other_steps_and_spans_keep_their_bound()
    {
        (Step step, Dictionary<string, Tensor> tensors) = Layer(new Draws(2), "linear", 4096);
        NoiseAlgebra noise = Spread.Noise();
        Quantity right = Evaluate(noise, step, tensors);
        StepInputs inputs = Inputs(noise, step, tensors);
        Assert.True(Sharper().Share(step, inputs, right) < 1);
        Assert.Equal(1, Sharper().Share(step with { Kind = StepKinds.ResidualNorm }, inputs, right));
        StepInputs spanned = new(
            step, name => new Quantity(inputs.NamedTensor(name).Tensor, new Tensor<double>(inputs.NamedTensor(name).Shape)), inputs.NamedWeight);
        Assert.Equal(1, Sharper().Share(step, spanned, right));
    }

    [Fact]
    public void A_lost_bias_in_a_sum_of_18432_terms_is_refused_in_a_dump()
    {
        using ShippedPort port = new("r50");
        Tensor<float> tensor = port.Real(Projection);
        double scale = Sheet.Size(Sheet.Numbers(tensor));
        int pixels = tensor.Shape.LengthFrom(2);
        for (int n = 0; n < tensor.Shape[0]; n++)
        {
            foreach (ref float value in tensor.AsSpan().Slice(((n * tensor.Shape[1]) + 7) * pixels, pixels))
            {
                value -= (float)Math.ScaleB(scale, -12);
            }
        }

        CheckReport report = port.Check();
        TensorCheck first = report.Tensors.First(check => check.Status != CheckStatus.Right);
        Assert.Equal((Projection, CheckStatus.Wrong), (first.Name, first.Status));
        Assert.Equal(7, first.Worst!.Index[1]);
    }

    [Fact]
    public void A_bias_lost_altogether_in_a_sum_of_18432_terms_is_named()
    {
        using ShippedPort port = new("r50");
        CheckModel model = CheckModel.Load(port.Request("").Inputs, port.Request("").Weights, port.Request("").Config, port.Request("").Preprocess);
        Tensor<double> bias = model.Weights["input_proj.3.0.bias"];
        Tensor<float> tensor = port.Real(Projection);
        int pixels = tensor.Shape.LengthFrom(2);
        for (int i = 0; i < tensor.Length; i++)
        {
            tensor.AsSpan()[i] -= (float)bias.AsReadOnlySpan()[i / pixels % bias.Length];
        }

        TensorCheck first = port.Check().Tensors.First(check => check.Status != CheckStatus.Right);
        Assert.Equal((Projection, CheckStatus.Wrong), (first.Name, first.Status));
        Assert.Contains("bias", first.Diagnosis!.Findings[0].Mistake, StringComparison.Ordinal);
    }

    private static SharperNoise Sharper() => new(new LegalAlgebra(new OperatorContext(), LegalOrders.OneChain));

    private static (Step Step, Dictionary<string, Tensor> Tensors) Layer(Draws draws, string kind, int width)
    {
        const int Outputs = 24;
        bool conv = kind == "conv";
        TensorShape x = conv ? [1, width, 5, 6] : [2, 40, width];
        TensorShape weight = conv ? [Outputs, width, 3, 3] : [Outputs, width];
        Tensor<float> given = draws.Normal(x, offset: kind == "alike" ? 1 : 0);
        Relu.Forward(new OperatorContext(), given).AsReadOnlySpan().CopyTo(given.AsSpan());
        Dictionary<string, Tensor> tensors = new(StringComparer.Ordinal)
        {
            ["x"] = given,
            ["weight"] = draws.Normal(weight, 0.01),
            ["bias"] = draws.Normal([Outputs], 0.1),
        };
        Step step = new(
            "layer", conv ? StepKinds.Convolution : StepKinds.Linear, [new("x", "x")], [], [.. Roles[1..].Select(role => KeyValuePair.Create(role, role))],
            [], new StepOptions { Window = new Conv2dWindow(2, 1) });
        return (step, tensors);
    }

    private static StepInputs Inputs(Algebra algebra, Step step, Dictionary<string, Tensor> tensors) =>
        new(step, name => algebra.Given(tensors[name]), name => algebra.GivenWeight(tensors[name]));

    private static Quantity Evaluate(Algebra algebra, Step step, Dictionary<string, Tensor> tensors) =>
        step.Kind.Evaluate(algebra, Inputs(algebra, step, tensors));

    private static Tensor<double> Scaled(Tensor<double> noise, double share) =>
        Tensor<double>.FromArray(noise.Shape, [.. noise.AsReadOnlySpan().ToArray().Select(bound => bound * share)]);
}
