"""Whole-array operations on Arrow buffers: no technique, no parameters, no key handling, no Python per value."""
