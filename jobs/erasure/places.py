"""Where those who are asked for are to be taken out: treated tables, and the sources that they come from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.core.broadcast import Broadcast
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.models import TableConfig
from jobs.erasure import numbered
from jobs.erasure.numbered import Numbered
from jobs.erasure.one_table import Place
from jobs.erasure.outcome import Unsearched
from jobs.erasure.sought import Sought
from jobs.lake import history, within_rows
from jobs.lake.address import Address
from jobs.lake.columns import dotted
from jobs.lake.log_commits import ERASURE
from jobs.lake.within_rows import Hit
from jobs.named_keys import erasure_key
from jobs.subjects import held, pseudonyms
from jobs.subjects.held import IN_QUARANTINE, HeldTable, SourcePlace
from jobs.subjects.lookup import Lookup
from jobs.subjects.search import Search
from jobs.treatment import kept_out
from privacy_udfs.kernels.arrays import well_formed
from privacy_udfs.kernels.text import accepts, canonical

ALL_ANEW = "CREATE OR REPLACE TABLE"
PUT_BACK = (
    "its version {} was restored after an erasure, and tokens that it brought back are found by no vault any more: run "
    "the table once with --mode full"
)


def targets(conf: Config, search: Search) -> tuple[list[Place], list[Unsearched]]:
    """The treated tables; and what of them is not looked into."""
    found: list[Place] = []
    told = [gap for gap in search.held.gaps if gap.why != IN_QUARANTINE]
    gaps = [Unsearched(gap.table, gap.path, gap.why) for gap in told]
    for table in search.held.tables:
        paths = table.places
        sought = tuple(
            Sought(each.path.leaf, _hit(search, each), each.is_of_others, numbered=_numbered(search, each))
            for each in paths
        )
        if sought:
            treated, address = table.treated, Address(path=table.treated.place)
            periods = any(getattr(each.technique, "period", None) is not None for each in paths)
            tokens = any(each.way == "vault" for each in paths)
            keys = keys_of(conf, [treated.name])
            found.append(Place(treated.name, address, sought, periods, tokens, treated.records, keys))
            gaps += _put_back(search, table) if tokens else []
    return found, gaps


def keys_of(conf: Config, tables: Iterable[str]) -> tuple[str, ...]:
    """The columns by which runs that follow changes tell rows of some tables of the catalog apart."""
    return tuple(name for table in tables for name in conf.tables[table].target.key)


def asked_of(conf: Config, tables: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The predicates about rows of some tables of the catalog, each beside its table; also one of each column that
    others are treated by."""
    entries = [conf.tables[name] for name in tables]
    told = [(entry.name, rows) for entry in entries for rows in (entry.rows, *_cases(entry)) if rows is not None]
    return tuple(dict.fromkeys(told))


def _cases(entry: TableConfig) -> Iterator[str | None]:
    for decision in entry.decisions.values():
        for rule in decision.cases:
            yield rule.rows
            for name in rule.treatment.technique.beside():  # null in it changes these others as it changes an answer
                yield f"{dotted(ColumnPath.parse(name).root)} IS NOT NULL"


def whole(spark: SparkSession, conf: Config, search: Search) -> list[str]:
    """The columns of treated tables that name them in rows of others which runs with a list of the erased leave out,
    since they hang on the value as the source has it. Sources that are files require none."""
    key = erasure_key.of(conf)
    if key is None or key.entry.list is None:
        return []
    found = dict[str, None]()
    for table in search.held.tables:
        entry = conf.tables[table.treated.name]
        address = delta_of(spark, conf, OfSource((entry.name,), ()))
        schema = T.StructType() if address is None else address.read(spark).schema
        for place in table.places:
            path = place.path.leaf
            if place.is_of_others and not within_rows.has_list(path) and kept_out.needed(entry, schema, path):
                found[f"{table.treated.name}: {path}"] = None
    return list(found)


def _put_back(search: Search, table: HeldTable) -> list[Unsearched]:
    """Tokens that a restored version brought back, after their rows may have gone out of the vault."""
    treated, erased, version = table.treated, False, -1
    told = history.of(search.spark, Address(path=treated.place), treated.place, treated.version)
    for commit in told.commits:
        if commit.version in told.ours and commit.operation.startswith(ALL_ANEW):
            version = -1
        elif commit.operation == "RESTORE" and erased:
            version = commit.version
        erased = erased or commit.run.get("mode") == ERASURE
    if version < 0:
        return []
    return [Unsearched(each.table, str(each.path), PUT_BACK.format(version))
            for each in table.places if each.way == "vault"]  # fmt: skip


