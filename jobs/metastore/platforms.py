"""Which kinds of catalog there are: the names alone, so that a help can list them."""

from __future__ import annotations

PLATFORMS = ("spark", "unity")
