using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace DeformDetr.Formats;

// The directory of a zip, read whole and checked: each member lies within the file, no two of them over each other, and has the same name
// in the directory as before its bytes. Encryption and several disks are refused.
internal sealed class ZipDirectory
{
    private const uint EndSignature = 0x06054b50;
    private const uint End64Signature = 0x06064b50;
    private const uint Locator64Signature = 0x07064b50;
    private const uint EntrySignature = 0x02014b50;
    private const uint LocalSignature = 0x04034b50;
    private const int EndBytes = 22;
    private const int End64Bytes = 56;
    private const int Locator64Bytes = 20;
    private const int EntryBytes = 46;
    private const int LocalBytes = 30;
    private const ushort Zip64Extra = 1;
    private const ushort Stored = 0;
    private const ushort Deflated = 8;

    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly bool _mayDeflate;
    private readonly Dictionary<string, ZipRecord> _records = new(StringComparer.Ordinal);

    private ZipDirectory(string path, SafeFileHandle file, bool mayDeflate)
    {
        _path = path;
        _file = file;
        _mayDeflate = mayDeflate;
    }

    public IReadOnlyDictionary<string, ZipRecord> Records => _records;

    // mayDeflate: whether members may be compressed, as in numpy's files; PyTorch's are not.
    public static ZipDirectory Read(string path, SafeFileHandle file, bool mayDeflate)
    {
        ZipDirectory directory = new(path, file, mayDeflate);
        directory.ReadAll();
        return directory;
    }

    private void ReadAll()
    {
        (long count, long start, long length) = FindDirectory();
        byte[] bytes = FilePart.Read(_path, _file, start, length);
        int position = 0;
        for (long index = 0; index < count; index++)
        {
            position = ReadEntry(bytes, position, start);
        }

        if (position != bytes.Length)
        {
            throw Wrong(start + position,
                $"{bytes.Length - position} bytes after the last of {count} members; expected the directory to end there.");
        }

        long end = 0;
        foreach (ZipRecord record in _records.Values.OrderBy(record => record.Position).ThenBy(record => record.Packed))
        {
            if (record.Position < end)
            {
                throw Fault.File(
                    _path, $"zip member {Fault.Quote(record.Name)} lies over another at byte {record.Position}; expected each apart.");
            }

            end = record.Position + record.Packed;
        }
    }

    private (long Count, long Start, long Length) FindDirectory()
    {
        long fileLength = RandomAccess.GetLength(_file);
        long tailLength = Math.Min(fileLength, EndBytes + ushort.MaxValue);
        byte[] tail = FilePart.Read(_path, _file, fileLength - tailLength, tailLength);
        int at = tail.Length - EndBytes;
        while (at >= 0 && !(U32(tail, at) == EndSignature && at + EndBytes + U16(tail, at + 20) == tail.Length))
        {
            at--;
        }

        if (at < 0)
        {
            throw Wrong(fileLength, $"no end of a zip's directory; expected a whole zip file.");
        }

        long end = fileLength - tail.Length + at;
        (long count, long length, long start) = (U16(tail, at + 10), U32(tail, at + 12), U32(tail, at + 16));
        bool oneDisk = U16(tail, at + 4) is 0 or ushort.MaxValue && U16(tail, at + 6) is 0 or ushort.MaxValue && U16(tail, at + 8) == count;
        if (count == ushort.MaxValue || length == uint.MaxValue || start == uint.MaxValue || HasLocator64(end))
        {
            (long count64, long length64, long start64, long end64) = ReadEnd64(end);
            bool agree = (count == ushort.MaxValue || count == count64) && (length == uint.MaxValue || length == length64)
                && (start == uint.MaxValue || start == start64);
            if (!agree)
            {
                throw Wrong(
                    end, $"a zip's directory of {count} members in {length} bytes from {start}; expected what its 64-bit end says.");
            }

            (count, length, start, end) = (count64, length64, start64, end64);
        }

        if (!oneDisk)
        {
            throw Wrong(end, $"a zip of several disks; expected one file.");
        }

        if (start < 0 || length < 0 || start > end || length != end - start || count < 0 || count > length / EntryBytes)
        {
            throw Wrong(
                end, $"a zip's directory of {count} members in {length} bytes from {start}; expected it right before this and to hold them.");
        }

        return (count, start, length);
    }

    // PyTorch writes the 64-bit end even where nobody needs it.
    private bool HasLocator64(long end) =>
        end >= Locator64Bytes && U32(FilePart.Read(_path, _file, end - Locator64Bytes, Locator64Bytes), 0) == Locator64Signature;

    private (long Count, long Length, long Start, long End) ReadEnd64(long end)
    {
        if (end < Locator64Bytes + End64Bytes)
        {
            throw Wrong(end, $"no room for the 64-bit end of a zip's directory; expected one before this.");
        }

        byte[] locator = FilePart.Read(_path, _file, end - Locator64Bytes, Locator64Bytes);
        long at = I64(locator, 8);
        if (U32(locator, 0) != Locator64Signature || at < 0 || at > end - Locator64Bytes - End64Bytes)
        {
            throw Wrong(end - Locator64Bytes, $"nothing that leads to the 64-bit end of a zip's directory; expected it here.");
        }

        byte[] end64 = FilePart.Read(_path, _file, at, End64Bytes);
        return U32(end64, 0) == End64Signature && U32(end64, 16) == 0 && U32(end64, 20) == 0 && I64(end64, 24) == I64(end64, 32)
            ? (I64(end64, 32), I64(end64, 40), I64(end64, 48), at)
            : throw Wrong(at, $"no 64-bit end of a zip's directory in one file; expected it here.");
    }

