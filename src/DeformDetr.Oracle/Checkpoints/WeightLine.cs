namespace DeformDetr.Oracle;

/// <summary>One pair of names of weights.</summary>
/// <param name="Number">The line in its file, from 1.</param>
/// <param name="Stored">The name in a checkpoint of the layout; null where the layout doesn't list the tensor.</param>
/// <param name="Original">The name in the original's state_dict.</param>
/// <param name="Part">Which block of the original's rows the stored tensor is, from 0.</param>
/// <param name="Parts">How many such blocks there are.</param>
/// <param name="OnlyRead">Whether the name is understood, but not written.</param>
/// <param name="ZerosIfAbsent">Whether a checkpoint without the tensor means zeros.</param>
internal sealed record WeightLine(
    int Number, NamePattern? Stored, NamePattern Original, int Part, int Parts, bool OnlyRead, bool ZerosIfAbsent);
