"""Drafts of catalog entries for people to accept, and drift from what was accepted."""
