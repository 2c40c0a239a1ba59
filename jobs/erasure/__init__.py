"""Subjects taken out of tables, and what still holds them afterwards (docs/erasure.md)."""
