using System.Runtime.InteropServices;

namespace DeformDetr.Formats.Jpeg;

// The rows of a colour plane at the picture's full size. Twice as wide or high, samples are interpolated as libjpeg-turbo does it: each
// sample lies in the middle of the pixels that it stands for, and a pixel takes three quarters of the sample that it lies in and one of
// the next nearest. Halves are rounded up and down in turn. All other ratios repeat samples.
internal sealed class PlaneRows
{
    // Narrower planes than this are not interpolated across.
    private const int LeastWidth = 3;

    private readonly JpegComponent _component;
    private readonly int _across;
    private readonly int _down;
    private readonly bool _blends;
    private readonly byte[] _row;
    private readonly ushort[] _sums;

    public PlaneRows(JpegFrame frame, JpegComponent component)
    {
        _component = component;
        _across = frame.MostHorizontal / component.Horizontal;
        _down = frame.MostVertical / component.Vertical;
        _blends = (_across, _down) is (1, 2) || ((_across, _down) is (2, 1) or (2, 2) && component.Width >= LeastWidth);
        _row = (_across, _down) is (1, 1) ? [] : new byte[component.Width * _across];
        _sums = _blends && _across == 2 ? new ushort[component.Width] : [];
    }

    // At least as many samples as the picture is wide. They stand until the next call.
    public ReadOnlySpan<byte> this[int y]
    {
        get
        {
            ReadOnlySpan<byte> near = Stored(y / _down);
            if (_across == 1 && _down == 1)
            {
                return near;
            }

            if (!_blends)
            {
                Repeat(near);
                return _row;
            }

            bool isLower = _down == 2 && y % 2 == 1;
            ReadOnlySpan<byte> far = _down == 1 ? near : Stored(Math.Clamp((y / 2) + (isLower ? 1 : -1), 0, _component.Height - 1));
            switch (_across, _down)
            {
                case (1, _):
                    BlendDown(near, far, isLower ? 2 : 1);
                    break;
                case (_, 1):
                    for (int x = 0; x < near.Length; x++)
                    {
                        _sums[x] = near[x];
                    }

                    BlendAcross(2, 1, 2);
                    break;
                default:
                    for (int x = 0; x < near.Length; x++)
                    {
                        _sums[x] = (ushort)((3 * near[x]) + far[x]);
                    }

                    BlendAcross(4, 8, 7);
                    break;
            }

            return _row;
        }
    }

    private ReadOnlySpan<byte> Stored(int row) => _component.Samples.AsSpan(row * _component.Stride, _component.Width);

    private void Repeat(ReadOnlySpan<byte> samples)
    {
        for (int x = 0; x < samples.Length; x++)
        {
            _row.AsSpan(x * _across, _across).Fill(samples[x]);
        }
    }

    private void BlendDown(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far, int rounding)
    {
        Span<byte> row = _row.AsSpan(0, near.Length);
        far = far[..near.Length];
        for (int x = 0; x < near.Length; x++)
        {
            row[x] = (byte)(((3 * near[x]) + far[x] + rounding) >> 2);
        }
    }

    // From sums of samples to pixels: quarters of them, shifted down by shift bits with what rounds the left and the right of two pixels.
    private void BlendAcross(int shift, int left, int right)
    {
        ReadOnlySpan<ushort> sums = _sums;
        Span<ushort> pairs = MemoryMarshal.Cast<byte, ushort>(_row.AsSpan());
        int last = sums.Length - 1;
        pairs[0] = Pair(4 * sums[0] + left, (3 * sums[0]) + sums[1] + right, shift);
        for (int x = 1; x < last; x++)
        {
            int near = 3 * sums[x];
            pairs[x] = Pair(near + sums[x - 1] + left, near + sums[x + 1] + right, shift);
        }

        pairs[last] = Pair((3 * sums[last]) + sums[last - 1] + left, (4 * sums[last]) + right, shift);
    }

    private static ushort Pair(int left, int right, int shift) =>
        BitConverter.IsLittleEndian
            ? (ushort)((left >> shift) | ((right >> shift) << 8))
            : (ushort)(((left >> shift) << 8) | (right >> shift));
}
