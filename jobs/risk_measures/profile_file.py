"""Profiles of tables as a file keeps them, and what changed since: no value in it, and no count that is small."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jobs.console.exit_codes import BadUsage
from jobs.console.shown import as_json
from jobs.risk_measures.containment import Contained, Pair
from jobs.risk_measures.profile import ColumnProfile, TableProfile
from jobs.risk_measures.report import SMALL

VERSION = 1


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
        tables = self.kept.tables
        places = ((pair.table, pair.column), (pair.in_table, pair.in_column))
        return all(table in tables and column in tables[table].columns for table, column in places)

    def share(self, pair: Pair) -> float:
        return self.told[pair].share if pair in self.told else 0.0


def changes(new: Compared, old: Compared, least: float, bound: float) -> Iterator[str]:
    """What is other than it was by more than a bound; of columns that were not there, what joins by at least so much.
    Of columns that are gone nothing is said."""
    for pair in sorted({*new.told, *old.told}, key=str):
        if pair in new.unsaid or pair in old.unsaid or not new.has(pair):
            continue
        share = new.share(pair)
        if not old.has(pair) and share >= least:
            yield f"{pair}: {share:.2f}, was not there"
        elif old.has(pair) and abs(share - old.share(pair)) > bound:
            yield f"{pair}: {share:.2f}, was {old.share(pair):.2f}"
    for name, table in new.kept.tables.items():
        was = old.kept.tables.get(name)
        if was is not None and _differ(table, was, bound):
            yield f"{name}: classes like no other: {_unique(table)}, was {_unique(was)}"


def _differ(one: TableProfile, other: TableProfile, bound: float) -> bool:
    """Whether shares of unique classes do; of a share that is not told what it is below stands for it."""
    shares = [each.unique_classes if each.unique_below is None else each.unique_below for each in (one, other)]
    known = [share for share in shares if share is not None]
    return len(known) == 2 and abs(known[0] - known[1]) > bound


def _unique(table: TableProfile) -> str:
    return f"{table.unique_classes:.2f}" if table.unique_below is None else f"< {table.unique_below:.2g}"
