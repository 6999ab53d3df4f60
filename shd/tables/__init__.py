"""Tables of other people: read them, and say what their columns are."""
