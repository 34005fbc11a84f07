using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace DeformDetr.Fuzz;

// A zip taken apart, each field free to be wrong, and put together again.
internal sealed class ZipParts
{
    public sealed class Member
    {
        public required byte[] Name { get; set; }

        public byte[]? LocalName { get; set; }

        public ushort Flags { get; set; }

        public ushort Method { get; set; }

        public uint Crc { get; set; }

        public uint Packed { get; set; }

        public uint Length { get; set; }

        // What stands in the member's own header where it differs from the directory.
        public (uint Crc, uint Packed, uint Length)? Local { get; set; }

        public byte[] Extra { get; set; } = [];

        public byte[] LocalExtra { get; set; } = [];

        public required byte[] Data { get; set; }

        // Where the directory says it is; null for the truth.
        public uint? Offset { get; set; }

        // Only in the directory: another member's bytes stand for it.
        public bool HasNoBytes { get; set; }

        public Member Copy() => (Member)MemberwiseClone();

        public byte[] Unpacked()
        {
            if (Method == 0)
            {
                return Data;
            }

            using MemoryStream result = new();
            using DeflateStream deflate = new(new MemoryStream(Data), CompressionMode.Decompress);
            deflate.CopyTo(result);
            return result.ToArray();
        }

        public void Pack(byte[] content, bool deflate)
        {
            Method = (ushort)(deflate ? 8 : 0);
            Data = deflate ? Deflated(content) : content;
            Packed = (uint)Data.Length;
            Length = (uint)content.Length;
            Crc = Checksums.Crc32(content);
            Flags &= 0x0800;
        }
    }

    public List<Member> Members { get; } = [];

    public byte[] Start { get; set; } = [];

    public byte[] Comment { get; set; } = [];

    public ushort? Count { get; set; }

    public uint? DirectoryLength { get; set; }

    public uint? DirectoryStart { get; set; }

    // With the 64-bit end, these stand there.
    public bool Has64 { get; set; }

    public ulong? Count64 { get; set; }

    public ulong? DirectoryStart64 { get; set; }

    public static byte[] Deflated(byte[] content)
    {
        using MemoryStream result = new();
        using (DeflateStream deflate = new(result, CompressionLevel.Optimal, leaveOpen: true))
        {
            deflate.Write(content);
        }

        return result.ToArray();
    }

    // Of a seed, whose end has no comment.
    public static ZipParts Parse(byte[] zip)
    {
        ZipParts parts = new();
        int end = zip.Length - 22;
        int at = (int)U32(zip, end + 16);
        for (int index = 0; index < U16(zip, end + 10); index++)
        {
            int local = (int)U32(zip, at + 42);
            int nameLength = U16(zip, at + 28);
            int extraLength = U16(zip, at + 30);
            int data = local + 30 + U16(zip, local + 26) + U16(zip, local + 28);
            uint packed = U32(zip, at + 20);
            parts.Members.Add(new Member
            {
                Name = zip.AsSpan(at + 46, nameLength).ToArray(),
                Flags = U16(zip, at + 8),
                Method = U16(zip, at + 10),
                Crc = U32(zip, at + 16),
                Packed = packed,
                Length = U32(zip, at + 24),
                LocalExtra = zip.AsSpan(local + 30 + U16(zip, local + 26), U16(zip, local + 28)).ToArray(),
                Data = zip.AsSpan(data, (int)packed).ToArray(),
            });
            at += 46 + nameLength + extraLength + U16(zip, at + 32);
        }

        return parts;
    }

