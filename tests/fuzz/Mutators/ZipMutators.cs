using System.Text;

namespace DeformDetr.Fuzz;

// Damage to zips whose other fields and checksums are right. edit: damage to what a member holds.
internal sealed class ZipMutators(string extension, Func<Draw, ZipParts.Member, byte[], byte[]> edit, string? foremost = null)
{
    public const string ContentName = "zip-content";

    private const int BombBytes = 1 << 20;

    private static readonly byte[] Zeros = new byte[BombBytes];

    // A megabyte of zeros in a thousand bytes.
    private static readonly byte[] Bomb = ZipParts.Deflated(Zeros);
    private static readonly uint BombChecksum = Checksums.Crc32(Zeros);

    public bool MayDeflate { get; init; }

    public IReadOnlyList<Mutator> All =>
    [
        On("zip-field", (draw, zip) => Field(draw, draw.Of(zip.Members))),
        On("zip-end", End),
        On("zip-name", Name),
        On("zip-local-name", (draw, zip) => draw.Of(zip.Members).LocalName = ShortName(draw.Of(Interesting.Texts) + extension)),
        On("zip-local", (draw, zip) => draw.Of(zip.Members).Local = ((uint)draw.Of(Interesting.Words), (uint)draw.Of(Interesting.Words), (uint)draw.Of(Interesting.Words))),
        On(ContentName, Content),
        On("zip-member-twice", Twice),
        On("zip-member-gone", (draw, zip) => zip.Members.RemoveAt(draw.Below(zip.Members.Count))),
        On("zip-over", Over),
        On("zip-quoted", Quoted),
        On("zip-bomb", MakeBomb),
        On("zip-64", Make64),
        On("zip-extra", Extra),
        On("zip-around", Around),
    ];

    private static Mutator On(string name, Action<Draw, ZipParts> change) => new(name, false, (draw, _, seed) =>
    {
        ZipParts zip = ZipParts.Parse(seed);
        change(draw, zip);
        return zip.Join();
    });

    private static void Field(Draw draw, ZipParts.Member member)
    {
        uint value = draw.OneIn(3) ? (uint)(member.Length + (ulong)draw.Below(9) - 4) : (uint)draw.Of(Interesting.Words);
        switch (draw.Below(7))
        {
            case 0: member.Flags = (ushort)(draw.OneIn(2) ? 1 << draw.Below(16) : (int)draw.Bits()); break;
            case 1: member.Method = (ushort)draw.Of([0, 1, 6, 8, 9, 12, 14, 93, 99, 65535]); break;
            case 2: member.Crc = value; break;
            case 3: member.Packed = value; break;
            case 4: member.Length = value; break;
            case 5: member.Packed = member.Length = value; break;
            default: member.Offset = value; break;
        }
    }

    private static void End(Draw draw, ZipParts zip)
    {
        ulong value = draw.OneIn(2) ? (ulong)draw.Below(400) : draw.Of(Interesting.Words);
        switch (draw.Below(3))
        {
            case 0: zip.Count = (ushort)value; break;
            case 1: zip.DirectoryLength = (uint)value; break;
            default: zip.DirectoryStart = (uint)value; break;
        }
    }

    private void Name(Draw draw, ZipParts zip)
    {
        ZipParts.Member member = draw.Of(zip.Members);
        string old = Encoding.Latin1.GetString(member.Name);
        string name = draw.Below(6) switch
        {
            0 => Encoding.Latin1.GetString(draw.Of(zip.Members).Name),
            1 => "../../" + old,
            2 => "/" + old,
            3 => old + "/",
            4 => old.ToUpperInvariant(),
            _ => draw.Of(Interesting.Texts),
        };
        if (draw.OneIn(2) && !name.EndsWith(extension, StringComparison.Ordinal))
        {
            name += extension;
        }

        member.Name = ShortName(name);
    }

    // A name's length is 16 bits.
    private static byte[] ShortName(string text) => TextMutators.Latin1(text[..Math.Min(text.Length, 60_000)]);

    private void Content(Draw draw, ZipParts zip)
    {
        // The member that says what the others are, more often than its share.
        ZipParts.Member? first = foremost is null || draw.OneIn(4) ? null : zip.Members.Find(one => Encoding.Latin1.GetString(one.Name).EndsWith(foremost, StringComparison.Ordinal));
        ZipParts.Member member = first ?? draw.Of(zip.Members);
        member.Pack(edit(draw, member, member.Unpacked()), MayDeflate && draw.OneIn(2));
    }

    private static void Twice(Draw draw, ZipParts zip)
    {
        ZipParts.Member copy = draw.Of(zip.Members).Copy();
        if (draw.OneIn(2))
        {
            copy.Name = [.. copy.Name.AsSpan(0, copy.Name.Length / 2), (byte)'2', .. copy.Name.AsSpan(copy.Name.Length / 2)];
        }

        zip.Members.Insert(draw.Below(zip.Members.Count + 1), copy);
    }

