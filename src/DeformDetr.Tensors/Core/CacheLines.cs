using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DeformDetr.Tensors;

// Arrays in which something begins at a cache line.
internal static class CacheLines
{
    // Bytes that travel together: on every x86, and on most others. Where they differ, only time does.
    public const int Bytes = 64;

    // Elements of an array that holds so many from a cache line on, wherever it begins itself.
    public static int Whole<T>(int length)
        where T : unmanaged => checked(length + (Bytes / Unsafe.SizeOf<T>()));

    // The first element of a pinned array that lies at a cache line.
    public static int Start<T>(T[] array)
        where T : unmanaged
    {
        long address = Marshal.UnsafeAddrOfPinnedArrayElement(array, 0);
        return (int)((Bytes - (address % Bytes)) % Bytes) / Unsafe.SizeOf<T>();
    }
}
