using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DeformDetr.Tensors;

// Arrays of maps and tokens are read all over, and every 4 KB of them has its own entry in the address tables. Linux gives pages of 2 MB to
// whoever asks, where it is set up to (madvise or always). A hint: where it isn't taken, everything is as it was.
internal static class LargePages
{
    private const long PageBytes = 1L << 21;

    // MADV_HUGEPAGE of linux/mman.h, the same on every architecture that .NET runs on.
    private const int WantsLargePages = 14;

    private static volatile bool _unheard;

    public static T[] Allocate<T>(int length, bool pinned = false)
        where T : unmanaged
    {
        T[] array = GC.AllocateUninitializedArray<T>(length, pinned);
        if (OperatingSystem.IsLinux() && (long)length * Unsafe.SizeOf<T>() >= PageBytes && !_unheard)
        {
            Ask(array);
        }

        return array;
    }

    // For the whole large pages inside the array: a part of one may belong to others.
    private static void Ask<T>(T[] array)
        where T : unmanaged
    {
        GCHandle handle = GCHandle.Alloc(array, GCHandleType.Pinned);
        try
        {
            long address = handle.AddrOfPinnedObject();
            long start = (address + PageBytes - 1) / PageBytes * PageBytes;
            long end = (address + ((long)array.Length * Unsafe.SizeOf<T>())) / PageBytes * PageBytes;
            if (start < end && Advise((nint)start, (nint)(end - start), WantsLargePages) != 0)
            {
                _unheard = true;
            }
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            _unheard = true;
        }
        finally
        {
            handle.Free();
        }
    }

    [DllImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Advise(nint address, nint length, int advice);
}
