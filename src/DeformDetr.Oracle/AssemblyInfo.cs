using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("DeformDetr.Oracle.Tests")]
[assembly: InternalsVisibleTo("DeformDetr.Bench")]
