namespace DeformDetr.Formats;

// A member of a zip: where its bytes are in the file, how many there, and how many unpacked.
internal sealed record ZipRecord(string Name, long Position, long Packed, long Length, bool IsDeflated, uint Checksum);
