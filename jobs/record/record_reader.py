"""The treatment record in a table's properties, read with caution: anyone who writes tables can write it.

Nothing here believes a property to have the right form. What does not is told in our own words, with the names of
columns and no more of the text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from jobs.console.shown import shown
from jobs.lake.record_names import RECORD
from jobs.record.column_record import ColumnRecord, Unsound
from privacy_udfs.errors import REFUSED, LakenymError

RECORD_VERSION = 1
MOST = 5

Columns = Mapping[str, ColumnRecord]
"""Path of a leaf column, or of a case of it, as the record spells it -> what is recorded of it."""


class RecordProblem(LakenymError):
    """A table has a treatment record that cannot be understood, so that nothing is known of how it was treated."""

    exit_code: ClassVar[int] = REFUSED


def all_of(columns: Columns) -> Iterator[ColumnRecord]:
    """The columns, and of texts also the domains whose pseudonyms stand within: all that may name a key or a domain."""
    return (each for entry in columns.values() for each in entry.each)


def columns_of(properties: Mapping[str, str]) -> Columns:
    """The columns of the record in a table's properties; none where there is no record. Raises `RecordProblem`."""
    return _read(properties)[0]


def rows_of(properties: Mapping[str, str]) -> str | None:
    """The predicate of the rows that were read, by the record in a table's properties; None: all, or no record.
    Raises `RecordProblem`."""
    return _read(properties)[1].get("rows")


def suppress_of(properties: Mapping[str, str]) -> int | None:
    """The least size of a class whose rows were not kept out, by the record in a table's properties; None: any, or no
    record. Raises `RecordProblem`."""
    suppress = _read(properties)[1].get("suppress")
    return None if suppress is None else int(suppress["k"])


def mondrian_of(properties: Mapping[str, str]) -> Mapping[str, Any] | None:
    """What the boxes reach into which quasi-identifiers were cut (``k``, ``l``, ``t``), and by which ``ladders``, by
    the record in a table's properties; None: no boxes, or no record. Raises `RecordProblem`."""
    boxes: Mapping[str, Any] | None = _read(properties)[1].get("mondrian")
    return boxes


def made_for_of(properties: Mapping[str, str]) -> tuple[str, str] | None:
    """Whom or what a table is made for, by its record: ``("recipient", "research-lab")``; None where it does not say.
    Raises `RecordProblem`."""
    stated = _read(properties)[1].get("made_for")
    return None if stated is None else next(iter(stated.items()))


def _read(properties: Mapping[str, str]) -> tuple[Columns, Mapping[str, Any]]:
    """The columns, and the record as it stands."""
    text = properties.get(RECORD)
    if text is None:
        return {}, {}
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        raise _problem("it is no JSON") from None
    columns: dict[str, ColumnRecord] = {}
    faults = list(_faults(record, columns))
    if faults:
        raise _problem("; ".join(faults[:MOST]))
    return columns, record


def _problem(reason: str) -> RecordProblem:
    return RecordProblem(
        f"the table's property {RECORD} cannot be understood, so nothing is known of its treatment: {reason}. Restore "
        "the version of the table that a run wrote last, or treat it into a new target"
    )


def _faults(record: Any, columns: dict[str, ColumnRecord]) -> Iterator[str]:
    """What is wrong with a record. columns: filled with those that are sound."""
    if not isinstance(record, dict):
        yield "it is no JSON object"
    elif record.get("version") != RECORD_VERSION or isinstance(record["version"], bool):
        yield f"it is not of version {RECORD_VERSION}, the one that this release knows"
    elif not isinstance(record.get("columns"), dict):
        yield "it holds no columns"
    else:
        if not isinstance(record.get("rows"), (str, type(None))):
            yield "rows is no text"
        if not _is_suppress(record.get("suppress")):
            yield "suppress states no k"
        if not _is_mondrian(record.get("mondrian")):
            yield "mondrian states no boxes that this release knows"
        if not _is_made_for(record.get("made_for")):
            yield "made_for states no recipient and no purpose"
        for path, entry in record["columns"].items():
            try:
                columns[path] = ColumnRecord.from_json(entry)
            except Unsound as error:
                yield f"column {shown(path)}: {error}"


def _is_suppress(given: Any) -> bool:
    return given is None or (isinstance(given, dict) and _is_count(given.get("k")))


def _is_mondrian(given: Any) -> bool:
    if not isinstance(given, dict):
        return given is None
    known = given.keys() <= {"k", "l", "t", "ladders"} and _is_count(given.get("k")) and _is_count(given.get("l", 1))
    most, ladders = given.get("t", 1), given.get("ladders", {})
    is_share = isinstance(most, (int, float)) and not isinstance(most, bool)
    return known and is_share and isinstance(ladders, dict) and all(isinstance(each, str) for each in ladders.values())


def _is_made_for(given: Any) -> bool:
    if not isinstance(given, dict):
        return given is None
    return (
        len(given) == 1 and given.keys() <= {"recipient", "purpose"} and all(isinstance(n, str) for n in given.values())
    )


def _is_count(given: Any) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)
