"""The rows of persons over all tables that share a domain: one piece for subject access and for erasure.

    with searching(spark, conf, asked) as search:
        search.held.gaps                        # what is not found by it: tell it, all of it
        for table in search.held.tables:        # each at one version: `table.treated`, `table.places`
            search.rows(table)                  # its rows that hold one of the asked, as they stand
            search.files(table)                 # the files that such rows are in: column ``file``
            search.condition(table)             # true for such rows, never null: for ``rows.where(~condition)`` too
            search.lookups[place].holds(search.comparable(place)(values))      # the same on the driver, of an array

        search.in_source(places, schema)        # likewise of a source's rows, by some of `search.held.sources`

A condition is for frames of the table's own columns (`table.treated.rows()`, or the rows of some of its files). It is
a function in Python over whole Arrow arrays, several of them where a table has several places; every row is read.

Nothing is written, and no row is read before somebody acts on a frame (but dates, of tables with pseudonyms of
periods). What is looked for goes to executors as a broadcast variable, which is destroyed at the end of the block: so
no id and no pseudonym stands in a plan, in a literal or in a log. What is looked at is one version of each table: older
versions, copies and tables outside of the catalog are not. Values are found by what their column's record says of
their treatment; a row that others wrote there otherwise is not.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence

import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.core.broadcast import Broadcast
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, json_path
from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage, Refused
from jobs.reversal import reversal_keys
from jobs.subjects import asked as asking
from jobs.subjects import held as holding
from jobs.subjects import keys as opening
from jobs.subjects import leaf_values, pseudonyms
from jobs.subjects.asked import Asked, CannotSearch
from jobs.subjects.held import Gap, Held, HeldTable, Place, SourcePlace
from jobs.subjects.keys import Keys
from jobs.subjects.lookup import Lookup
from privacy_udfs.json_text.branches import JsonPath
from privacy_udfs.keys import AnyReference, KeyReference


@dataclasses.dataclass(frozen=True)
class Search:
    """held: what is searched, and what is not. lookups: the bytes that each place is compared with. keys: of places
    that are turned back within the search. aligned: of places where that can be told these of each id, in order, and
    so again for each way in which it may be called."""

    spark: SparkSession
    asked: Asked
    held: Held
    lookups: Mapping[Place, Lookup] = dataclasses.field(repr=False)
    keys: Mapping[Place, AnyReference]
    parcels: _Parcels = dataclasses.field(repr=False)
    salt: bytes = dataclasses.field(repr=False)
    ids: _Ids = dataclasses.field(repr=False)
    aligned: Mapping[Place, pa.Array] = dataclasses.field(repr=False)

    def condition(self, table: HeldTable, places: Sequence[Place] | None = None) -> Column:
        """True for rows that hold one of the asked, in any place of the table or in one of some of them; never null."""
        schema = table.treated.schema
        each = [self._of_place(place, schema) for place in (table.places if places is None else places)]
        return functools.reduce(Column.__or__, each, F.lit(False))

    def rows(self, table: HeldTable) -> DataFrame:
        """The rows that hold one of the asked, as they stand in the table, each once."""
        return table.treated.rows().where(self.condition(table))

    def files(self, table: HeldTable) -> DataFrame:
        """The files that such rows are in, each once: column ``file``, as `jobs.lake.file_places.of_row` takes it."""
        rows = table.treated.rows()
        file = rows.metadataColumn("_metadata")["file_path"].alias("file")
        return rows.where(self.condition(table)).select(file).distinct()

    def unread(self, table: HeldTable) -> Mapping[ColumnPath, int]:
        """Of each column of JSON text how many texts there are in which nobody can tell who is named, if any."""
        texts: dict[ColumnPath, list[JsonPath]] = {}
        for place in table.places:
            if place.path.is_in_json:
                texts.setdefault(place.path.leaf.column, []).append(json_path(place.path.leaf))
        if not texts:
            return {}
        counts = [F.sum(leaf_values.unread_in(*text, table.treated.schema)) for text in texts.items()]
        told = table.treated.rows().agg(*counts).collect()[0]
        return {path: int(number) for path, number in zip(texts, told, strict=True) if number}

    def in_source(self, places: Sequence[SourcePlace], schema: T.StructType) -> Column:
        """The same of a source's rows, by places of it. schema: of these rows. Raises `Refused` where pseudonyms were
        given that cannot be turned back."""
        each = [self._of_source(place, schema) for place in places]
        return functools.reduce(Column.__or__, each, F.lit(False))

    def _of_source(self, place: SourcePlace, schema: T.StructType) -> Column:
        compared = pseudonyms.in_source(place)
        parcel = self.parcels.of(place, lambda: Lookup(compared(self.ids.raw(place.label), None).unique()))
        return leaf_values.held_in(place, schema, parcel, compared, None)

    def comparable(self, place: Place) -> Callable[[pa.Array], pa.Array]:
        """On the driver: from values of a place to the bytes that its lookup is of."""
        compared, key = pseudonyms.comparable(place, self.salt), self.keys.get(place)
        return lambda values: compared(values, None if key is None else key.resolve())

    def parcel(self, place: Place) -> Broadcast[Lookup]:
        """What a place is compared with, sent to tasks for as long as the search lasts."""
        return self.parcels.of(place, lambda: self.lookups[place])

    def _of_place(self, place: Place, schema: T.StructType) -> Column:
        compared = pseudonyms.comparable(place, self.salt)
        return leaf_values.held_in(place, schema, self.parcel(place), compared, self.keys.get(place))


@contextlib.contextmanager
def searching(spark: SparkSession, conf: Config, asked: Asked) -> Iterator[Search]:
    """What can be searched for what was asked; frames of it are to be used within the block. Raises `BadUsage`,
    `Refused`, `KeyProblem`, `SourceProblem`."""
    asking.check_domain(conf, asked.domain)
    found, keys, salt = holding.held(spark, conf, asked.domain), opening.opened(spark, conf), secrets.token_bytes(16)
    gaps: list[Gap] = []
    ids = _Ids(spark, conf, asked, found, keys)
    wanted: dict[Place, pa.Array] = {}
    for table in found.tables:
        for place in table.places:
            try:
                wanted[place] = ids.wanted(table, place, salt)
            except CannotSearch as error:
                gaps.append(Gap(place.table, str(place.path), str(error)))
    tables = [
        dataclasses.replace(table, places=tuple(place for place in table.places if place in wanted))
        for table in found.tables
    ]
    held = dataclasses.replace(found, tables=tuple(table for table in tables if table.places)).without(gaps)
    sent = {place.label: keys.reference(place.record, place.technique) for place in wanted if place.way == "opened"}
    lookups = {place: Lookup(values.drop_null().unique().cast(pa.binary())) for place, values in wanted.items()}
    aligned = {place: values for place, values in wanted.items() if place.way != "vault" and asked.held_in is None}
    with _delivered(spark, conf, sent) as there, contextlib.closing(_Parcels(spark)) as parcels:
        own = {place: there[place.label] for place in wanted if place.way == "opened"}
        yield Search(spark, asked, held, lookups, own, parcels, salt, ids, aligned)


@contextlib.contextmanager
def _delivered(
    spark: SparkSession, conf: Config, sent: Mapping[str, KeyReference]
) -> Iterator[Mapping[str, AnyReference]]:
    if not sent:
        yield {}
        return
    with reversal_keys.delivered(spark, conf, sent) as there:
        yield there


class _Parcels:
    """What goes to executors: for each place once, as soon as it is asked for, until all are destroyed."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._sent: dict[Place | SourcePlace, Broadcast[Lookup]] = {}

    def of(self, place: Place | SourcePlace, make: Callable[[], Lookup]) -> Broadcast[Lookup]:
        if place not in self._sent:
            self._sent[place] = self._spark.sparkContext.broadcast(make())
        return self._sent[place]

    def close(self) -> None:
        for parcel in self._sent.values():
            with contextlib.suppress(Py4JError, PySparkException, OSError):  # an application that ended took it along
                parcel.destroy()


