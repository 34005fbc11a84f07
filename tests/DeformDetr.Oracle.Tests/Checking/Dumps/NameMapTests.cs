using System.Text;

namespace DeformDetr.Oracle.Tests.Checking.Dumps;

public class NameMapTests
{
    private const string Head = "deform-detr-map/1\n";

    [Fact]
    public void Text_is_read_and_written_alike()
    {
        const string Text =
            Head + "a.b -> c.d\nenc.{i}.{part} -> e.{part}.x{i} [slice 0 0:2] [shape 2,-1,8] [axes 0 2 1]\ns -> hs.{i} [slice 1 {i}] [shape expected]\n"
            + "s -> tgt [slice 0 {from}:9]\nno -> -\n";
        string text = Text.Replace("tgt [slice 0 {from}:9]", "tgt.{from} [slice 0 {from}:9]", StringComparison.Ordinal);
        NameMap map = NameMap.Parse("m", text);
        Assert.Equal(text, map.ToText());
        Assert.Equal(text, NameMap.Parse("m", map.ToText()).ToText());
    }

    [Fact]
    public void Line_ends_byte_order_marks_comments_and_spaces_do_not_matter()
    {
        using DumpFolder folder = new();
        string path = folder["x.map"];
        string text = "# first a comment\r\n\r\n  deform-detr-map/1   # the version\r\n\ta#b   ->   c#d\t[axes  1 0]   # a # in a name is none\r\n";
        File.WriteAllText(path, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        Assert.Equal((byte)0xEF, File.ReadAllBytes(path)[0]);
        Assert.Equal($"{Head}a#b -> c#d [axes 1 0]\n", NameMap.Load(path).ToText());
        File.WriteAllText(path, text);
        Assert.Equal($"{Head}a#b -> c#d [axes 1 0]\n", NameMap.Load(path).ToText());
    }

    [Theory]
    [InlineData("", "m:1: holds nothing; expected 'deform-detr-map/1'.")]
    [InlineData("deform-detr-map/2\na -> b", "m:1: holds 'deform-detr-map/2'; expected 'deform-detr-map/1' before anything else.")]
    [InlineData("\n# x\na -> b", "m:3: holds 'a -> b'; expected 'deform-detr-map/1' before anything else.")]
    [InlineData(Head + "a = b", "m:2: holds 'a = b'; expected 'port.name -> contract.name'.")]
    [InlineData(Head + "a\u001b[31m\0 = b", "m:2: holds 'a\\u001b[31m\\u0000 = b'; expected 'port.name -> contract.name'.")]
    [InlineData(Head + "a -> ", "m:2: holds 'a ->'; expected 'port.name -> contract.name'.")]
    [InlineData(Head + "a -> b c", "m:2: has 'c' after the names; expected [axes …], [slice …] or [shape …].")]
    [InlineData(Head + "a -> b [axes 0 2]", "m:2: has '[axes 0 2]'; expected such as ")]
    [InlineData(Head + "a -> b [axes]", "m:2: has '[axes]'; expected such as ")]
    [InlineData(Head + "a -> b [shape 2,-1,-1]", "m:2: has '[shape 2,-1,-1]'; expected such as ")]
    [InlineData(Head + "a -> b [slice 0 1:2:3]", "m:2: has '[slice 0 1:2:3]'; expected such as ")]
    [InlineData(Head + "a -> b [slice {i} 1]", "m:2: has '[slice {i} 1]'; expected such as ")]
    [InlineData(Head + "a -> b [turn 1]", "m:2: has '[turn 1]'; expected such as ")]
    [InlineData(Head + "a -> b [axes 0 1", "m:2: has '[axes 0 1' after the names; expected ")]
    [InlineData(Head + "a -> - [axes 0 1]", "m:2: has [axes 0 1] for what is left out; expected nothing after '-'.")]
    [InlineData(Head + "a.{i} -> b", "m:2: has {i} which 'b' doesn't have; expected the same names in braces on both sides.")]
    [InlineData(Head + "a -> b.{i}", "m:2: has {i} only in 'b.{i}'; expected it in the dump's name or a slice too.")]
    [InlineData(Head + "a.{i}.{i} -> b.{i}", "m:2: has {i} twice: 'a.{i}.{i}'; expected names such as layers.{i}.norm1.")]
    [InlineData(Head + "a.{i}{j} -> b.{i}.{j}", "m:2: has a name in braces beside a digit or another one: 'a.{i}{j}'; expected names")]
    [InlineData(Head + "a.{i}1 -> b.{i}", "m:2: has a name in braces beside a digit or another one: 'a.{i}1'; expected names")]
    [InlineData(Head + "a.{ -> b", "m:2: has braces around what is not a name: 'a.{'; expected names")]
    [InlineData(Head + "a.{} -> b", "m:2: has braces around what is not a name: 'a.{}'; expected names")]
    [InlineData(Head + "a} -> b", "m:2: has a closing brace alone: 'a}'; expected names")]
    [InlineData(Head + "a -> c\n\nb -> c", "m:4: gives 'c' a second tensor; expected one line for each name; line 2 has 'c'.")]
    [InlineData(Head + "b.7 -> c.7\na.{i} -> c.{i}", "m:3: gives 'c.{i}' a second tensor; expected one line for each name; line 2 has 'c.7'.")]
    [InlineData(Head + "a.{i} -> c.{i}.0\nb.{i} -> c.3.{i}", "m:3: gives 'c.3.{i}' a second tensor; expected one line for each name; line 2 has 'c.{i}.0'.")]
    [InlineData(Head + "a -> b\na -> c", "m:3: has 'a' a second time; expected one line for each tensor of the dump, or slices of it; line 2 has 'a'.")]
    [InlineData(Head + "a -> b [slice 0 0:1]\na -> c", "m:3: has 'a' a second time; expected ")]
    [InlineData(Head + "a -> b [slice 0 0:1]\na -> c [slice 0 0:1]", "m:3: has 'a' a second time; expected ")]
    [InlineData(Head + "a.{i} -> -\na.5 -> c", "m:3: has 'a.5' a second time; expected ")]
    public void A_faulty_map_is_refused_with_its_line(string text, string wording)
    {
        InvalidDataException exception = Assert.Throws<InvalidDataException>(() => NameMap.Parse("m", text));
        Assert.StartsWith(wording, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(exception.Message, char.IsControl);
    }

    [Fact]
    public void Patterns_beside_each_other_are_no_overlap()
    {
        NameMap map = NameMap.Parse("m", Head + "a.{i}.0 -> c.{i}.0\na.{i}.1 -> c.{i}.1\na.{i} -> c.{i}\na.x{i} -> c.x{i}\n");
        Assert.Equal("a.12.1", map.OfContract("c.12.1")!.Value.PortName);
        Assert.Equal("a.007", map.OfContract("c.007")!.Value.PortName);
        Assert.Null(map.OfContract("c.1.2"));
        Assert.Null(map.OfContract("c.i"));
        Assert.Null(map.OfContract("c.{i}"));
    }

    [Fact]
    public void Bytes_that_are_no_text_and_absent_files_are_refused()
    {
        using DumpFolder folder = new();
        File.WriteAllBytes(folder["x.map"], [.. Encoding.UTF8.GetBytes(Head), 0xFF, 0xFE]);
        Assert.EndsWith(
            "x.map: holds bytes that are not UTF-8; expected a map in UTF-8.",
            Assert.Throws<InvalidDataException>(() => NameMap.Load(folder["x.map"])).Message, StringComparison.Ordinal);
        Assert.EndsWith(
            "y.map: no such file; expected a map's path or one of huggingface, mmdetection, detrex, original.",
            Assert.Throws<FileNotFoundException>(() => NameMap.Load(folder["y.map"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_hundred_thousand_lines_are_read_and_looked_up()
    {
        // Looking each of them up in a list would take minutes.
        const int lines = 100_000;
        StringBuilder text = new(Head);
        for (int line = 0; line < lines; line++)
        {
            text.Append(line % 2 == 0 ? $"port.{line}.x -> contract.{line}.y [axes 1 0]\n" : $"port.{{i}}.z{line} -> contract.{{i}}.z{line}\n");
        }

        NameMap map = NameMap.Parse("m", text.ToString());
        for (int line = 0; line < lines; line++)
        {
            string name = line % 2 == 0 ? $"contract.{line}.y" : $"contract.17.z{line}";
            Assert.Equal(line % 2 == 0 ? $"port.{line}.x" : $"port.17.z{line}", map.OfContract(name)!.Value.PortName);
        }
    }
}
