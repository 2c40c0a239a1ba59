"""How many rows are looked at where nobody says."""

from __future__ import annotations

SAMPLE = 100_000
