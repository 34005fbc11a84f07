namespace DeformDetr.Oracle;

// How a port's queries lie beside the expected ones.
internal enum QueryArrangement
{
    // Every query is within noise where it should be.
    InPlace,

    // Every query is within noise somewhere: a permutation and nothing else.
    Permuted,

    // Some query is nowhere.
    Other,
}
