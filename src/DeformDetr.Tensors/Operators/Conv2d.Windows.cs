namespace DeformDetr.Tensors.Operators;

public static partial class Conv2d
{
    // Many kernels make more of patches that are packed once than windows that lie across cache lines cost them.
    private const int MostKernelsForWindows = 64;

    // The right-hand side of a convolution without a matrix of patches. The map's rows are laid into a buffer with their padding, for a
    // stride s each row and column by its remainder (s · s phases, of which a tap reads one):
    //
    //      stride 1, padding 1                 stride 2, padding 1
    //      . . . . . .    pitch = Wo + 2       even rows, even columns  | even rows, odd columns  | odd rows ..
    //      . a b c d .                         .  .  .                  | .  .  .                 |
    //      . e f g h .                         .  f  h                  | e  g  .
    //      . . . . . .
    //
    // Neighbouring output pixels (along the row, and over its end on to the next) then read neighbouring elements for every tap, and going
    // from one k = (c, ky, kx) to the next moves all of them by the same step. A lane is a position in rows of the length pitch; lanes of
    // the last columns of such a row are no pixels.
    internal readonly struct Windows<T> : IReads<T>
        where T : unmanaged
    {
        private readonly Place<T> _data;
        private readonly int _channels;
        private readonly int _height;
        private readonly int _width;
        private readonly Conv2dWindow _window;
        private readonly int _taps;
        private readonly int _phases;
        private readonly int _below;

        // data: the map of the first channel. [channels][height][width]
        public Windows(
            Place<T> data, int channels, int height, int width, int kernelHeight, int kernelWidth, Conv2dWindow window, int outputHeight,
            int outputWidth)
        {
            _data = data;
            _channels = channels;
            _height = height;
            _width = width;
            _window = window;
            _taps = kernelHeight * kernelWidth;
            _phases = Math.Min(window.Stride, Math.Max(((kernelHeight - 1) * window.Dilation) + 1, ((kernelWidth - 1) * window.Dilation) + 1));
            _below = (kernelHeight - 1) * window.Dilation / window.Stride;
            KernelWidth = kernelWidth;
            OutputHeight = outputHeight;
            OutputWidth = outputWidth;
            Pitch = outputWidth + ((kernelWidth - 1) * window.Dilation / window.Stride);
        }

        public int OutputHeight { get; }

        public int OutputWidth { get; }

        // From one row of lanes to the next.
        public int Pitch { get; }

        public int Lanes => OutputHeight * Pitch;

        public int Depth => _channels * _taps;

        private int KernelWidth { get; }

        // Rows of one plane of the buffer for so many lanes, wherever they begin.
        public int Rows(int lanes) => ((Pitch - 1 + lanes - 1) / Pitch) + 1 + _below;

        // Elements of the buffer for one block of the depth. Lanes at the end of the last row, which are no pixels, read behind it.
        public int BufferLength(int rows, int depthBlock) =>
            checked((Math.Min(_channels, ((depthBlock + _taps - 2) / _taps) + 1) * _phases * _phases * rows * Pitch) + Pitch - OutputWidth);


        // Where the first k of each block of the depth stands in its buffer, where the farthest, and the step from each k to the next.
        public (int[] Starts, int[] Reaches, int[] Steps) Walk(int rows, int depthBlock)
        {
            int[] starts = new int[(Depth + depthBlock - 1) / depthBlock];
            int[] reaches = new int[starts.Length];
            int[] steps = new int[Depth];
            for (int block = 0; block < starts.Length; block++)
            {
                int first = block * depthBlock;
                int last = Math.Min(Depth, first + depthBlock) - 1;
                starts[block] = Place(first, first, rows);
                reaches[block] = Place(last, first, rows);
                for (int k = first; k < last; k++)
                {
                    steps[k] = Place(k + 1, first, rows) - Place(k, first, rows);
                    reaches[block] = Math.Max(reaches[block], Place(k, first, rows));
                }
            }

            return (starts, reaches, steps);
        }

        private int Place(int k, int first, int rows)
        {
            int channel = (k / _taps) - (first / _taps);
            int dy = k % _taps / KernelWidth * _window.Dilation;
            int dx = k % _taps % KernelWidth * _window.Dilation;
            int phase = (dy % _window.Stride * _phases) + (dx % _window.Stride);
            return (((((channel * _phases * _phases) + phase) * rows) + (dy / _window.Stride)) * Pitch) + (dx / _window.Stride);
        }

        // Of every channel the rows of the map that the lanes' windows see.
        public Footprint<T> Reads(int lane, int lanes, int k, int depth)
        {
            int channel = k / _taps;
            int channels = ((k + depth - 1) / _taps) + 1 - channel;
            int top = lane / Pitch;
            int from = Math.Clamp((top * _window.Stride) - _window.Padding, 0, _height);
            int end = Math.Clamp(((top + Rows(lanes) - 1) * _window.Stride) + _phases - _window.Padding, from, _height);
            return new(_data.Array, _data.Start + (((channel * _height) + from) * _width), (end - from) * _width, _height * _width, channels);
        }

        // The channels that depths [k, k + depth) read, so many rows of outputs from row top on; planes have planeRows.
        public void Pack(int k, int depth, int top, int rows, int planeRows, Span<T> buffer)
        {
            int plane = 0;
            for (int c = k / _taps; c <= (k + depth - 1) / _taps; c++)
            {
                ReadOnlySpan<T> map = _data.Span(c * _height * _width, _height * _width);
                for (int phase = 0; phase < _phases * _phases; phase++, plane += planeRows * Pitch)
                {
                    for (int row = 0; row < rows; row++)
                    {
                        PackRow(
                            map, ((top + row) * _window.Stride) + (phase / _phases) - _window.Padding, (phase % _phases) - _window.Padding,
                            buffer.Slice(plane + (row * Pitch), Pitch));
                    }
                }
            }

        }

        // target[column] = map[iy, column · stride + dx], zero beside the map.
        private void PackRow(ReadOnlySpan<T> map, int iy, int dx, Span<T> target)
        {
            if ((uint)iy >= (uint)_height)
            {
                target.Clear();
                return;
            }

            int stride = _window.Stride;
            int from = dx >= 0 ? 0 : Math.Min(target.Length, (-dx + stride - 1) / stride);
            int to = dx >= _width ? from : Math.Clamp(((_width - 1 - dx) / stride) + 1, from, target.Length);
            target[..from].Clear();
            target[to..].Clear();
            if (from < to)
            {
                Pick(map.Slice(iy * _width, _width)[(dx + (from * stride))..], stride, target[from..to]);
            }
        }
    }
}
