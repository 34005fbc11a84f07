using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("DeformDetr.Oracle.Tests")]
[assembly: InternalsVisibleTo("DeformDetr.Bench")]
[assembly: InternalsVisibleTo("DeformDetr.Laws")]
[assembly: InternalsVisibleTo("DeformDetr.Laws.Tests")]
[assembly: InternalsVisibleTo("DeformDetr.Mutation")]
[assembly: InternalsVisibleTo("DeformDetr.Fuzz")]
