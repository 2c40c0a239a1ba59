"""Profiles of tables as a file keeps them, and what changed since: no value in it, and no count that is small."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from jobs.configuration.shares import NEARLY
from jobs.console.exit_codes import BadUsage
from jobs.console.shown import as_json
from jobs.risk_measures import containment
from jobs.risk_measures.containment import Contained, Pair
from jobs.risk_measures.profile import ColumnProfile, TableProfile
from jobs.risk_measures.report import SMALL

VERSION = 1
Between: TypeAlias = tuple[float, float]
"""The least and the most that a share may be."""


@dataclasses.dataclass(frozen=True)
class Profiles:
    """check: of the key that values were hashed with; sketches under two keys have nothing in common."""

    check: str
    tables: Mapping[str, TableProfile]


def text(kept: Profiles) -> str:
    tables = {name: _of_table(each) for name, each in kept.tables.items()}
    return as_json({"version": VERSION, "key_check": kept.check, "tables": tables}, indent=1) + "\n"


def read(path: Path, check: str | None = None) -> Profiles:
    """Profiles from a file. check: of the key in use, which has to be theirs. Raises `BadUsage`."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version = data["version"]
        tables = {str(name): _table(each) for name, each in data["tables"].items()}
        found = Profiles(str(data["key_check"]), tables)
    except OSError as error:
        raise BadUsage(f"{path}: {error.strerror}") from None
    except (AttributeError, KeyError, TypeError, ValueError):
        raise BadUsage(f"{path}: is no profile of tables: make it with --profile") from None
    if version != VERSION:
        raise BadUsage(f"{path}: is a profile of version {version}, expected {VERSION}: make it anew with --profile")
    if check is not None and found.check != check:
        raise BadUsage(f"{path}: its values were hashed with another key, or version of it: make it anew")
    return found


def _of_table(table: TableProfile) -> dict[str, Any]:
    """Counts up to nine are null, and so is one from which such a count follows."""
    return {
        "rows": _kept(table.rows),
        "unique_classes": table.unique_classes,
        "unique_below": table.unique_below,
        "unique_error": table.unique_error,
        "left_out": list(table.left_out),
        "columns": {path: _of_column(each, table.rows) for path, each in table.columns.items()},
    }


def _of_column(each: ColumnProfile, rows: int) -> dict[str, Any]:
    return {
        "values": _kept(each.values),
        "nulls": None if _kept(rows - each.nulls) is None else _kept(each.nulls),
        "sketch": None if each.sketch is None else base64.b64encode(each.sketch).decode(),
    }


def _kept(number: int) -> int | None:
    return number if number == 0 or number >= SMALL else None


def _table(data: Mapping[str, Any]) -> TableProfile:
    unique, below = data["unique_classes"], data.get("unique_below")
    return TableProfile(
        int(data["rows"] or 0),
        {str(path): _column(each) for path, each in data["columns"].items()},
        tuple(map(str, data["left_out"])),
        None if unique is None else float(unique),
        None if below is None else float(below),
        float(data.get("unique_error", 0.0)),
    )


def _column(data: Mapping[str, Any]) -> ColumnProfile:
    sketch = data["sketch"]
    kept = None if sketch is None else base64.b64decode(sketch, validate=True)
    return ColumnProfile(int(data["values"] or 0), int(data["nulls"] or 0), kept)


# -- what changed -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Compared:
    """Profiles and what comes of their pairs, as `containment.pairs` tells it."""

    kept: Profiles
    told: Mapping[Pair, Contained]
    unsaid: frozenset[Pair]

    def has(self, pair: Pair) -> bool:
        return None not in self._columns(pair)

    def between(self, pair: Pair) -> Between | None:
        """What is known of the share of a pair that is there; None where nothing is."""
        if pair in self.told:
            return _around(self.told[pair].share, self.told[pair].error)
        column, other = self._columns(pair)
        most = None if pair in self.unsaid or not (column and other) else containment.most_untold(column, other)
        return None if most is None else (0.0, most)

    def in_words(self, pair: Pair) -> str:
        between = self.between(pair)
        if between is None:
            return "not compared"
        return f"{self.told[pair].share:.2f}" if pair in self.told else f"< {between[1]:.2g}"

    def _columns(self, pair: Pair) -> tuple[ColumnProfile | None, ColumnProfile | None]:
        tables, places = self.kept.tables, ((pair.table, pair.column), (pair.in_table, pair.in_column))
        one, other = (tables[table].columns.get(column) if table in tables else None for table, column in places)
        return one, other


def changes(new: Compared, old: Compared, least: float, bound: float) -> Iterator[str]:
    """What is other than it was by more than a bound, whatever the errors of both; of columns that were not there, or
    not compared, what joins by at least so much; what is compared no more. Of columns that are gone nothing is said."""
    for pair in sorted({*new.told, *old.told}, key=str):
        if new.has(pair) and _is_told(pair, new, old, least, bound):
            yield f"{pair}: {new.in_words(pair)}, was {old.in_words(pair) if old.has(pair) else 'not there'}"
    for name, table in new.kept.tables.items():
        was = old.kept.tables.get(name)
        if was is not None and _apart(_uniques(table), _uniques(was)) > bound + NEARLY:
            yield f"{name}: classes like no other: {_unique(table)}, was {_unique(was)}"


def _is_told(pair: Pair, new: Compared, old: Compared, least: float, bound: float) -> bool:
    now, before = new.between(pair), old.between(pair)
    if now is None:
        return before is not None and before[1] > bound
    if before is None:
        return pair in new.told and new.told[pair].share >= least
    return _apart(now, before) > bound + NEARLY


def _around(share: float, error: float) -> Between:
    return max(share - error, 0.0), min(share + error, 1.0)


def _apart(one: Between | None, other: Between | None) -> float:
    """How far two shares are apart at least; 0 where nothing is known of one."""
    return 0.0 if one is None or other is None else max(one[0] - other[1], other[0] - one[1], 0.0)


def _uniques(table: TableProfile) -> Between | None:
    """The share of unique classes; of one that is not told up to what it is below."""
    if table.unique_below is not None:
        return 0.0, min(table.unique_below + table.unique_error, 1.0)
    return None if table.unique_classes is None else _around(table.unique_classes, table.unique_error)


def _unique(table: TableProfile) -> str:
    return f"{table.unique_classes:.2f}" if table.unique_below is None else f"< {table.unique_below:.2g}"
