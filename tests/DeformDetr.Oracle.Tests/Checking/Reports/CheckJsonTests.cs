using System.Text.Json;

namespace DeformDetr.Oracle.Tests.Checking.Reports;

/// <summary>The programs' form of a report.</summary>
public class CheckJsonTests
{
    public static TheoryData<string> Samples => [.. SampleReports.All.Keys];

    [Theory]
    [MemberData(nameof(Samples))]
    public void It_is_json_with_every_tensor(string sample)
    {
        CheckReport report = SampleReports.All[sample]();
        using JsonDocument document = Document(report);
        JsonElement root = document.RootElement;
        Assert.Equal(report.Passed, root.GetProperty("passed").GetBoolean());
        Assert.Equal(report.Tensors.Count, root.GetProperty("tensors").GetArrayLength());
        JsonElement coverage = root.GetProperty("coverage");
        Assert.Equal(report.Compared, coverage.GetProperty("compared").GetInt32());
        Assert.Equal(
            report.Tensors.Count, new[] { "right", "wrong", "absent", "broken" }.Sum(word => coverage.GetProperty(word).GetInt32()));
        Assert.All(Names(root), name => Assert.Matches("^[a-z0-9_]+$", name));
    }

    [Fact]
    public void A_wrong_step_has_all_facts()
    {
        CheckReport report = SampleReports.OneWrong();
        TensorCheck wrong = report.WrongSteps.Single();
        using JsonDocument document = Document(report);
        JsonElement tensor = document.RootElement.GetProperty("tensors").EnumerateArray().Single(each => each.GetProperty("status").GetString() == "wrong");
        Assert.Equal(wrong.Name, tensor.GetProperty("name").GetString());
        Assert.Equal(wrong.Shape, tensor.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32()));
        Assert.Equal(wrong.Axes, tensor.GetProperty("axes").EnumerateArray().Select(axis => axis.GetString()!));
        Assert.Equal(wrong.Worst!.Port, tensor.GetProperty("worst").GetProperty("port").GetDouble());
        Assert.Equal(wrong.Anatomy!.Histogram, tensor.GetProperty("anatomy").GetProperty("histogram").EnumerateArray().Select(count => count.GetInt64()));
        Assert.Equal(wrong.Anatomy.Map!.Largest, tensor.GetProperty("anatomy").GetProperty("map").GetProperty("largest").EnumerateArray().Select(error => error.GetDouble()));
        Assert.Equal(wrong.Anatomy.ByAxis.Select(axis => axis.Axis), tensor.GetProperty("anatomy").GetProperty("by_axis").EnumerateArray().Select(axis => axis.GetProperty("axis").GetString()!));
        JsonElement finding = tensor.GetProperty("diagnosis").GetProperty("findings")[0];
        Assert.Equal(wrong.Diagnosis!.Findings[0].Fix, finding.GetProperty("fix").GetString());
        Assert.Equal(0.65, finding.GetProperty("after").GetDouble());
        Assert.Equal("resnet50", document.RootElement.GetProperty("config").GetProperty("backbone").GetString());
    }

    [Fact]
    public void What_is_not_finite_is_a_word_and_what_is_absent_null()
    {
        using JsonDocument strange = Document(SampleReports.Strange());
        JsonElement[] tensors = [.. strange.RootElement.GetProperty("tensors").EnumerateArray()];
        Assert.Equal("NaN", tensors[1].GetProperty("injected").GetString());
        Assert.Equal("-Infinity", tensors[1].GetProperty("worst").GetProperty("expected").GetString());
        Assert.Equal("Infinity", tensors[3].GetProperty("injected").GetString());
        Assert.Equal(JsonValueKind.String, strange.RootElement.GetProperty("config").ValueKind);
        using JsonDocument incomplete = Document(SampleReports.Incomplete());
        JsonElement absent = incomplete.RootElement.GetProperty("tensors").EnumerateArray().First(each => each.GetProperty("status").GetString() == "absent");
        Assert.Equal(JsonValueKind.Null, absent.GetProperty("injected").ValueKind);
        Assert.Equal(JsonValueKind.Null, absent.GetProperty("growth").ValueKind);
    }

    private static IEnumerable<string> Names(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(property => Names(property.Value).Prepend(property.Name)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Names),
        _ => [],
    };

    private static JsonDocument Document(CheckReport report) => JsonDocument.Parse(ReportJson.Text(json => CheckJson.Write(report, json)));
}
