namespace DeformDetr.Tensors.Tests.Support;

internal static class Refusal
{
    /// <summary>An ArgumentException with exactly this message, from both bodies.</summary>
    public static void Of(string message, Action<OperatorContext> run)
    {
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            ArgumentException exception = Assert.Throws<ArgumentException>(() => run(new OperatorContext(kernels)));
            Assert.Equal(message, exception.Message);
        }
    }
}
