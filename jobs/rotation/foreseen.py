"""What a rotation would do, before it does anything: of each table the way, how much is written, and who reads it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.console.text_table import table_lines
from jobs.lake import log_counts
from jobs.rotation.needed import Needed
from jobs.rotation.scope import Held, Scope, Table
from jobs.spark_app import failures

NO_PROOF = "authenticates nothing: a value that is none of the key's would come out as another one"


@dataclasses.dataclass(frozen=True)
class Size:
    """Of the version that would be written anew. rows: None where the log does not tell."""

    rows: int | None
    files: int
    bytes: int


def sizes(spark: SparkSession, scope: Scope) -> dict[str, Size]:
    """Of the tables that are due, by their logs alone."""
    return {table.name: failures.translated(table.name, lambda table=table: _size(spark, table)) for table in scope.due}  # type: ignore[misc]


def _size(spark: SparkSession, table: Table) -> Size:
    address = table.stands.address
    detail = address.detail(spark)
    return Size(log_counts.of(address.read(spark)), int(detail["numFiles"]), int(detail["sizeInBytes"]))


def as_data(scope: Scope, found: Mapping[str, Size], used: Sequence[Needed] = ()) -> dict[str, Any]:
    return {
        "key": scope.key,
        "from": list(scope.old),
        "to": scope.to,
        "tables": [_table(scope, table, found.get(table.name)) for table in scope.tables],
        "limits": [each.as_data() for each in used],
    }


def _table(scope: Scope, table: Table, size: Size | None) -> dict[str, Any]:
    mark = table.mark
    return {
        "table": table.name,
        "way": way(scope, table),
        "mode": table.entry.mode,
        **({} if size is None else dataclasses.asdict(size)),
        "columns": [_column(scope, table, each) for each in table.columns],
        "shares_domains_with": scope.sharing(table),
        "recipients": list(table.entry.processing.recipients or ()),
        "marked_since": None if mark is None else mark.since,
    }


def way(scope: Scope, table: Table) -> str:
    """How a table is moved: ``source``, or from itself by what is done to its columns; ``moved`` where it is."""
    if table.way != "table":
        return table.way
    return " and ".join(sorted({str(_column(scope, table, each)["way"]) for each in table.columns} - {"moved"}))


def _column(scope: Scope, table: Table, each: Held) -> dict[str, Any]:
    own = "layer" if each.layers else "bridge" if each.by_bridge else "re-encrypt"
    done = "source" if table.way == "source" else "moved" if each.key_id == scope.to else own
    told: dict[str, Any] = {"column": each.path, "domain": each.domain, "technique": each.technique}
    told |= {"version": each.key_id, "way": done}
    if each.why_not is not None:
        told["why_not_from_the_table"] = each.why_not
    elif not each.authenticates and done == "re-encrypt":
        told["note"] = NO_PROOF
    return told


FROM_SOURCE = "treated anew from its source"
FROM_ITSELF = {
    "re-encrypt": "re-encrypted from itself",
    "layer": "put under further layers from itself",
    "bridge": "from itself, by the sealed bridge of its domain",
    "bridge and re-encrypt": "from itself, some columns re-encrypted and some by the sealed bridge of their domain",
    "layer and re-encrypt": "from itself, some columns re-encrypted and some put under further layers",
}


def lines(scope: Scope, found: Mapping[str, Size], used: Sequence[Needed] = ()) -> Iterator[str]:
    """For a person."""
    old = ", ".join(map(str, scope.old)) or "none"
    yield f"key {scope.key}: from version {old} to {scope.to}; {len(scope.due)} of {len(scope.tables)} tables to move"
    rows = [_row(table, way(scope, table), found.get(table.name)) for table in scope.tables]
    yield from table_lines(("table", "way", "rows", "files", "bytes", "mode"), rows)
    yield from (each.in_words() for each in used)
    for table in scope.due:
        yield ""
        how = FROM_ITSELF.get(way(scope, table), FROM_SOURCE)
        yield f"{table.name}: {how}" + (f"; {table.mark}" if table.mark is not None else "")
        for each in table.columns:
            told = _column(scope, table, each)
            why = told.get("why_not_from_the_table") or told.get("note")
            yield f"  {each.path} ({each.technique}, domain {each.domain}): {told['way']}" + (f"; {why}" if why else "")
        sharing, recipients = scope.sharing(table), table.entry.processing.recipients
        if sharing:
            yield f"  does not join with {', '.join(sharing)} until all are moved"
        if recipients:
            yield f"  recipients to be told: {', '.join(recipients)}"


def _row(table: Table, way: str, size: Size | None) -> tuple[str, ...]:
    sizes = ("", "", "") if size is None else tuple("-" if n is None else f"{n:,}" for n in dataclasses.astuple(size))
    return (table.name, way, *sizes, table.entry.mode)
