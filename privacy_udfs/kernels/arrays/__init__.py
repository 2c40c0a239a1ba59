"""Arrow arrays."""
