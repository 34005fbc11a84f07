using DeformDetr.Fuzz;

namespace DeformDetr.Oracle.Tests;

/// <summary>A small part of tests/fuzz in every test run; docs/robustness.md has the long one.</summary>
public class HostileFilesTests
{
    private const int Files = 800;

    public static TheoryData<string> Readers => [.. AllReaders.Oracle];

    [Theory]
    [MemberData(nameof(Readers))]
    public void Damaged_files_end_in_a_value_that_is_right_or_in_one_line(string name)
    {
        (IReadOnlyList<string> failures, int read, int refused) = Few.Files(name, seed: 20, Files);
        Assert.Equal([], failures);
        Assert.InRange(read, 1, Files / 2);
        Assert.InRange(refused, Files / 2, Files);
    }
}
