namespace DeformDetr.Formats.Jpeg;

// The entropy-coded data of one scan: Huffman codes into coefficients. Of a sequential scan's blocks the samples are made at once; a
// progressive scan's coefficients wait for the next one's bits.
internal ref struct ScanDecoder
{
    private readonly JpegBytes _bytes;
    private readonly JpegFrame _frame;
    private readonly JpegScan _scan;
    private readonly int _start;
    private readonly int _restartInterval;
    private readonly int[] _means = new int[4];
    private readonly short[] _block = new short[64];
    private JpegBitReader _reader;

    // How many more blocks have none of the scan's coefficients.
    private int _emptyBlocks;
    private int _mcu;

    public ScanDecoder(JpegBytes bytes, int start, JpegFrame frame, JpegScan scan, int restartInterval)
    {
        _bytes = bytes;
        _frame = frame;
        _scan = scan;
        _start = start;
        _restartInterval = restartInterval;
        _reader = new JpegBitReader(bytes.All, start);
    }

    // Where zigzag order finds coefficients in natural order.
    public static ReadOnlySpan<byte> Zigzag =>
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];

    // Decodes all MCUs; returns where the data end.
    public int Decode()
    {
        if (_scan.Planes is [JpegScan.Plane only])
        {
            for (int row = 0; row < only.Component.BlocksDown; row++)
            {
                for (int column = 0; column < only.Component.BlocksAcross; column++)
                {
                    BeginMcu();
                    DecodeBlock(0, row, column);
                    EndMcu();
                }
            }
        }
        else
        {
            for (int row = 0; row < _frame.McusDown; row++)
            {
                for (int column = 0; column < _frame.McusAcross; column++)
                {
                    BeginMcu();
                    DecodeMcu(row, column);
                    EndMcu();
                }
            }
        }

        return _emptyBlocks == 0
            ? _reader.Position
            : throw Error($"{_emptyBlocks} blocks more than there are; expected the run of empty blocks to end with the scan.");
    }

    private void DecodeMcu(int row, int column)
    {
        for (int plane = 0; plane < _scan.Planes.Length; plane++)
        {
            JpegComponent component = _scan.Planes[plane].Component;
            for (int down = 0; down < component.Vertical; down++)
            {
                for (int across = 0; across < component.Horizontal; across++)
                {
                    DecodeBlock(plane, (row * component.Vertical) + down, (column * component.Horizontal) + across);
                }
            }
        }
    }

    private void BeginMcu()
    {
        if (_restartInterval > 0 && _mcu > 0 && _mcu % _restartInterval == 0)
        {
            Restart();
        }
    }

    private void EndMcu()
    {
        if (_reader.WentPast)
        {
            throw Ended();
        }

        _mcu++;
    }

    private void Restart()
    {
        if (_emptyBlocks > 0)
        {
            throw Error($"{_emptyBlocks} blocks more than there are; expected the run of empty blocks to end with the restart interval.");
        }

        int marker = _bytes.FindMarker(_reader.Position);
        byte expected = (byte)(JpegMarker.Rst0 + (((_mcu / _restartInterval) - 1) % 8));
        int code = marker;
        while (code < _bytes.Length && _bytes.All[code] == 0xFF)
        {
            code++;
        }

        if (code == _bytes.Length || _bytes.All[code] != expected)
        {
            string found = code == _bytes.Length ? "the end of the file" : JpegMarker.Name(_bytes.All[code]);
            throw _bytes.Error(marker, "entropy-coded data", $"{found} before MCU {_mcu}; expected {JpegMarker.Name(expected)}.");
        }

        _reader.Restart(code + 1);
        _means.AsSpan().Clear();
    }

    private void DecodeBlock(int plane, int row, int column)
    {
        JpegComponent component = _scan.Planes[plane].Component;
        if (!_frame.IsProgressive)
        {
            Span<short> block = _block;
            block.Clear();
            DecodeSequential(plane, block);
            Span<byte> samples = component.Samples.AsSpan(8 * ((row * component.Stride) + column));
            InverseDct.Transform(block, component.Steps, samples, component.Stride);
            return;
        }

        Span<short> coefficients = component.Coefficients.AsSpan(64 * ((row * component.StoredAcross) + column), 64);
        switch (_scan.FirstCoefficient, _scan.HighBit)
        {
            case (0, 0):
                _reader.Fill();
                coefficients[0] = Shifted(DecodeMean(plane));
                break;
            case (0, _):
                _reader.Fill();
                coefficients[0] |= (short)(_reader.Take(1) << _scan.LowBit);
                break;
            case (_, 0):
                DecodeFirstBits(_scan.Planes[plane].OtherTable!, coefficients);
                break;
            default:
                DecodeNextBit(_scan.Planes[plane].OtherTable!, coefficients);
                break;
        }
    }

    // The coefficient 0 of the next block: what it differs by from the last one's of its plane.
    private int DecodeMean(int plane)
    {
        int size = _reader.Symbol(_scan.Planes[plane].MeanTable!);
        if (size < 0)
        {
            throw NoCode();
        }

        int mean = _means[plane] + _reader.Signed(size);
        if (mean is < short.MinValue or > short.MaxValue)
        {
            throw Error($"a mean of {mean} in MCU {_mcu}; expected -32768 to 32767.");
        }

        _means[plane] = mean;
        return mean;
    }

    private void DecodeSequential(int plane, Span<short> block)
    {
        _reader.Fill();
        block[0] = (short)DecodeMean(plane);

        HuffmanTable table = _scan.Planes[plane].OtherTable!;
        ReadOnlySpan<ushort> lookup = table.Lookup;
        ReadOnlySpan<byte> zigzag = Zigzag;
        ulong bits = _reader.Bits;
        int valid = _reader.Valid;
        for (int k = 1; k < 64; k++)
        {
            if (valid < JpegBitReader.Enough)
            {
                _reader.Store(bits, valid);
                _reader.Load();
                bits = _reader.Bits;
                valid = _reader.Valid;
            }

            int found = lookup[(int)(bits >> (64 - HuffmanTable.LookupBits))];
            if (found == 0)
            {
                found = table.FindLong((int)(bits >> 48));
                if (found == 0)
                {
                    throw NoCode();
                }
            }

            int length = found >> 8;
            bits <<= length;
            valid -= length;
            int size = found & 15;
            int run = (found >> 4) & 15;
            if (size == 0)
            {
                if (run == 0)
                {
                    break;
                }

                if (run != 15)
                {
                    throw Error($"symbol 0x{found & 0xFF:X2} in MCU {_mcu}; expected a run and a size, 0xF0 or 0x00.");
                }

                k += 15;
                continue;
            }

            k += run;
            if (k > 63)
            {
                throw TooMany();
            }

            int value = (int)(bits >> (64 - size));
            bits <<= size;
            valid -= size;
            block[zigzag[k]] = (short)JpegBitReader.Extend(value, size);
        }

        _reader.Store(bits, valid);
    }

    private void DecodeFirstBits(HuffmanTable table, Span<short> block)
    {
        if (_emptyBlocks > 0)
        {
            _emptyBlocks--;
            return;
        }

        for (int k = _scan.FirstCoefficient; k <= _scan.LastCoefficient; k++)
        {
            (int run, int size) = DecodeRun(table);
            if (size == 0)
            {
                if (run < 15)
                {
                    _emptyBlocks = EmptyBlocks(run) - 1;
                    return;
                }

                k += 15;
                continue;
            }

            k += run;
            if (k > _scan.LastCoefficient)
            {
                throw TooMany();
            }

            block[Zigzag[k]] = Shifted(_reader.Signed(size));
        }
    }

    // One more bit of the coefficients that are not 0 yet, and those that now become plus or minus one.
    private void DecodeNextBit(HuffmanTable table, Span<short> block)
    {
        short one = (short)(1 << _scan.LowBit);
        int k = _scan.FirstCoefficient;
        if (_emptyBlocks == 0)
        {
            for (; k <= _scan.LastCoefficient; k++)
            {
                (int run, int size) = DecodeRun(table);
                short fresh = 0;
                if (size == 1)
                {
                    fresh = _reader.Take(1) == 1 ? one : (short)-one;
                }
                else if (size > 1)
                {
                    throw Error($"a coefficient of {size} bits in MCU {_mcu}; expected 1 bit in a scan that adds one.");
                }
                else if (run < 15)
                {
                    _emptyBlocks = EmptyBlocks(run);
                    break;
                }

                k = Refine(block, k, run, one);
                if (k <= _scan.LastCoefficient)
                {
                    block[Zigzag[k]] = fresh;
                }
                else if (size == 1)
                {
                    throw TooMany();
                }
            }
        }

        if (_emptyBlocks > 0)
        {
            Refine(block, k, 64, one);
            _emptyBlocks--;
        }
    }

    // Reads a bit for each coefficient that is not 0, from k on, up to the zero behind so many zeros; returns where that stands.
    private int Refine(Span<short> block, int k, int zeros, short one)
    {
        for (; k <= _scan.LastCoefficient; k++)
        {
            ref short coefficient = ref block[Zigzag[k]];
            if (coefficient == 0)
            {
                if (zeros == 0)
                {
                    break;
                }

                zeros--;
                continue;
            }

            _reader.Fill();
            if (_reader.Take(1) == 1 && (coefficient & one) == 0)
            {
                coefficient += coefficient > 0 ? one : (short)-one;
            }
        }

        return k;
    }

    // Leaves the bits filled for what follows the code.
    private (int Run, int Size) DecodeRun(HuffmanTable table)
    {
        _reader.Fill();
        int symbol = _reader.Symbol(table);
        return symbol < 0 ? throw NoCode() : (symbol >> 4, symbol & 15);
    }

    private int EmptyBlocks(int size) => size == 0 ? 1 : (1 << size) + _reader.Take(size);

    private readonly short Shifted(int value) => unchecked((short)(value << _scan.LowBit));

    private readonly InvalidDataException NoCode() =>
        Error($"bits that are no Huffman code in MCU {_mcu}; expected a code of the scan's tables.");

    private readonly InvalidDataException TooMany() =>
        Error($"coefficients past the last in MCU {_mcu}; expected at most {_scan.LastCoefficient}.");

    // What is read behind the end makes no sense, and the end is to blame.
    private readonly InvalidDataException Error(string text) =>
        _reader.WentPast ? Ended() : _bytes.Error(_reader.Position, "entropy-coded data", text);

    private readonly InvalidDataException Ended() => _bytes.Error(
        _reader.Position, "entropy-coded data",
        $"the end of the data inside MCU {_mcu} of the scan from byte {_start}; expected the whole scan.");
}
