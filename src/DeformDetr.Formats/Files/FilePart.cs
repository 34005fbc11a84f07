using Microsoft.Win32.SafeHandles;

namespace DeformDetr.Formats;

// Bytes of an open file that are known to be few enough for one array.
internal static class FilePart
{
    public static byte[] Read(string path, SafeFileHandle file, long position, long length)
    {
        long fileLength = RandomAccess.GetLength(file);
        if (length > Array.MaxLength || position > fileLength - length)
        {
            throw Fault.File(path, $"byte {position}: {length} bytes are asked of {fileLength} in the file; expected them to fit.");
        }

        byte[] bytes = new byte[length];
        Fill(path, file, bytes, position);
        return bytes;
    }

    public static void Fill(string path, SafeFileHandle file, Span<byte> destination, long position)
    {
        while (!destination.IsEmpty)
        {
            int count = RandomAccess.Read(file, destination, position);
            if (count <= 0)
            {
                throw Fault.File(path, $"byte {position}: the file ends {destination.Length} bytes early; expected all of it.");
            }

            destination = destination[count..];
            position += count;
        }
    }
}
