using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("DeformDetr.Oracle.Tests")]
[assembly: InternalsVisibleTo("DeformDetr.Bench")]
[assembly: InternalsVisibleTo("DeformDetr.Fuzz")]
