namespace DeformDetr.Independent;

/// <summary>Positions: encodings, valid shares, reference points, proposals, refinement.</summary>
public static class Geometry
{
    /// <summary>(w, h) share of every level: how many cells of the first row and of the first column are picture.</summary>
    public static double[] ValidRatios(int n, Level[] levels, bool[] mask)
    {
        int tokens = Level.Tokens(levels);
        double[] ratios = new double[n * levels.Length * 2];
        for (int b = 0; b < n; b++)
        {
            for (int l = 0; l < levels.Length; l++)
            {
                (int width, int height) = ValidSize(levels[l], mask, b * tokens);
                ratios[((b * levels.Length) + l) * 2] = (double)width / levels[l].Width;
                ratios[(((b * levels.Length) + l) * 2) + 1] = (double)height / levels[l].Height;
            }
        }

        return ratios;
    }

    /// <summary>Cell centres of every level as fractions of the picture, in the padded fractions of every level: [N, S, L, 2].</summary>
    public static double[] EncoderReferencePoints(int n, Level[] levels, double[] ratios)
    {
        List<double> points = [];
        for (int b = 0; b < n; b++)
        {
            for (int l = 0; l < levels.Length; l++)
            {
                for (int row = 0; row < levels[l].Height; row++)
                {
                    for (int column = 0; column < levels[l].Width; column++)
                    {
                        for (int target = 0; target < levels.Length; target++)
                        {
                            points.Add((column + 0.5) / levels[l].Width * ratios[((b * levels.Length) + target) * 2] / ratios[((b * levels.Length) + l) * 2]);
                            points.Add((row + 0.5) / levels[l].Height * ratios[(((b * levels.Length) + target) * 2) + 1] / ratios[(((b * levels.Length) + l) * 2) + 1]);
                        }
                    }
                }
            }
        }

        return [.. points];
    }

    /// <summary>References [N, Q, size] to inputs of a decoder layer [N, Q, L, size].</summary>
    public static double[] ScaleByRatios(int n, int size, double[] references, double[] ratios)
    {
        int levels = ratios.Length / n / 2;
        int queries = references.Length / n / size;
        List<double> scaled = [];
        for (int query = 0; query < n * queries; query++)
        {
            for (int l = 0; l < levels; l++)
            {
                for (int axis = 0; axis < size; axis++)
                {
                    scaled.Add(references[(query * size) + axis] * ratios[(((query / queries * levels) + l) * 2) + (axis & 1)]);
                }
            }
        }

        return [.. scaled];
    }

    /// <summary>Proposals as logits [N, S, 4], and which of them are padding or too near to an edge.</summary>
    public static (double[] Logits, bool[] Invalid) Proposals(int n, Level[] levels, bool[] mask)
    {
        int tokens = Level.Tokens(levels);
        double[] logits = new double[n * tokens * 4];
        bool[] invalid = new bool[n * tokens];
        for (int b = 0; b < n; b++)
        {
            for (int l = 0; l < levels.Length; l++)
            {
                (int width, int height) = ValidSize(levels[l], mask, b * tokens);
                for (int cell = 0; cell < levels[l].Cells; cell++)
                {
                    int token = (b * tokens) + levels[l].Start + cell;
                    double side = 0.05 * Math.Pow(2, l);
                    double[] box = [((cell % levels[l].Width) + 0.5) / width, ((cell / levels[l].Width) + 0.5) / height, side, side];
                    invalid[token] = mask[token] || box.Any(v => v <= 0.01 || v >= 0.99);
                    for (int axis = 0; axis < 4; axis++)
                    {
                        logits[(token * 4) + axis] = invalid[token] ? double.PositiveInfinity : -Math.Log((1 / box[axis]) - 1);
                    }
                }
            }
        }

        return (logits, invalid);
    }

    /// <summary>σ(delta + logit(reference)), the logit clamped at 1e-5; a reference without size adds to the centre only.</summary>
    public static double[] Refine(double[] delta, double[] reference, int size)
    {
        double[] boxes = new double[delta.Length];
        for (int at = 0; at < delta.Length; at++)
        {
            double logit = 0;
            if (at % 4 < size)
            {
                double r = Math.Min(1, Math.Max(0, reference[(at / 4 * size) + (at % 4)]));
                logit = Math.Log(Math.Max(r, 1e-5)) - Math.Log(Math.Max(1 - r, 1e-5));
            }

            boxes[at] = 1 / (1 + Math.Exp(-delta[at] - logit));
        }

        return boxes;
    }

    /// <summary>Sine encoding [C, H, W] of a picture whose valid part is validHeight × validWidth (of a larger map where the mask begins).</summary>
    public static double Sine(int channels, int channel, int row, int column, int validHeight, int validWidth)
    {
        int half = channels / 2;
        double position = channel < half
            ? 2 * Math.PI * (row + 0.5) / (validHeight + 1e-6)
            : 2 * Math.PI * (column + 0.5) / (validWidth + 1e-6);
        return Wave(position, channel % half, half);
    }

    /// <summary>Encoding of proposals given as logits (x, y, w, h): 128 features each.</summary>
    public static double[] ProposalEncoding(double[] logits)
    {
        List<double> features = [];
        foreach (double logit in logits)
        {
            for (int i = 0; i < 128; i++)
            {
                features.Add(Wave(2 * Math.PI / (1 + Math.Exp(-logit)), i, 128));
            }
        }

        return [.. features];
    }

    private static double Wave(double position, int feature, int features)
    {
        int pair = feature / 2;
        double argument = position * Math.Exp(-Math.Log(10000) * 2 * pair / features);
        return feature % 2 == 0 ? Math.Sin(argument) : Math.Cos(argument);
    }

    private static (int Width, int Height) ValidSize(Level level, bool[] mask, int offset)
    {
        int width = Enumerable.Range(0, level.Width).Count(column => !mask[offset + level.Start + column]);
        int height = Enumerable.Range(0, level.Height).Count(row => !mask[offset + level.Start + (row * level.Width)]);
        return (width, height);
    }
}
