namespace DeformDetr.Oracle;

/// <summary>A detection, a true object, or both where they are taken for the same thing.</summary>
/// <param name="Found">The detection; null for an object that was missed.</param>
/// <param name="Truth">The object; null for a detection of nothing.</param>
/// <param name="IoU">How much their boxes agree; 0 without a partner.</param>
public sealed record TruthMatch(Detection? Found, TrueObject? Truth, double IoU);

/// <summary>Tells which detection is which object.</summary>
public static class TruthMatching
{
    /// <summary>In the order of the scores, each detection takes the free object of its class that its box agrees with most.</summary>
    /// <param name="detections">Best first.</param>
    /// <param name="objects">What is in the picture.</param>
    /// <param name="leastIoU">Boxes that agree less are not the same thing.</param>
    /// <returns>One entry per detection in their order, then one per missed object.</returns>
    public static IReadOnlyList<TruthMatch> Match(
        IReadOnlyList<Detection> detections, IReadOnlyList<TrueObject> objects, double leastIoU = 0.5)
    {
        List<TrueObject> free = [.. objects];
        List<TruthMatch> matches = [];
        foreach (Detection detection in detections)
        {
            TrueObject? best = free
                .Where(item => item.Class == detection.Class && item.Box.IoU(detection.Box) >= leastIoU)
                .MaxBy(item => item.Box.IoU(detection.Box));
            matches.Add(new TruthMatch(detection, best, best?.Box.IoU(detection.Box) ?? 0));
            if (best is not null)
            {
                free.Remove(best);
            }
        }

        matches.AddRange(free.Select(missed => new TruthMatch(null, missed, 0)));
        return matches;
    }
}
