namespace DeformDetr.Oracle.Tests.Reports;

public class GroundTruthTests
{
    [Theory]
    [InlineData("1e999")]
    [InlineData("-1e999")]
    public void A_box_without_end_is_refused(string side)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, $$"""{"pictures": [{"file": "a.png", "objects": [{"label": "star", "box": [0, 1, {{side}}, 2]}]}]}""");
            InvalidDataException exception = Assert.Throws<InvalidDataException>(() => GroundTruth.Load(path));
            Assert.Equal($"{path}: box holds {side}; expected a number that float64 can hold.", exception.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
