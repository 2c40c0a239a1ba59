"""The log of what was done: an append-only table whose rows are the leaves of a Merkle tree (RFC 9162)."""
