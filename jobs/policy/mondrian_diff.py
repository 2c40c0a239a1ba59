"""What it means that the quasi-identifiers of a table are cut into other boxes (``mondrian``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.configuration.asked_risk import is_stricter
from jobs.configuration.risk_bounds import ALWAYS
from jobs.policy.treatment_diff import Change, ColumnDiff, Effect

BOUNDS = ("k", "l", "t")
"""What boxes are asked to reach."""


def diff_mondrian(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> ColumnDiff | None:
    """What it means that quasi-identifiers are cut into other boxes; None where they are the same. before, after: as
    the record has them; None: none. Other ladders show other values, and cannot be compared."""
    if before == after:
        return None
    one, other = before or {}, after or {}
    signs = [_sign(name, *(side.get(name, ALWAYS[name]) for side in (one, other))) for name in BOUNDS]
    ways: set[Change] = {sign for sign in signs if sign}
    if one and other and one.get("ladders") != other.get("ladders"):
        ways.add("not comparable")
    if not ways:  # l: 1 asks for nothing
        return None
    way: Change = ways.pop() if len(ways) == 1 else "not comparable"
    words = ["none" if each is None else _boxes(each) for each in (before, after)]
    told = "cannot be compared" if way == "not comparable" else way
    text = f"boxes that quasi-identifiers are cut into: {words[0]} -> {words[1]} ({told})"
    sides = [{"mondrian": None if each is None else dict(each)} for each in (before, after)]
    return ColumnDiff("(mondrian)", way, (Effect("mondrian", text),), *sides)


def _sign(name: str, before: float, after: float) -> Change | None:
    if before == after:
        return None
    return "stronger" if is_stricter(name, after, before) else "weaker"


def _boxes(stated: Mapping[str, Any]) -> str:
    bounds = ", ".join(f"{name} {stated[name]}" for name in BOUNDS if name in stated)
    ladders = ", ".join(f"{name} by {steps}" for name, steps in stated.get("ladders", {}).items())
    return f"{bounds} ({ladders})" if ladders else bounds
