using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("DeformDetr.Oracle.Tests")]
