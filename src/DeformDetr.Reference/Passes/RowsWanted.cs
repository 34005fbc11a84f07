namespace DeformDetr.Reference;

// Called before rows of a tensor are read, with their indices, ascending, all leading axes counted as one: whoever makes them late makes
// those that aren't there yet.
internal delegate void RowsWanted(ReadOnlySpan<int> rows);
