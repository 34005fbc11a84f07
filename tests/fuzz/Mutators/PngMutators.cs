using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace DeformDetr.Fuzz;

// Damage to PNG files whose checksums are right.
internal static class PngMutators
{
    private static readonly string[] Types = ["IHDR", "PLTE", "IDAT", "IEND", "tRNS", "eXIf", "tEXt", "acTL", "XXXX", "ab1d", "IDAt", "\0\0\0\0"];

    // A megabyte of zeros.
    private static readonly byte[] Bomb = Deflated(new byte[1 << 20]);

    public static IReadOnlyList<Mutator> All { get; } =
    [
        On("png-chunk-data", (draw, chunks) => Edit(draw, chunks, draw.Below(chunks.Count))),
        On("png-header", (draw, chunks) => Header(draw, chunks[0].Data)),
        On("png-type", (draw, chunks) => chunks[draw.Below(chunks.Count)].Type = draw.Of(Types)),
        On("png-chunk-gone", (draw, chunks) => chunks.RemoveAt(draw.Below(chunks.Count))),
        On("png-chunk-twice", (draw, chunks) => chunks.Insert(draw.Below(chunks.Count + 1), draw.Of(chunks))),
        On("png-chunk-new", (draw, chunks) => chunks.Insert(draw.Below(chunks.Count + 1), new Chunk { Type = draw.Of(Types), Data = draw.Bytes(draw.Length(900)) })),
        On("png-chunks-swapped", (draw, chunks) =>
        {
            int one = draw.Below(chunks.Count);
            int other = draw.Below(chunks.Count);
            (chunks[one], chunks[other]) = (chunks[other], chunks[one]);
        }),
        On("png-rows", (draw, chunks) => Rows(draw, chunks, rows => ByteMutators.Any(draw, rows))),
        On("png-bomb", (_, chunks) => Idat(chunks).Data = Bomb),
        On("png-large", (draw, chunks) =>
        {
            Header(draw, chunks[0].Data);
            Idat(chunks).Data = Bomb;
        }),
        On("png-split", Split),
    ];

    private sealed class Chunk
    {
        public required string Type { get; set; }

        public required byte[] Data { get; set; }
    }

    private static Mutator On(string name, Action<Draw, List<Chunk>> change) => new(name, false, (draw, _, seed) =>
    {
        List<Chunk> chunks = [];
        for (int at = 8; at < seed.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(seed.AsSpan(at));
            chunks.Add(new Chunk { Type = Encoding.Latin1.GetString(seed, at + 4, 4), Data = seed.AsSpan(at + 8, length).ToArray() });
            at += 12 + length;
        }

        change(draw, chunks);
        return [.. seed.AsSpan(0, 8), .. chunks.SelectMany(Bytes)];
    });

    private static byte[] Bytes(Chunk chunk)
    {
        byte[] type = Encoding.Latin1.GetBytes(chunk.Type);
        byte[] bytes = [0, 0, 0, 0, .. type, .. chunk.Data, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(bytes, chunk.Data.Length);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(bytes.Length - 4), Checksums.Crc32(type, chunk.Data));
        return bytes;
    }

    private static Chunk Idat(List<Chunk> chunks) => chunks.Find(chunk => chunk.Type == "IDAT") ?? chunks[^1];

    private static void Edit(Draw draw, List<Chunk> chunks, int index)
    {
        byte[] data = chunks[index].Data;
        chunks[index].Data = ByteMutators.Any(draw, data);
    }

    private static void Header(Draw draw, byte[] header)
    {
        for (int time = draw.Below(3); time >= 0; time--)
        {
            if (draw.OneIn(2))
            {
                int side = 4 * draw.Below(2);
                uint value = draw.Below(3) switch { 0 => (uint)draw.Of(Interesting.Words), 1 => (uint)draw.Below(40), _ => (uint)draw.Below(70_000) };
                BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(side), value);
            }
            else
            {
                header[8 + draw.Below(5)] = draw.OneIn(2) ? (byte)draw.Below(17) : draw.Of(Interesting.Bytes);
            }
        }
    }

    private static void Rows(Draw draw, List<Chunk> chunks, Func<byte[], byte[]> change)
    {
        byte[] packed = [.. chunks.Where(chunk => chunk.Type == "IDAT").SelectMany(chunk => chunk.Data)];
        chunks.RemoveAll(chunk => chunk.Type == "IDAT");
        using MemoryStream rows = new();
        using (ZLibStream zlib = new(new MemoryStream(packed), CompressionMode.Decompress))
        {
            zlib.CopyTo(rows);
        }

        chunks.Insert(chunks.Count - 1, new Chunk { Type = "IDAT", Data = Deflated(change(rows.ToArray())) });
    }

    private static void Split(Draw draw, List<Chunk> chunks)
    {
        int at = chunks.FindIndex(chunk => chunk.Type == "IDAT");
        byte[] data = chunks[at].Data;
        chunks.RemoveAt(at);
        for (int start = 0; start < data.Length;)
        {
            int count = Math.Min(data.Length - start, draw.Length(20));
            chunks.Insert(at++, new Chunk { Type = "IDAT", Data = data.AsSpan(start, count).ToArray() });
            start += count;
        }
    }

    private static byte[] Deflated(byte[] content)
    {
        using MemoryStream result = new();
        using (ZLibStream zlib = new(result, CompressionLevel.Optimal, leaveOpen: true))
        {
            zlib.Write(content);
        }

        return result.ToArray();
    }
}
