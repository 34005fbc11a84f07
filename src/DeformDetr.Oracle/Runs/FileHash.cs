using System.Security.Cryptography;

namespace DeformDetr.Oracle;

/// <summary>Hashes of files.</summary>
public static class FileHash
{
    /// <summary>SHA-256 in hexadecimal.</summary>
    /// <param name="path">The file.</param>
    public static string Sha256(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
