"""Keys of subjects in use: made for whoever has none, joined with rows, found for whoever is to be forgotten."""
