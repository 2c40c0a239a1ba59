"""What is told of columns that join: small counts as ``< 10``, shares by two digits, and never a value."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from jobs.console.numbers import many
from jobs.risk_measures.containment import Contained, Pair
from jobs.risk_measures.profile_file import Profiles
from jobs.risk_measures.report import count


@dataclasses.dataclass(frozen=True)
class Report:
    """joinable: pairs of columns with at least so many values in common. unsaid: how many pairs are too unlike in size
    to be compared. changes: since the baseline."""

    profiles: Profiles
    joinable: Mapping[Pair, Contained]
    unsaid: int
    changes: tuple[str, ...] = ()


def as_data(report: Report) -> dict[str, Any]:
    tables = {
        name: {
            "rows": count(table.rows),
            "unique_classes": table.unique_classes,
            "unique_below": table.unique_below,
            "unique_error": table.unique_error,
            "left_out": list(table.left_out),
            "columns": {path: {"values": count(each.values)} for path, each in table.columns.items()},
        }
        for name, table in report.profiles.tables.items()
    }
    joinable = [{**dataclasses.asdict(pair), **_rounded(each)} for pair, each in report.joinable.items()]
    return {"tables": tables, "joinable": joinable, "not_compared": report.unsaid, "changes": list(report.changes)}


def _rounded(found: Contained) -> dict[str, float]:
    """Two digits: more would tell of few values, and be less than the error."""
    return {"share": round(found.share, 2), "error": round(found.error, 3)}


def lines(report: Report) -> Iterator[str]:
    for name, table in report.profiles.tables.items():
        yield f"{name}: {count(table.rows)} rows, {many(len(table.columns), 'column')}"
        if table.left_out:
            yield f"  left out, of no type that joins or with several values in a row: {', '.join(table.left_out)}"
    for pair, found in report.joinable.items():
        yield f"{pair}: {found.share:.2f}" + (f" ± {found.error:.2g}" if found.error else "")
    if not report.joinable:
        yield "no two columns join"
    if report.unsaid:
        yield f"not compared, one has far more values than the other: {report.unsaid} pairs"
    yield from (f"changed: {each}" for each in report.changes)
