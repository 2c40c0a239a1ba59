"""What was found, as plain data: what `jobs.risk_search.suggestion` says in lines, and the front. It has no value of a
table, and counts of fewer than ten rows as ``< 10``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jobs.risk_search import suggestion
from jobs.risk_search.search import Found, Point

DIGITS = 4
"""Of a loss, as the lines have it."""


def of(found: Found, told: Iterable[str] = ()) -> dict[str, Any]:
    """told: what the search did not look at."""
    wish, rows = found.wish, found.space.table.rows
    given = {"l": wish.l, "entropy_l": wish.entropy_l, "t": wish.t}
    of_columns = {name: dict(each) for name, each in given.items() if each}
    out = round(found.best.suppressed * rows)
    steps = dict(zip(found.levels, found.space.columns, strict=True))
    return {
        "asked": {
            "k": wish.k,
            **of_columns,
            "at_most": wish.suppressed,
        },
        "counted": "people" if found.space.table.has_subject else "rows",
        "columns": [
            {
                "column": name,
                "step": level,
                "steps": len(steps[name].rungs) - 1,
                "treatment": suggestion.plain(found.rungs[name].as_entry),
            }
            for name, level in found.levels.items()
        ],
        "loss": found.measure,
        "losses": {name: _short(loss) for name, loss in found.losses.items()},
        "suppressed": {"rows": _count(out), "share": _share(out, rows)},
        "nodes": found.nodes,
        "checks": found.checks,
        "roll_ups": found.roll_ups,
        "front": [_point(found, point) for point in found.front],
        "not_looked_at": list(told),
        "entry": suggestion.text(found),
    }


def _point(found: Found, point: Point) -> dict[str, Any]:
    rows = found.space.table.rows
    return {
        "steps": dict(zip(found.levels, point.node, strict=True)),
        "at_risk": _share(round(point.suppressed * rows), rows),
        "loss": _short(point.kept_loss),
        "reaches": point.reaches,
    }


def _count(number: int) -> int | str:
    return f"< {suggestion.FEW}" if 0 < number < suggestion.FEW else number


def _share(number: int, rows: int) -> float | str:
    if 0 < number < suggestion.FEW:
        return f"< {min(suggestion.FEW / rows, 1):.3g}"
    return _short(number / rows)


def _short(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")