    // One member's bytes under many names, each of which stands before them too: as what the header before it calls an extra field.
    private static void Quoted(Draw draw, ZipParts zip)
    {
        const int MostExtra = 60_000;
        ZipParts.Member kernel = zip.Members[0];
        kernel.Pack(kernel.Unpacked(), deflate: true);
        kernel.LocalExtra = [];
        zip.Members.Clear();
        zip.Members.Add(kernel);
        byte[] headers = ZipParts.LocalHeader(kernel);
        string name = Encoding.Latin1.GetString(kernel.Name);
        for (int copies = draw.Length(600); copies > 0 && headers.Length < MostExtra; copies--)
        {
            ZipParts.Member outer = kernel.Copy();
            outer.Name = TextMutators.Latin1(FormattableString.Invariant($"{copies}{name}"));
            outer.LocalExtra = headers;
            headers = ZipParts.LocalHeader(outer);
            zip.Members.Insert(0, outer);
        }

        // The outermost has the bytes; an inner header stands behind those that are around it.
        foreach (ZipParts.Member member in zip.Members)
        {
            member.HasNoBytes = member != zip.Members[0];
            member.Offset = (uint)(headers.Length - ZipParts.LocalHeader(member).Length);
        }
    }

    // Many names for the same bytes: each is right, all together are more than the file.
    private void Over(Draw draw, ZipParts zip)
    {
        ZipParts.Member kernel = zip.Members[0];
        if (draw.OneIn(2))
        {
            byte[] head = [.. kernel.Unpacked().AsSpan(0, Math.Min(kernel.Unpacked().Length, 80))];
            kernel.Pack([.. head, .. Zeros.AsSpan(0, draw.Below(300_000))], deflate: true);
        }

        int copies = 1 + draw.Length(60);
        for (int copy = 0; copy < copies; copy++)
        {
            ZipParts.Member other = kernel.Copy();
            other.HasNoBytes = true;
            other.Offset = 0;
            other.Name = TextMutators.Latin1($"{Encoding.Latin1.GetString(kernel.Name)}{copy}{extension}");
            zip.Members.Add(other);
        }
    }

    private static void MakeBomb(Draw draw, ZipParts zip)
    {
        ZipParts.Member member = draw.Of(zip.Members);
        uint declared = draw.Below(4) switch
        {
            0 => BombBytes,
            1 => member.Length,
            2 => (uint)draw.Of(Interesting.Words),
            _ => (uint)(Bomb.Length * 1032),
        };
        (member.Method, member.Data, member.Packed, member.Length, member.Crc) = (8, Bomb, (uint)Bomb.Length, declared, BombChecksum);
        if (draw.OneIn(3))
        {
            member.Local = (0, 0, 0);
            member.Flags |= 8;
        }
    }

    private static void Make64(Draw draw, ZipParts zip)
    {
        zip.Has64 = true;
        switch (draw.Below(3))
        {
            case 0: zip.Count64 = draw.Of(Interesting.Words); break;
            case 1: zip.DirectoryStart64 = draw.Of(Interesting.Words); break;
        }

        ZipParts.Member member = draw.Of(zip.Members);
        if (draw.OneIn(2))
        {
            byte[] extra = [1, 0, 24, 0, .. new byte[24]];
            ByteMutators.Write(extra.AsSpan(4, 8), draw.OneIn(2) ? member.Length : draw.Of(Interesting.Words), big: false);
            ByteMutators.Write(extra.AsSpan(12, 8), draw.OneIn(2) ? member.Packed : draw.Of(Interesting.Words), big: false);
            ByteMutators.Write(extra.AsSpan(20, 8), draw.OneIn(2) ? 0 : draw.Of(Interesting.Words), big: false);
            member.Extra = extra[..(draw.OneIn(4) ? draw.Below(extra.Length) : extra.Length)];
            member.Length = draw.OneIn(4) ? member.Length : uint.MaxValue;
            member.Packed = draw.OneIn(4) ? member.Packed : uint.MaxValue;
            member.Offset = draw.OneIn(4) ? null : uint.MaxValue;
        }
    }

    private static void Extra(Draw draw, ZipParts zip)
    {
        ZipParts.Member member = draw.Of(zip.Members);
        byte[] extra = draw.OneIn(2) ? draw.Bytes(draw.Length(40)) : [(byte)draw.Below(3), 0, (byte)draw.Bits(), (byte)(draw.OneIn(3) ? 255 : 0), .. draw.Bytes(draw.Length(40))];
        if (draw.OneIn(2))
        {
            member.Extra = extra;
        }
        else
        {
            member.LocalExtra = extra;
        }
    }

    private static void Around(Draw draw, ZipParts zip)
    {
        switch (draw.Below(3))
        {
            case 0: zip.Start = draw.Bytes(1 + draw.Length(100)); break;
            case 1: zip.Comment = draw.Bytes(1 + draw.Length(100)); break;

            // What looks like an end of a directory in what follows the end.
            default: zip.Comment = [0x50, 0x4B, 5, 6, .. draw.Bytes(18 + draw.Length(20))]; break;
        }
    }
}
