namespace DeformDetr.Tensors.Tests.Core;

public class ShapeGuardTests
{
    [Fact]
    public void Require_says_operator_argument_what_symbols_and_numbers()
    {
        Assert.Equal("Op: x holds [2, 3]; expected [N, C] = [2, 4].", Message(() => ShapeGuard.Require("Op", "x", [2, 3], "[N, C]", 2, 4)));
        Assert.Equal("Op: x holds [2, 3]; expected [N] = [2].", Message(() => ShapeGuard.Require("Op", "x", [2, 3], "[N]", 2)));
        Assert.Equal("Op: x holds [2, 3]; expected [N, 4, 2] = [any, 4, 2].", Message(() => ShapeGuard.Require("Op", "x", [2, 3], "[N, 4, 2]", -1, 4, 2)));
        Assert.Equal("Op: x holds []; expected [N] = [2].", Message(() => ShapeGuard.Require("Op", "x", [], "[N]", 2)));
        Assert.Equal("Op: x holds [1]; expected [] = [].", Message(() => ShapeGuard.Require("Op", "x", [1], "[]")));
    }

    [Fact]
    public void Require_lets_pass_what_fits()
    {
        ShapeGuard.Require("Op", "x", [2, 3], "[N, C]", 2, 3);
        ShapeGuard.Require("Op", "x", [2, 3], "[N, C]", -1, 3);
        ShapeGuard.Require("Op", "x", [0], "[N]", 0);
        ShapeGuard.Require("Op", "x", [], "[]");
    }

    [Fact]
    public void Rank_says_how_many_axes()
    {
        Assert.Equal("Op: x holds [2, 3]; expected [N, S, C], 3 axes.", Message(() => ShapeGuard.Rank("Op", "x", [2, 3], "[N, S, C]", 3)));
        ShapeGuard.Rank("Op", "x", [2, 3], "[N, C]", 2);
    }

    [Fact]
    public void That_puts_its_text_together_only_where_it_fails()
    {
        int made = 0;
        ShapeGuard.That(true, "Op", "k", $"holds {Made()}; expected 2.");
        Assert.Equal(0, made);
        Assert.Equal("Op: k holds 1; expected 2.5.", Message(() => ShapeGuard.That(false, "Op", "k", $"holds {Made()}; expected {2.5}.")));
        Assert.Equal(1, made);

        int Made() => ++made;
    }

    private static string Message(Action refused)
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(refused);
        return exception.Message;
    }
}
