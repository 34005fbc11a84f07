using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("DeformDetr.Formats.Tests")]
[assembly: InternalsVisibleTo("DeformDetr.Bench")]
