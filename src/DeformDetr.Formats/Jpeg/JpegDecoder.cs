using System.Buffers.Binary;
using DeformDetr.Formats.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Jpeg;

// Goes through the segments of a file: tables, frame, scans.
internal sealed class JpegDecoder(byte[] content, string file)
{
    // Pictures have a dozen; each costs a walk over all blocks however few bytes it has.
    private const int MostScans = 256;

    // libjpeg smooths a picture whose first coefficients never came whole; nobody who sends all scans meets that.
    private const int SmoothedCoefficients = 10;

    private const int ExifHeader = 6;

    private readonly JpegBytes _bytes = new(content, file);
    private readonly ushort[]?[] _steps = new ushort[]?[4];
    private readonly HuffmanTable?[] _meanTables = new HuffmanTable?[4];
    private readonly HuffmanTable?[] _otherTables = new HuffmanTable?[4];
    private JpegFrame? _frame;
    private JpegColour.Space? _space;
    private bool _hasJfif;
    private byte? _adobeTransform;
    private int? _orientation;
    private int _restartInterval;
    private int _scans;

    public int Orientation => _orientation ?? ExifOrientation.Upright;

    public Tensor<byte> Decode()
    {
        if (!_bytes.All.StartsWith((ReadOnlySpan<byte>)[0xFF, JpegMarker.Soi, 0xFF]))
        {
            throw FileKind.Refuse(file, _bytes.All, "a JPEG file");
        }

        int offset = 2;
        while (true)
        {
            offset = _bytes.FindMarker(offset);
            if (offset == _bytes.Length)
            {
                throw _bytes.Error(offset, "end of the file", $"no EOI; expected one behind the picture.");
            }

            while (_bytes.All[offset] == 0xFF)
            {
                offset++;
            }

            byte marker = _bytes.All[offset++];
            if (marker == JpegMarker.Eoi)
            {
                return Finish(offset);
            }

            offset = ReadSegment(marker, offset);
        }
    }

    // offset: behind the marker. Returns where to go on.
    private int ReadSegment(byte marker, int offset)
    {
        if (JpegMarker.IsRestart(marker) || marker == JpegMarker.Tem)
        {
            return offset;
        }

        string place = JpegMarker.Name(marker);
        if (JpegMarker.IsFrame(marker))
        {
            _frame = _frame is null
                ? JpegFrame.Parse(_bytes, offset, marker)
                : throw _bytes.Error(offset, place, $"a second frame; expected one.");
            return Behind(offset);
        }

        switch (marker)
        {
            case JpegMarker.Sos:
                return ReadScan(offset);
            case JpegMarker.Dht:
                ReadHuffmanTables(offset, _bytes.Segment(offset, marker));
                break;
            case JpegMarker.Dqt:
                ReadQuantizationTables(offset, _bytes.Segment(offset, marker));
                break;
            case JpegMarker.Dri:
                ReadOnlySpan<byte> data = _bytes.Segment(offset, marker);
                _restartInterval = data.Length == 2
                    ? BinaryPrimitives.ReadUInt16BigEndian(data)
                    : throw _bytes.Error(offset, place, $"{data.Length} bytes; expected 2.");
                break;
            case JpegMarker.Com or JpegMarker.Dac or (>= JpegMarker.App0 and <= JpegMarker.App15):
                ReadApplication(marker, _bytes.Segment(offset, marker));
                break;
            case JpegMarker.Dnl:
                throw _bytes.Error(offset, place, $"a height behind the picture; expected it in the frame.");
            case JpegMarker.Dhp or JpegMarker.Exp:
                throw _bytes.Error(
                    offset, place, $"hierarchical coding; expected baseline, extended sequential or progressive Huffman coding.");
            default:
                throw _bytes.Error(
                    offset, place, $"a segment that is not known; expected frame, scans, tables, comments and application data.");
        }

        return Behind(offset);
    }

    private int Behind(int offset) => offset + BinaryPrimitives.ReadUInt16BigEndian(_bytes.All[offset..]);

    private void ReadApplication(byte marker, ReadOnlySpan<byte> data)
    {
        switch (marker)
        {
            case JpegMarker.App0:
                _hasJfif |= data.Length >= 14 && data.StartsWith("JFIF\0"u8);
                break;
            case JpegMarker.App1 when data.StartsWith("Exif\0"u8) && data.Length >= ExifHeader:
                _orientation ??= ExifOrientation.Find(data[ExifHeader..]);
                break;
            case JpegMarker.App14 when data.StartsWith("Adobe"u8) && data.Length >= 12:
                _adobeTransform = data[11];
                break;
        }
    }

