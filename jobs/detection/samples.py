"""How many rows of a table are looked at where nobody says."""

from __future__ import annotations

DEFAULT_SAMPLE = 20_000
