"""Which tables the inventory looks at: those that are named, and of those it finds the ones that hold raw data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from pyspark.sql import SparkSession

from jobs.configuration import locations
from jobs.configuration.documents import did_you_mean
from jobs.configuration.models import Source
from jobs.console.exit_codes import BadUsage
from jobs.detection import discovery
from jobs.detection.discovery import FoundTable
from jobs.drafting.accepted import Entry
from jobs.lake.address import Address
from jobs.lake.record_names import RECORD
from jobs.spark_app import failures


def chosen(
    spark: SparkSession, names: Iterable[str], path: str | None, database: str | None, known: Mapping[str, Entry]
) -> list[FoundTable]:
    """The tables by name (the catalog's, else Spark's), and the raw ones below a path and of a database, each once and
    under a name of its own."""
    found = [FoundTable(name, _source(spark, name, known, path)) for name in names]
    if path:
        below = failures.translated(path, lambda: discovery.below(spark, path))
        found += raw_only(spark, below, known)
    if database:
        listed = failures.translated(database, lambda: discovery.of_database(spark, database))
        found += raw_only(spark, listed, known)
    return each_once(found, known)


def each_once(found: Iterable[FoundTable], known: Mapping[str, Entry]) -> list[FoundTable]:
    """The tables, each once, under names that no other of them and no entry of another place has; a name that was
    counted on is noted."""
    kept: dict[str, FoundTable] = {}
    for table in found:
        name, count = table.name, 1
        while _is_another(table, kept.get(name)) or _is_other(table, known.get(name)):
            name, count = f"{table.name}_{count + 1}", count + 1
        note = table.note if name == table.name else _counted_on(table, kept.get(table.name) or known.get(table.name))
        kept[name] = dataclasses.replace(table, name=name, note=note)
    return list(kept.values())


def _counted_on(table: FoundTable, namesake: FoundTable | Entry | None) -> str:
    places = [_place_of(each.source) for each in (table, namesake) if each is not None and each.source is not None]
    taken = f", the one at {places[1]}" if len(places) > 1 else ""
    return f"{places[0] if places else table.name}: called so, for {table.name} is another table{taken}"


def _place_of(source: Source) -> str:
    return str(source.path if source.path is not None else source.table)


def _is_another(table: FoundTable, kept: FoundTable | None) -> bool:
    if kept is None or (table.source is None) is (kept.source is None):
        return _is_other(table, kept)
    return True


def _is_other(table: FoundTable, namesake: FoundTable | Entry | None) -> bool:
    if namesake is None or namesake.source is None or table.source is None:
        return False
    return locations.of(table.source) != locations.of(namesake.source)


def _source(spark: SparkSession, name: str, known: Mapping[str, Entry], path: str | None = None) -> Source:
    entry = known.get(name)
    if entry is not None and entry.source is not None:
        return entry.source
    if not Address(table=name).exists(spark):
        hint = did_you_mean(name, known)
        if path:
            own = f"{path.rstrip('/')}/{name}"
            hint = f". Of the tables below --path it chooses none: name the one's own folder, as in --path {own}"
        raise BadUsage(f"--table: neither the configuration nor Spark's catalog has a table {name} to read{hint}")
    return Source(table=name)


def entry_of(table: FoundTable, known: Mapping[str, Entry]) -> Entry | None:
    """The entry of a table: by its name, which is no other table's, or by where it is."""
    if table.name in known or table.source is None:
        return known.get(table.name)
    place = locations.of(table.source)
    read = (entry for entry in known.values() if entry.source is not None and locations.of(entry.source) == place)
    return next(read, None)


def raw_only(spark: SparkSession, found: Iterable[FoundTable], known: Mapping[str, Entry]) -> Iterator[FoundTable]:
    """The tables that hold raw data: none with a treatment record, none that is an entry's target."""
    targets = [entry.target for entry in known.values() if entry.target is not None]
    places = {locations.of(Source(table=t) if "/" not in t else Source(path=t, format="delta")) for t in targets}
    for table in found:
        place = None if table.source is None else locations.of(table.source)
        if place not in places and not _has_record(spark, table):
            yield table


def _has_record(spark: SparkSession, table: FoundTable) -> bool:
    source = table.source
    if source is None or source.format not in ("delta", None):
        return False
    return failures.translated(table.name, lambda: RECORD in Address.of(source).properties(spark))
