namespace DeformDetr.Formats;

// The bytes of one tensor (or of one npz member), read forward.
internal abstract class ByteSource(string path, string tensor) : IDisposable
{
    public string Path => path;

    public string Tensor => tensor;

    public void Fill(Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int count = Read(destination);
            if (count <= 0)
            {
                throw Fault.Tensor(
                    path, tensor, $"the file ends {destination.Length} bytes before the tensor's data does; expected all of it.");
            }

            destination = destination[count..];
        }
    }

    // Called once all bytes that the reader wants are read.
    public virtual void Finish()
    {
    }

    public virtual void Dispose()
    {
    }

    protected abstract int Read(Span<byte> destination);
}
