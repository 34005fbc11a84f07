using System.Security.Cryptography;

namespace DeformDetr.Oracle;

/// <summary>Hashes of files.</summary>
public static class FileHash
{
    private const int PartBytes = 1 << 20;

    /// <summary>SHA-256 in hexadecimal.</summary>
    /// <param name="path">The file.</param>
    public static string Sha256(string path) => Sha256([path]);

    /// <summary>SHA-256 in hexadecimal of files as if they were one.</summary>
    /// <param name="paths">The files in their order.</param>
    public static string Sha256(IReadOnlyList<string> paths)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] part = new byte[PartBytes];
        foreach (string path in paths)
        {
            using FileStream stream = File.OpenRead(path);
            for (int count = stream.Read(part); count > 0; count = stream.Read(part))
            {
                hash.AppendData(part, 0, count);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