def _hit(search: Search, place: held.Place) -> Hit:
    compared, sent, key = pseudonyms.comparable(place, search.salt), search.parcel(place), search.keys.get(place)

    def hit(values: pa.Array) -> npt.NDArray[np.bool_]:
        own = None if key is None else key.resolve()
        return sent.value.holds(compared(values, own))

    return hit


def _numbered(search: Search, place: held.Place) -> Numbered | None:
    if place.path.is_in_json or place not in search.aligned:
        return None
    compared, sent, key = pseudonyms.comparable(place, search.salt), search.parcel(place), search.keys.get(place)

    def at(values: pa.Array) -> npt.NDArray[np.int32]:
        return sent.value.positions(compared(values, None if key is None else key.resolve()))

    wanted = search.lookups[place].wanted
    return Numbered(at, numbered.places(search.aligned[place], wanted), len(search.asked.ids))


# -- sources ----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class OfSource:
    """The source of tables of the catalog. tables: their names, of which the first one's entry says how it is read.
    sought: the same people, by the ids that sources have."""

    tables: tuple[str, ...]
    sought: tuple[Sought, ...]

    @property
    def label(self) -> str:
        return f"source of {', '.join(self.tables)}"


def sources(spark: SparkSession, conf: Config, search: Search) -> list[OfSource]:
    """Each once, by where it is; and by the entry, where nobody can tell."""
    found: dict[object, OfSource] = {}
    for place in search.held.sources:
        source = conf.tables[place.table].source
        key = (source.path, source.table, source.format)
        before = found.get(key, OfSource((), ()))
        names = before.tables if place.table in before.tables else (*before.tables, place.table)
        paths = {str(each.path) for each in before.sought}
        more = () if str(place.path) in paths else (_of_ids(spark, search, place),)
        found[key] = OfSource(names, (*before.sought, *more))
    return [_owned(conf, each) for each in found.values()]


def _owned(conf: Config, source: OfSource) -> OfSource:
    """The same, where an entry names the column that says whose a row is: the others do not."""
    subjects = {conf.tables[name].subject for name in source.tables} - {None}
    told = [dataclasses.replace(each, is_of_others=bool(subjects) and each.path.leaf not in subjects)
            for each in source.sought]  # fmt: skip
    return dataclasses.replace(source, sought=tuple(told))


def by_ids(spark: SparkSession, search: Search, place: SourcePlace) -> Hit:
    """By ids in their canonical bytes, after the steps of ``normalize``."""
    return _of_ids(spark, search, place).hit


def _of_ids(spark: SparkSession, search: Search, place: SourcePlace) -> Sought:
    technique = place.technique
    steps = tuple(getattr(technique, "normalize", ()))
    each = canonical(technique.prepared(search.asked.ids), steps)
    wanted = each.drop_null().unique().cast(pa.binary())
    sent: Broadcast[Lookup] = spark.sparkContext.broadcast(Lookup(wanted))

    def spelled(values: pa.Array) -> pa.Array:
        if not accepts(values.type):
            return pa.nulls(len(values), pa.binary())
        values = well_formed(values)[0] if pa.types.is_string(values.type) else values
        return canonical(technique.prepared(values), steps)

    def hit(values: pa.Array) -> npt.NDArray[np.bool_]:
        return sent.value.holds(spelled(values))

    def at(values: pa.Array) -> npt.NDArray[np.int32]:
        return sent.value.positions(spelled(values))

    told = None if place.path.is_in_json else Numbered(at, numbered.places(each, wanted), len(search.asked.ids))
    return Sought(place.path, hit, numbered=told)


def delta_of(spark: SparkSession, conf: Config, source: OfSource) -> Address | None:
    """Where it is, of a Delta table; None of anything else."""
    entry = conf.tables[source.tables[0]].source
    if entry.path is not None and entry.format != "delta":
        return None
    address = Address.of(entry)
    try:
        return address if address.exists(spark) and address.is_delta(spark) else None
    except PySparkException:
        return None
