"""Text on its way to people and files, with everything visible; what every job ends with. Knows nothing of tables."""
