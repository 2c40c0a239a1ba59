"""Configurations that decided about tables, kept by their hash, and folders as they were at a git revision."""