    // Where the bytes of members whose names hold a text are; null where the zip has 64-bit numbers.
    public static IReadOnlyList<(long Start, long End)>? RangesOf(byte[] zip, string text)
    {
        List<(long, long)> ranges = [];
        int end = zip.Length - 22;
        while (U32(zip, end) != 0x06054B50 || end + 22 + U16(zip, end + 20) != zip.Length)
        {
            end--;
        }

        int at = (int)U32(zip, end + 16);
        for (int index = 0; index < U16(zip, end + 10); index++)
        {
            if (at < 0 || U16(zip, end + 10) == ushort.MaxValue || U32(zip, at + 20) == uint.MaxValue || U32(zip, at + 42) == uint.MaxValue)
            {
                return null;
            }

            int local = (int)U32(zip, at + 42);
            long data = local + 30 + U16(zip, local + 26) + U16(zip, local + 28);
            if (Encoding.Latin1.GetString(zip, at + 46, U16(zip, at + 28)).Contains(text, StringComparison.Ordinal))
            {
                ranges.Add((data, data + U32(zip, at + 20)));
            }

            at += 46 + U16(zip, at + 28) + U16(zip, at + 30) + U16(zip, at + 32);
        }

        return ranges;
    }

    public byte[] Join()
    {
        using MemoryStream zip = new();
        using BinaryWriter writer = new(zip, Encoding.Latin1, leaveOpen: true);
        writer.Write(Start);
        List<uint> offsets = [];
        foreach (Member member in Members)
        {
            offsets.Add((uint)zip.Position);
            if (member.HasNoBytes)
            {
                continue;
            }

            writer.Write(LocalHeader(member));
            writer.Write(member.Data);
        }

        long directory = zip.Position;
        for (int index = 0; index < Members.Count; index++)
        {
            Member member = Members[index];
            writer.Write(0x02014B50);
            Write16(writer, 20, 20, member.Flags, member.Method, 0, 33);
            writer.Write(member.Crc);
            writer.Write(member.Packed);
            writer.Write(member.Length);
            Write16(writer, (ushort)member.Name.Length, (ushort)member.Extra.Length, 0, 0, 0);
            writer.Write(0u);
            writer.Write(member.Offset ?? offsets[index]);
            writer.Write(member.Name);
            writer.Write(member.Extra);
        }

        long length64 = zip.Position - directory;
        if (Has64)
        {
            long end64 = zip.Position;
            writer.Write(0x06064B50);
            writer.Write(44L);
            Write16(writer, 45, 45);
            writer.Write(0u);
            writer.Write(0u);
            writer.Write(Count64 ?? (ulong)Members.Count);
            writer.Write(Count64 ?? (ulong)Members.Count);
            writer.Write(length64);
            writer.Write(DirectoryStart64 ?? (ulong)directory);
            writer.Write(0x07064B50);
            writer.Write(0u);
            writer.Write(end64);
            writer.Write(1u);
        }

        ushort count = Count ?? (Has64 ? ushort.MaxValue : (ushort)Members.Count);
        writer.Write(0x06054B50);
        Write16(writer, 0, 0, count, count);
        writer.Write(DirectoryLength ?? (Has64 ? uint.MaxValue : (uint)length64));
        writer.Write(DirectoryStart ?? (Has64 ? uint.MaxValue : (uint)directory));
        Write16(writer, (ushort)Comment.Length);
        writer.Write(Comment);
        return zip.ToArray();
    }

    // What stands before a member's bytes.
    public static byte[] LocalHeader(Member member)
    {
        using MemoryStream header = new();
        using BinaryWriter writer = new(header, Encoding.Latin1, leaveOpen: true);
        byte[] name = member.LocalName ?? member.Name;
        (uint crc, uint packed, uint length) = member.Local ?? (member.Crc, member.Packed, member.Length);
        writer.Write(0x04034B50);
        Write16(writer, 20, member.Flags, member.Method, 0, 33);
        writer.Write(crc);
        writer.Write(packed);
        writer.Write(length);
        Write16(writer, (ushort)name.Length, (ushort)member.LocalExtra.Length);
        writer.Write(name);
        writer.Write(member.LocalExtra);
        return header.ToArray();
    }

    private static void Write16(BinaryWriter writer, params ReadOnlySpan<ushort> values)
    {
        foreach (ushort value in values)
        {
            writer.Write(value);
        }
    }

    private static ushort U16(byte[] bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(at));

    private static uint U32(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));
}
