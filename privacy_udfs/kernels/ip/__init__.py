"""IP addresses."""
