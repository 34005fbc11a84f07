using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("DeformDetr.Reference.Tests")]
[assembly: InternalsVisibleTo("DeformDetr.Bench")]
