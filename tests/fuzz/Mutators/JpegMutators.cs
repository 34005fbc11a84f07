using System.Buffers.Binary;

namespace DeformDetr.Fuzz;

// Damage to JPEG files segment by segment.
internal static class JpegMutators
{
    private const byte Sos = 0xDA;

    public static IReadOnlyList<Mutator> All { get; } =
    [
        On("jpeg-segment-data", (draw, segments) =>
        {
            Segment segment = draw.Of(segments);
            segment.Data = ByteMutators.Any(draw, segment.Data);
        }),
        On("jpeg-length", (draw, segments) => draw.Of(segments).Length = (ushort)(draw.OneIn(2) ? draw.Below(20) : (int)draw.Of(Interesting.Words))),
        On("jpeg-frame", Frame),
        On("jpeg-tables", (draw, segments) => Byte(draw, segments, marker => marker is 0xC4 or 0xDB)),
        On("jpeg-scan", (draw, segments) => Byte(draw, segments, marker => marker == Sos)),
        On("jpeg-coded", Coded),
        On("jpeg-marker", (draw, segments) => draw.Of(segments).Marker = (byte)(draw.OneIn(2) ? 0xC0 + draw.Below(64) : (int)draw.Bits())),
        On("jpeg-segment-gone", (draw, segments) => segments.RemoveAt(draw.Below(segments.Count))),
        On("jpeg-segment-twice", (draw, segments) =>
        {
            Segment segment = draw.Of(segments);
            int at = draw.Below(segments.Count);
            for (int copies = draw.OneIn(8) ? draw.Below(400) : 1; copies > 0; copies--)
            {
                segments.Insert(at, segment.Copy());
            }
        }),
        On("jpeg-segments-swapped", (draw, segments) =>
        {
            int one = draw.Below(segments.Count);
            int other = draw.Below(segments.Count);
            (segments[one], segments[other]) = (segments[other], segments[one]);
        }),
        On("jpeg-restart", (draw, segments) => segments.Insert(
            draw.Below(segments.Count), new Segment { Marker = 0xDD, Data = [(byte)(draw.OneIn(4) ? 255 : 0), (byte)draw.Below(6)] })),
    ];

    private sealed class Segment
    {
        public required byte Marker { get; set; }

        public required byte[] Data { get; set; }

        // What the segment says; null for the truth.
        public ushort? Length { get; set; }

        // Behind a scan's header, up to the next marker that is no restart.
        public byte[] Coded { get; set; } = [];

        public Segment Copy() => (Segment)MemberwiseClone();
    }

    private static Mutator On(string name, Action<Draw, List<Segment>> change) => new(name, false, (draw, _, seed) =>
    {
        List<Segment> segments = Split(seed);
        for (int time = draw.OneIn(4) ? draw.Below(4) : 0; time >= 0 && segments.Count > 0; time--)
        {
            change(draw, segments);
        }

        List<byte> content = [0xFF, 0xD8];
        foreach (Segment segment in segments)
        {
            int length = segment.Length ?? segment.Data.Length + 2;
            content.AddRange([0xFF, segment.Marker, (byte)(length >> 8), (byte)length, .. segment.Data, .. segment.Coded]);
        }

        return [.. content, 0xFF, 0xD9];
    });

    private static List<Segment> Split(byte[] seed)
    {
        List<Segment> segments = [];
        for (int at = Marker(seed, 2); at + 4 <= seed.Length && seed[at + 1] != 0xD9; at = Marker(seed, at))
        {
            if (seed[at + 1] is 1 or (>= 0xD0 and <= 0xD7))
            {
                at += 2;
                continue;
            }

            int length = BinaryPrimitives.ReadUInt16BigEndian(seed.AsSpan(at + 2));
            Segment segment = new() { Marker = seed[at + 1], Data = seed.AsSpan(at + 4, length - 2).ToArray() };
            at += 2 + length;
            int coded = at;
            while (segment.Marker == Sos && at + 1 < seed.Length && !(seed[at] == 0xFF && seed[at + 1] is not (0 or >= 0xD0 and <= 0xD7)))
            {
                at++;
            }

            segment.Coded = seed.AsSpan(coded, at - coded).ToArray();
            segments.Add(segment);
        }

        return segments;
    }

    // Bytes that belong to nothing are passed over.
    private static int Marker(byte[] seed, int at)
    {
        while (at + 1 < seed.Length && (seed[at] != 0xFF || seed[at + 1] is 0 or 0xFF))
        {
            at++;
        }

        return at;
    }

    private static void Frame(Draw draw, List<Segment> segments)
    {
        Segment? frame = segments.Find(segment => segment.Marker is 0xC0 or 0xC1 or 0xC2);
        if (frame is null || frame.Data.Length < 9)
        {
            return;
        }

        byte[] data = [.. frame.Data];
        switch (draw.Below(5))
        {
            case 0:
                int side = draw.OneIn(2) ? draw.Below(200) : draw.OneIn(2) ? (int)(draw.Of(Interesting.Words) & 0xFFFF) : draw.Below(65536);
                BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(1 + (2 * draw.Below(2))), (ushort)side);
                break;
            case 1: data[7 + (3 * draw.Below((data.Length - 6) / 3))] = (byte)((draw.Below(6) << 4) | draw.Below(6)); break;
            case 2: data[draw.OneIn(2) ? 0 : 5] = (byte)draw.Below(17); break;
            case 3: frame.Marker = (byte)(0xC0 + draw.Below(16)); break;
            default: data[draw.Below(data.Length)] = (byte)draw.Bits(); break;
        }

        frame.Data = data;
    }

    private static void Byte(Draw draw, List<Segment> segments, Func<byte, bool> which)
    {
        Segment[] found = [.. segments.Where(segment => which(segment.Marker) && segment.Data.Length > 0)];
        if (found.Length > 0)
        {
            Segment segment = draw.Of(found);
            byte[] data = [.. segment.Data];
            data[draw.OneIn(2) ? draw.Below(data.Length) : draw.Below(Math.Min(17, data.Length))] = draw.OneIn(2) ? (byte)draw.Bits() : (byte)draw.Below(20);
            segment.Data = data;
        }
    }

    private static void Coded(Draw draw, List<Segment> segments)
    {
        Segment[] scans = [.. segments.Where(segment => segment.Coded.Length > 0)];
        if (scans.Length > 0)
        {
            Segment scan = draw.Of(scans);
            scan.Coded = ByteMutators.Any(draw, scan.Coded);
        }
    }
}
