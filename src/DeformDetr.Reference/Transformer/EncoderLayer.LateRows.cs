using DeformDetr.Tensors;

namespace DeformDetr.Reference;

public sealed partial class EncoderLayer<T>
{
    // The layer's output, whose rows are made when somebody is going to read them: once the values are there, a row is read by nothing but
    // its own steps. Every row has the bits that it has in one go; those that nobody asked for are not set. The tensors are the caller's.
    internal sealed class LateRows(
        ForwardPass pass, EncoderLayer<T> layer, Tensor<T> src, Tensor<T> output, Tensor<T> pos, Tensor<T> referencePoints, LevelLayout levels,
        MSDeformAttnCore.Sampler<T> value) : IDisposable
    {
        private readonly bool[] _made = new bool[src.Shape[0] * src.Shape[1]];
        private int _count;

        // May be src. Shape [N, S, C].
        public Tensor<T> Output => output;

        // A RowsWanted: rows that were made before stay.
        public void Make(ReadOnlySpan<int> rows)
        {
            using BufferScope scope = pass.Scope();
            Tensor<int> missing = pass.Rent<int>([_made.Length]);
            int count = 0;
            foreach (int row in rows)
            {
                Add(row);
            }

            // To make the last few a little at a time costs more than to make them all.
            if (_count > _made.Length / 4 * 3)
            {
                for (int row = 0; row < _made.Length; row++)
                {
                    Add(row);
                }
            }

            // The value is asked for one image at a time.
            int tokens = src.Shape[1];
            for (int first = 0, next = 0; first < count; first = next)
            {
                int image = missing[first] / tokens;
                while (next < count && missing[next] / tokens == image)
                {
                    next++;
                }

                Make(missing, first, next - first, image * tokens);
            }

            void Add(int row)
            {
                if (!_made[row])
                {
                    _made[row] = true;
                    _count++;
                    missing[count++] = row;
                }
            }
        }

        // The rows that are listed from first on. start: the first row of their image, which has as many at least.
        private void Make(Tensor<int> listed, int first, int count, int start)
        {
            using BufferScope scope = pass.Scope();
            int channels = src.Shape[2];
            int references = referencePoints.Shape[2] * referencePoints.Shape[3];
            Tensor<T> made = pass.Rent<T>([count, channels]);
            Tensor<T> srcRows = RowBlocks.Scratch<T>(pass, channels);
            Tensor<T> posRows = RowBlocks.Scratch<T>(pass, channels);
            Tensor<T> referenceRows = RowBlocks.Scratch<T>(pass, references);
            using (AttentionRows attention = new(pass, layer, src.Shape, referencePoints.Shape, levels, value))
            {
                RowBlocks.Run(pass, count, (row, rows, scratch) =>
                {
                    ReadOnlySpan<int> group = listed.AsReadOnlySpan().Slice(first + row, rows);
                    RowBlocks.Gather(src, channels, group, srcRows, scratch);
                    RowBlocks.Gather(pos, channels, group, posRows, scratch);
                    RowBlocks.Gather(referencePoints, references, group, referenceRows, scratch);
                    attention.Run(
                        RowBlocks.Of(srcRows, channels, scratch, rows), RowBlocks.Of(posRows, channels, scratch, rows),
                        RowBlocks.Of(referenceRows, references, scratch, rows), start + row, RowBlocks.Of(made, channels, row, rows), scratch);
                });
            }

            using FeedForward<T>.RowRunner ffn = layer._ffn.ByRows(pass);
            RowBlocks.Run(pass, count, (row, rows, scratch) =>
            {
                ffn.Run(made, row, rows, made, row, scratch);
                for (int at = row; at < row + rows; at++)
                {
                    RowBlocks.Of(made, channels, at, 1).CopyTo(RowBlocks.Of(output, channels, listed[first + at], 1));
                }
            });
        }

        public void Dispose() => value.Dispose();
    }
}
