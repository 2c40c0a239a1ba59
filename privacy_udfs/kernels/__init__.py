"""Whole-array operations on Arrow buffers: no technique, no parameters, no key handling, and no Python per value but
where a page says so.

By families, a folder each. A family's ``__init__.py`` is its door: code outside of the family imports from there only,
and its docstring is the page of why this is written by hand and what it does not protect against.
"""

FAMILIES = ("native", "arrays", "text", "numbers", "ip", "aes", "ff1", "hmac")
"""In their order: each imports from those before it only."""
