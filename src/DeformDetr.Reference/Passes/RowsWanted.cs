namespace DeformDetr.Reference;

// Called before rows of a tensor are read, with their indices, all leading axes counted as one: whoever makes rows late makes those of them
// that aren't there yet.
internal delegate void RowsWanted(ReadOnlySpan<int> rows);
