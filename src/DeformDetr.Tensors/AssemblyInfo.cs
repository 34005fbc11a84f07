using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("DeformDetr.Tensors.Tests")]
[assembly: InternalsVisibleTo("DeformDetr.Bench")]
