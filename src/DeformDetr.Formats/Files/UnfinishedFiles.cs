namespace DeformDetr.Formats;

/// <summary>Files that are being written under a temporary name.</summary>
public static class UnfinishedFiles
{
    /// <summary>Deletes them. For the signal handler of a program that is told to end: their writers must not be used any more.</summary>
    public static void Delete() => TemporaryFile.DeleteUnfinished();
}
