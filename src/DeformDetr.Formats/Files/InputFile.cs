using Microsoft.Win32.SafeHandles;

namespace DeformDetr.Formats;

// Opens a file for reading, and words what can go wrong there in one line that begins with the file.
internal static class InputFile
{
    public static SafeFileHandle Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
        {
            throw new IOException($"{path}: is a folder; expected a file.");
        }

        try
        {
            SafeFileHandle handle = File.OpenHandle(path);
            try
            {
                _ = RandomAccess.GetLength(handle);
                return handle;
            }
            catch
            {
                handle.Dispose();
                throw;
            }
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new FileNotFoundException($"{path}: no such file.", path, exception);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new UnauthorizedAccessException($"{path}: no permission to read it.", exception);
        }
        catch (NotSupportedException exception)
        {
            throw new IOException($"{path}: is a pipe or a device; expected a file that can be read at any position.", exception);
        }
    }
}
