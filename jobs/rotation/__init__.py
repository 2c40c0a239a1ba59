"""Treated tables moved from one version of a key to the next (docs/rotation.md)."""
