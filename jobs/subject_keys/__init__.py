"""Keys of subjects in use: their trees taken along to where values are treated, and whose leaf is to be destroyed."""
