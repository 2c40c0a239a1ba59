"""What happens to every column and row of a table, decided before any row is read."""
