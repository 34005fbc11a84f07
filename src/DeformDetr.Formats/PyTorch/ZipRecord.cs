namespace DeformDetr.Formats;

// A member of a zip that is stored as it is: where its bytes are in the file.
internal sealed record ZipRecord(string Name, long Position, long Length, uint Checksum);