    private void ReadQuantizationTables(int offset, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            int precision = data[0] >> 4;
            int slot = data[0] & 15;
            int length = 1 + (64 << precision);
            if (precision > 1 || slot > 3 || data.Length < length)
            {
                throw _bytes.Error(
                    offset, "DQT",
                    $"table {slot} of precision {precision} in {data.Length} bytes; "
                    + $"expected table 0 to 3, 65 bytes (precision 0) or 129 (1).");
            }

            ushort[] steps = new ushort[64];
            for (int k = 0; k < 64; k++)
            {
                int step = precision == 0 ? data[1 + k] : BinaryPrimitives.ReadUInt16BigEndian(data[(1 + (2 * k))..]);
                steps[ScanDecoder.Zigzag[k]] = step > 0
                    ? (ushort)step
                    : throw _bytes.Error(offset, "DQT", $"a step of 0 in table {slot}; expected at least 1.");
            }

            _steps[slot] = steps;
            data = data[length..];
        }
    }

    private void ReadHuffmanTables(int offset, ReadOnlySpan<byte> data)
    {
        const int Header = 17;
        while (!data.IsEmpty)
        {
            int kind = data[0] >> 4;
            int slot = data[0] & 15;
            int symbols = 0;
            for (int length = 1; length < Header && length < data.Length; length++)
            {
                symbols += data[length];
            }

            if (kind > 1 || slot > 3 || data.Length < Header + symbols || symbols > 256)
            {
                throw _bytes.Error(
                    offset, "DHT",
                    $"table {slot} of class {kind} with {symbols} codes in {data.Length} bytes; "
                    + "expected table 0 to 3, class 0 or 1, 17 bytes and one for each of at most 256 codes.");
            }

            HuffmanTable table = HuffmanTable.Create(data[1..Header], data.Slice(Header, symbols))
                ?? throw _bytes.Error(
                    offset, "DHT", $"more codes in table {slot} than their lengths leave room for; expected a prefix code.");
            if (kind == 0 && table.LargestSymbol > 15)
            {
                throw _bytes.Error(offset, "DHT", $"symbol {table.LargestSymbol} in DC table {slot}; expected sizes of 0 to 15 bits.");
            }

            (kind == 0 ? _meanTables : _otherTables)[slot] = table;
            data = data[(Header + symbols)..];
        }
    }

    private int ReadScan(int offset)
    {
        const string Place = "SOS";
        JpegFrame frame = _frame ?? throw _bytes.Error(offset, Place, $"a scan before the frame; expected SOF before it.");
        if (++_scans > MostScans)
        {
            throw _bytes.Error(offset, Place, $"scan {_scans}; expected at most {MostScans}.");
        }

        _space ??= JpegColour.Of(frame, _hasJfif, _adobeTransform);
        JpegScan scan = JpegScan.Parse(_bytes, offset, frame, _meanTables, _otherTables);
        foreach (JpegScan.Plane plane in scan.Planes)
        {
            Begin(offset, plane.Component, scan);
        }

        return new ScanDecoder(_bytes, Behind(offset), frame, scan, _restartInterval).Decode();
    }

    // The scan must bring what has not come yet, and all that it builds upon must be there.
    private void Begin(int offset, JpegComponent component, JpegScan scan)
    {
        Span<sbyte> missing = component.MissingBits.AsSpan(scan.FirstCoefficient, scan.LastCoefficient - scan.FirstCoefficient + 1);
        int expected = scan.HighBit == 0 ? -1 : scan.HighBit;
        if (missing.ContainsAnyExcept((sbyte)expected))
        {
            throw _bytes.Error(
                offset, "SOS",
                $"bits {scan.HighBit} and {scan.LowBit} of coefficients {scan.FirstCoefficient} to {scan.LastCoefficient} "
                + $"of colour plane {component.Id}; expected each bit once, from the highest down.");
        }

        missing.Fill((sbyte)scan.LowBit);
        if (component.Steps is null)
        {
            component.Steps = _steps[component.QuantizationSlot]
                ?? throw _bytes.Error(
                    offset, "SOS",
                    $"quantization table {component.QuantizationSlot}; expected one that a DQT segment before it defines.");
            if (_frame!.IsProgressive)
            {
                component.StoreCoefficients();
            }
            else
            {
                component.StoreSamples();
            }
        }
    }

    private Tensor<byte> Finish(int offset)
    {
        if (_frame is null)
        {
            throw _bytes.Error(offset, "EOI", $"no frame; expected one.");
        }

        foreach (JpegComponent component in _frame.Components)
        {
            if (component.MissingBits[0] < 0)
            {
                throw _bytes.Error(
                    offset, "EOI", $"colour plane {component.Id} is in no scan; expected all {_frame.Components.Length} planes.");
            }

            if (component.MissingBits.AsSpan(1, SmoothedCoefficients - 1).ContainsAnyExcept((sbyte)0))
            {
                throw _bytes.Error(
                    offset, "EOI",
                    $"scans with the last bits of colour plane {component.Id} are missing; expected all scans of the progressive picture.");
            }
        }

        if (_frame.IsProgressive)
        {
            foreach (JpegComponent component in _frame.Components)
            {
                component.Transform();
            }
        }

        Tensor<byte> picture = new([_frame.Height, _frame.Width, 3]);
        JpegColour.ToRgb(_frame, _space!.Value, picture.AsSpan());
        return picture;
    }
}
