using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace DeformDetr.Tensors;

// The only code of the library that needs a pointer. The processor is told what will be read soon, into its second cache; a hint changes no
// result, fails for no address, and elsewhere than on x86 nothing happens.
internal static class CacheHint
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Soon<T>(ref readonly T element)
        where T : unmanaged
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch1(Unsafe.AsPointer(ref Unsafe.AsRef(in element)));
        }
    }
}