class _Ids:
    """The ids as each column takes them; turned back once where they are pseudonyms of another one."""

    def __init__(self, spark: SparkSession, conf: Config, asked: Asked, held: Held, keys: Keys) -> None:
        self._spark, self._conf = spark, conf
        self._asked, self._keys = asked, keys
        self._of = None if asked.held_in is None else _place(asked, held)
        self._raw = asked.ids if self._of is None else None

    def wanted(self, table: HeldTable, place: Place, salt: bytes) -> pa.Array:
        if self._of is not None and _is_same(self._of, place):
            return self._asked.ids.cast(pa.binary())
        return pseudonyms.of(self._spark, self._conf, place, table.treated, self.raw(place.label), self._keys, salt)

    def raw(self, label: str) -> pa.Array:
        """Raises `Refused` where the pseudonyms given cannot be those of another column: nothing is searched then."""
        if self._raw is None:
            assert self._of is not None
            try:
                self._raw = pseudonyms.raw(self._spark, self._conf, self._asked, self._of, self._keys)
            except CannotSearch as error:
                raise Refused(f"{label} holds them otherwise, and {error}") from None
        return self._raw


def _is_same(one: Place, other: Place) -> bool:
    """Whether equal values are equal in both."""
    steady = one.technique.deterministic and other.technique.deterministic
    return one == other or (steady and one.record.why_other_results(other.record) is None)


def _place(asked: Asked, held: Held) -> Place:
    assert asked.held_in is not None
    wanted = asked.held_in
    places: Sequence[Place] = [place for table in held.tables for place in table.places if place.table == wanted.table]
    found = [place for place in places if str(place.path.leaf) == wanted.path]
    if len(found) != 1:
        why = "rows of it are treated by cases" if found else f"holds no values of domain {asked.domain} to go by"
        raise BadUsage(f"{wanted.table}: {wanted.path} {why}: name another column, or give the ids as sources do")
    return found[0]
