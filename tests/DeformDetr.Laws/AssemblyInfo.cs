using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("DeformDetr.Laws.Tests")]
[assembly: InternalsVisibleTo("DeformDetr.Mutation")]
