using System.Diagnostics;
using System.Reflection;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Core;

public class TensorDebugViewTests
{
    [Fact]
    public void One_line_says_name_shape_type_and_statistics()
    {
        Tensor<float> tensor = Values.Of<float>([2, 2], 1, 2.5, double.NaN, -1);
        Assert.Equal("tensor [2, 2] float32, min -1, max 2.5, mean 0.833333, 1 not finite", tensor.ToString());
        tensor.Name = "transformer.encoder.layers.0";
        Assert.StartsWith("transformer.encoder.layers.0 [2, 2] float32, min -1", tensor.ToString(), StringComparison.Ordinal);
        Assert.Equal("tensor [3] int64, min 0, max 2, mean 1", Values.Counting<long>(3).ToString());
        Assert.Equal("tensor [0] bool, min NaN, max NaN, mean NaN", new Tensor<bool>([0]).ToString());
    }

    [Fact]
    public void The_view_shows_facts_and_titled_rows()
    {
        Tensor<float> tensor = Values.Counting<float>(2, 3, 20);
        tensor.Name = "memory";
        TensorDebugView<float> view = new(tensor);
        Assert.Equal(("memory", "[2, 3, 20]", ElementType.Float32), (view.Name, view.Shape, view.ElementType));
        Assert.Equal((0.0, 119.0, 59.5, 0), (view.Minimum, view.Maximum, view.Mean, view.NonFinite));
        Assert.Equal(Enumerable.Range(0, 16).Select(i => (float)i), view.FirstValues);
        Assert.Equal(["[0, 0, :]", "[0, 1, :]", "[0, 2, :]", "[1, 0, :]", "[1, 1, :]", "[1, 2, :]"], view.Rows.Select(row => row.Title));
        Assert.Equal(Enumerable.Range(80, 20).Select(i => (float)i), view.Rows[4].Values);
        Assert.StartsWith("80  81  82", view.Rows[4].Text, StringComparison.Ordinal);
        Assert.EndsWith("95  …", view.Rows[4].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Scalars_and_empty_tensors_have_no_rows_and_large_ones_not_all()
    {
        Assert.Empty(new TensorDebugView<float>(Values.Of<float>([], 3)).Rows);
        Assert.Empty(new TensorDebugView<float>(new Tensor<float>([0, 3])).Rows);
        Assert.Empty(new TensorDebugView<float>(new Tensor<float>([3, 0])).Rows);
        Assert.Equal(256, new TensorDebugView<float>(new Tensor<float>([1000, 2])).Rows.Length);
        Assert.Equal(["[:]"], new TensorDebugView<bool>(new Tensor<bool>([3])).Rows.Select(row => row.Title));
    }

    [Fact]
    public void The_debugger_is_told_of_both()
    {
        Assert.Contains("TensorDebugView", typeof(Tensor<float>).GetCustomAttribute<DebuggerTypeProxyAttribute>()!.ProxyTypeName, StringComparison.Ordinal);
        Assert.Equal("{DebugSummary,nq}", typeof(Tensor<float>).GetCustomAttribute<DebuggerDisplayAttribute>()!.Value);
    }
}
