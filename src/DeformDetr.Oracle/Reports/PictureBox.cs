namespace DeformDetr.Oracle;

/// <summary>A box in a picture, in pixels of the picture as it was decoded.</summary>
/// <param name="X0">Left.</param>
/// <param name="Y0">Top.</param>
/// <param name="X1">Right.</param>
/// <param name="Y1">Bottom.</param>
public readonly record struct PictureBox(double X0, double Y0, double X1, double Y1)
{
    /// <summary>Width times height; 0 where a side is turned round.</summary>
    public double Area => Math.Max(0, X1 - X0) * Math.Max(0, Y1 - Y0);

    /// <summary>Intersection over union, from 0 to 1; 0 where both boxes are empty.</summary>
    /// <param name="other">Another box of the same picture.</param>
    public double IoU(PictureBox other)
    {
        double both = new PictureBox(Math.Max(X0, other.X0), Math.Max(Y0, other.Y0), Math.Min(X1, other.X1), Math.Min(Y1, other.Y1)).Area;
        double either = Area + other.Area - both;
        return either > 0 ? both / either : 0;
    }
}
