"""Where things lie, from the root of the checkout on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"


def all_of(*found: Iterable[Path]) -> list[Path]:
    """Files by their names, and never none: a test that runs once a file would else be silent where they have moved."""
    files = sorted(path for each in found for path in each)
    assert files, "no file is there to be tested"
    return files