    private int ReadEntry(byte[] bytes, int position, long directoryStart)
    {
        long at = directoryStart + position;
        if (bytes.Length - position < EntryBytes || U32(bytes, position) != EntrySignature)
        {
            throw Wrong(at, $"no entry of a zip's directory; expected one.");
        }

        int nameLength = U16(bytes, position + 28);
        int extraLength = U16(bytes, position + 30);
        int next = position + EntryBytes + nameLength + extraLength + U16(bytes, position + 32);
        if (next > bytes.Length)
        {
            throw Wrong(at, $"an entry of a zip's directory ends beyond it; expected it within.");
        }

        string name = Name(at, bytes.AsSpan(position + EntryBytes, nameLength));
        long packed = U32(bytes, position + 20);
        long length = U32(bytes, position + 24);
        long offset = U32(bytes, position + 42);
        ReadExtra(at, bytes.AsSpan(position + EntryBytes + nameLength, extraLength), ref length, ref packed, ref offset);
        if ((U16(bytes, position + 8) & 1) != 0)
        {
            throw Wrong(at, $"zip member {Fault.Quote(name)} is encrypted; expected one that is not.");
        }

        ushort method = U16(bytes, position + 10);
        if (method == Stored && packed != length)
        {
            throw Wrong(at, $"zip member {Fault.Quote(name)} of {length} bytes is stored in {packed}; expected as many.");
        }

        if (method != Stored && !(method == Deflated && _mayDeflate))
        {
            throw Wrong(
                at, $"zip member {Fault.Quote(name)} is compressed; expected it {(_mayDeflate ? "stored or deflated" : "stored, as PyTorch writes it")}.");
        }

        long data = DataPosition(name, offset, packed, directoryStart);
        if (length < 0)
        {
            throw Wrong(at, $"zip member {Fault.Quote(name)} of {length} bytes; expected a length.");
        }

        ZipRecord record = new(name, data, packed, length, method == Deflated, U32(bytes, position + 16));
        return _records.TryAdd(name, record)
            ? next
            : throw Wrong(at, $"zip member {Fault.Quote(name)} stands there twice; expected each name once.");
    }

    // 64-bit numbers in the place of those that are all ones.
    private void ReadExtra(long at, ReadOnlySpan<byte> extra, ref long length, ref long packed, ref long offset)
    {
        while (extra.Length >= 4)
        {
            int size = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (size > extra.Length - 4)
            {
                throw Wrong(at, $"an extra field of a zip member ends beyond it; expected it within.");
            }

            if (BinaryPrimitives.ReadUInt16LittleEndian(extra) == Zip64Extra)
            {
                ReadOnlySpan<byte> numbers = extra.Slice(4, size);
                Take(at, ref numbers, ref length);
                Take(at, ref numbers, ref packed);
                Take(at, ref numbers, ref offset);
            }

            extra = extra[(4 + size)..];
        }
    }

    private void Take(long at, ref ReadOnlySpan<byte> numbers, ref long value)
    {
        if (value == uint.MaxValue)
        {
            if (numbers.Length < sizeof(long))
            {
                throw Wrong(at, $"a zip member's 64-bit number is absent; expected it in an extra field.");
            }

            value = BinaryPrimitives.ReadInt64LittleEndian(numbers);
            numbers = numbers[sizeof(long)..];
        }
    }

    private long DataPosition(string name, long offset, long length, long directoryStart)
    {
        if (offset < 0 || length < 0 || offset > directoryStart - LocalBytes)
        {
            throw Fault.File(_path,
                $"zip member {Fault.Quote(name)} of {length} bytes at {offset}; expected it before the directory at {directoryStart}.");
        }

        byte[] local = FilePart.Read(_path, _file, offset, LocalBytes);
        int nameLength = U16(local, 26);
        long position = offset + LocalBytes + nameLength + U16(local, 28);
        if (U32(local, 0) != LocalSignature || position > directoryStart || length > directoryStart - position)
        {
            throw Wrong(offset,
                $"no zip member {Fault.Quote(name)} of {length} bytes; expected it here, before the directory at {directoryStart}.");
        }

        byte[] localName = FilePart.Read(_path, _file, offset + LocalBytes, nameLength);
        return Name(offset, localName) == name
            ? position
            : throw Wrong(offset, $"a zip member has another name here than {Fault.Quote(name)} in the directory; expected the same.");
    }

    private string Name(long at, ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Wrong(at, $"a zip member's name is not UTF-8; expected a name that is.");
        }
    }

    private static ushort U16(byte[] bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(at));

    private static uint U32(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));

    private static long I64(byte[] bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at));

    private InvalidDataException Wrong(long position, FormattableString what) =>
        Fault.File(_path, $"byte {position}: {FormattableString.Invariant(what)}");
}
