namespace DeformDetr.Formats.Tests;

public class AtomicFileTests
{
    [Fact]
    public void Text_is_written_as_utf8_without_a_mark()
    {
        using TemporaryFolder folder = new();
        AtomicFile.WriteAllText(folder["a.json"], "é\n");
        Assert.Equal([0xC3, 0xA9, 0x0A], File.ReadAllBytes(folder["a.json"]));
        Assert.Equal(["a.json"], folder.Names);
    }

    [Fact]
    public void A_file_that_exists_is_replaced_whole()
    {
        using TemporaryFolder folder = new();
        AtomicFile.WriteAllText(folder["a"], "a long text");
        AtomicFile.WriteAllText(folder["a"], "b");
        Assert.Equal("b", File.ReadAllText(folder["a"]));
        Assert.Equal(["a"], folder.Names);
    }

    [Fact]
    public void The_target_is_not_there_while_it_is_written()
    {
        using TemporaryFolder folder = new();
        AtomicFile.Write(folder["a"], stream =>
        {
            stream.WriteByte(1);
            stream.Flush();
            Assert.False(File.Exists(folder["a"]));
        });
        Assert.Equal([1], File.ReadAllBytes(folder["a"]));
    }

    [Fact]
    public void A_crash_leaves_neither_target_nor_temporary()
    {
        using TemporaryFolder folder = new();
        Assert.Throws<TimeoutException>(() => AtomicFile.Write(folder["a"], stream =>
        {
            stream.WriteByte(1);
            throw new TimeoutException();
        }));
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void A_crash_leaves_the_old_target_as_it_was()
    {
        using TemporaryFolder folder = new();
        AtomicFile.WriteAllText(folder["a"], "old");
        Assert.Throws<TimeoutException>(() => AtomicFile.Write(folder["a"], _ => throw new TimeoutException()));
        Assert.Equal("old", File.ReadAllText(folder["a"]));
        Assert.Equal(["a"], folder.Names);
    }

    [Fact]
    public void A_relative_path_means_the_folder_of_the_moment_it_is_given()
    {
        using TemporaryFolder folder = new();
        string path = Path.GetRelativePath(Environment.CurrentDirectory, folder["a"]);
        AtomicFile.WriteAllText(path, "x");
        Assert.Equal(["a"], folder.Names);
    }

    [Fact]
    public void A_missing_folder_is_said_in_one_line_that_begins_with_the_target()
    {
        using TemporaryFolder folder = new();
        string path = folder["none/a"];
        DirectoryNotFoundException exception = Assert.Throws<DirectoryNotFoundException>(() => AtomicFile.WriteAllText(path, ""));
        Assert.Equal($"{path}: its folder does not exist; expected a folder to write to.", exception.Message);
    }

    [Fact]
    public void A_folder_as_target_is_refused_and_nothing_is_left()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["d"]);
        IOException exception = Assert.Throws<IOException>(() => AtomicFile.WriteAllText(folder["d"], ""));
        Assert.StartsWith($"{folder["d"]}: is a folder", exception.Message, StringComparison.Ordinal);
        Assert.Equal(["d"], folder.Names);
    }

    [Fact]
    public void A_folder_without_permission_is_said_in_one_line()
    {
        if (OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess)
        {
            return;
        }

        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["d"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        string path = folder["d/a"];
        UnauthorizedAccessException exception = Assert.Throws<UnauthorizedAccessException>(() => AtomicFile.WriteAllText(path, ""));
        Assert.Equal($"{path}: no permission to write to its folder.", exception.Message);
    }
}
