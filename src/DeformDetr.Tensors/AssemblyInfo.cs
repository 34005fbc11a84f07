using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("DeformDetr.Tensors.Tests")]
[assembly: InternalsVisibleTo("DeformDetr.Reference")]
[assembly: InternalsVisibleTo("DeformDetr.Bench")]
