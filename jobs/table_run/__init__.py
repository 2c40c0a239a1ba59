"""One run of one table, from configuration to commit."""
