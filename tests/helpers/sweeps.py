"""Cases of a test of which most are left to `make faults`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def but_for(kept: Collection[Any], cases: Iterable[Any]) -> list[Any]:
    """The cases; all that are not kept are of the sweep."""
    return [
        case if case in kept else pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.sweep)
        for case in cases
    ]
