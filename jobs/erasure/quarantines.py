"""Rows of those who are asked for among those that were set aside: opened, looked into, and taken out whole.

A row in quarantine is as the run read it, before anything was treated: so it is told by ids as sources have them, also
where the id itself is what was refused. Rows of older versions are looked into the same way. What is sealed is not
changed: a row of somebody else goes too where it names one of them in a column of the domain, and so does one that is
not as it was put there, which nobody can open.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue, Step, json_path
from jobs.configuration.config import Config
from jobs.console.shown import shown
from jobs.erasure.one_table import Place
from jobs.erasure.outcome import Unsearched
from jobs.erasure.sought import Sought
from jobs.lake import quarantine_table, within_rows, within_texts
from jobs.lake.address import Address
from jobs.lake.problems import SourceProblem
from jobs.lake.within_rows import Hit
from jobs.named_keys.key_ring import KeyRing
from jobs.subjects.held import SourcePlace
from jobs.subjects.search import Search
from privacy_udfs import sealed_rows
from privacy_udfs.errors import KeyProblem, SourceRefused, TokenRefused
from privacy_udfs.keys import KeyReference, load_keyset

SEALED, BESIDE = "sealed", ("table", "run_id", "key", "key_id")
"""The column that is looked into, and what it takes to open it."""
BY_PSEUDONYMS = "rows in its quarantine are told by ids as sources have them, not by pseudonyms: give the ids"
NO_KEY = "rows in its quarantine do not open: key {} of theirs is not to be had; let them be replaced by a run in full"
UNKNOWN = "rows of table {} stand in this quarantine, and no entry is called so: nobody knows which columns they have"
NO_VERSION = "a row is sealed under a version of its key that is not enabled"
CLOSED = (
    "rows that stay hold a value in which nobody can tell who is named, in {}: text that is no JSON, an object or "
    "array where an id is asked for, or a column that is of another type by now. Treat them (--requeue), or let a run "
    "in full replace them, and run it again"
)
WITH_OTHERS = (
    "rows that name them were taken out whole, and some may be rows of others: then their table lacks these, and "
    "verify says so, until it is run once with --mode full"
)
Paths = Mapping[str, Sequence[tuple[ColumnPath, Hit]]]
"""By table its columns of the domain, and what tells the asked in them."""


@dataclasses.dataclass(frozen=True)
class Look:
    """Of rows of a quarantine whether they name one of the asked. It is sent to executors, and holds references to keys
    only. keys: by name and id of the version."""

    paths: Paths
    keys: Mapping[tuple[str, int], KeyReference]

    def __call__(self, rows: pa.StructArray) -> npt.NDArray[np.bool_]:
        return self.each(rows, self._names)

    def each(self, rows: pa.StructArray, is_so: Callable[[str, pa.RecordBatch | None], bool]) -> npt.NDArray[np.bool_]:
        """Of each sealed row whether something is so of its table and of it, opened; of None where nothing opens it."""
        told = pa.RecordBatch.from_struct_array(rows)
        sealed, beside = told.column(0), [told.column(at).to_pylist() for at in range(1, 1 + len(BESIDE))]
        found = np.zeros(len(rows), bool)
        for at, (table, run_id, key, key_id) in enumerate(zip(*beside, strict=True)):
            if sealed[at].is_valid and (table is None or table in self.paths):
                found[at] = self._opened(sealed.slice(at, 1), table, run_id, (key, int(key_id)), is_so)
        return found

    def _opened(
        self,
        sealed: pa.Array,
        table: str | None,
        run_id: str,
        key: tuple[str, int],
        is_so: Callable[[str, pa.RecordBatch | None], bool],
    ) -> bool:
        """table: None where a file does not say it, being in a folder that does: then whichever opens it."""
        if key not in self.keys:
            raise SourceRefused(NO_VERSION)
        material = self.keys[key].resolve()
        for name in self.paths if table is None else [table]:
            try:
                (row,) = sealed_rows.opened(sealed.cast(pa.binary()), name, run_id, material)
            except TokenRefused:
                continue
            return is_so(name, row)
        return table is not None and is_so(table, None)  # else of a table without a column of the domain

    def _names(self, name: str, row: pa.RecordBatch | None) -> bool:
        """What no key opens holds nobody back."""
        return row is None or any(hit(each).any() for path, hit in self.paths[name] for each in _values(row, path))


@dataclasses.dataclass(frozen=True)
class Closed:
    """Of rows of a quarantine whether they hold a JSON text in which nobody can tell who is named, or a column of
    another shape than its path leads into."""

    look: Look

    def __call__(self, rows: pa.StructArray) -> npt.NDArray[np.bool_]:
        return self.look.each(rows, self._is_unread)

    def _is_unread(self, name: str, row: pa.RecordBatch | None) -> bool:
        paths = [path for path, _ in self.look.paths[name]]
        return row is not None and any(
            _is_of_another_shape(row, path)
            or (
                path.is_in_json
                and any(within_texts.has_unread(each, [json_path(path)]) for each in _at(row, path.column))
            )
            for path in paths
        )


def _is_of_another_shape(row: pa.RecordBatch, path: ColumnPath) -> bool:
    """Whether the column was of another type when the row was read, and holds something."""
    if path.root not in row.schema.names:
        return False
    values = row.column(row.schema.names.index(path.root))
    for step in path.column.steps[1:]:
        kind = values.type
        if isinstance(step, Field) and pa.types.is_struct(kind) and kind.get_field_index(step.name) < 0:
            return False  # a field that is there since
        below = _walked(values, [step])
        if below is None:
            return bool(values.null_count < len(values))
        values = below
    return bool(pa.types.is_nested(values.type) and values.null_count < len(values))


def _values(row: pa.RecordBatch, path: ColumnPath) -> Iterator[pa.Array]:
    """What stands at a path of a row, if there is such a path in it; of JSON text also what stands in values of another
    shape, for which a row may have been refused."""
    for found in _at(row, path.column):
        looks = (within_texts.values, within_texts.elsewhere)
        yield from filter(len, [look(found, json_path(path)) for look in looks] if path.is_in_json else [found])


def _at(row: pa.RecordBatch, path: ColumnPath) -> Iterator[pa.Array]:
    if path.root in row.schema.names:
        found = _walked(row.column(row.schema.names.index(path.root)), path.steps[1:])
        if found is not None and len(found):
            yield found


def _walked(values: pa.Array, steps: Sequence[Step]) -> pa.Array | None:
    for step in steps:
        kind = values.type
        if isinstance(step, Field) and pa.types.is_struct(kind) and kind.get_field_index(step.name) >= 0:
            values = pc.struct_field(values, [step.name])
        elif isinstance(step, Element) and (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
            values = values.flatten()
        elif isinstance(step, MapKey | MapValue) and pa.types.is_map(kind):
            values = values.keys if isinstance(step, MapKey) else values.items
        else:
            return None
    return values


# -- which there are --------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class _Found:
    """One quarantine. own: tables whose entries name it. rows: table, key and version of the key of rows there."""

    address: Address
    own: set[str]
    rows: set[tuple[str, str, int]]


def places(
    spark: SparkSession, conf: Config, search: Search, hit: Callable[[SourcePlace], Hit]
) -> tuple[list[Place], list[Unsearched]]:
    """The quarantines of tables with a column of the domain; and what of them is not looked into. hit: what tells the
    asked by ids as a column of a source has them."""
    columns, found, gaps = _columns(search), list[Place](), list[Unsearched]()
    for each in _quarantines(spark, conf, columns, gaps):
        names = {name for name, *_ in each.rows}
        unknown = sorted(names - {*conf.tables})
        gaps += [Unsearched("", each.address.sql, UNKNOWN.format(shown(name))) for name in unknown]
        wanted = {name: columns[name] for name in sorted(each.own | names) if name in columns}
        keys = _keys(conf, each, wanted)
        if isinstance(keys, str) or search.asked.held_in is not None:
            against = NO_KEY.format(keys) if isinstance(keys, str) else BY_PSEUDONYMS
            gaps += [Unsearched(name, each.address.sql, against) for name in wanted]
            continue
        look = Look({name: [(one.path, hit(one)) for one in some] for name, some in wanted.items()}, keys)
        sought = Sought(ColumnPath((Field(SEALED),)), look, beside=BESIDE, closed=Closed(look))
        mixed = any(_may_be_of_others(conf, one) for some in wanted.values() for one in some)
        paths = {str(one.path.column) for some in wanted.values() for one in some}
        closed = CLOSED.format(", ".join(map(shown, sorted(paths))))
        name = f"quarantine of {', '.join(wanted)}"
        found.append(Place(name, each.address, (sought,), mixed=mixed, closed=closed))
    return found, gaps


def _may_be_of_others(conf: Config, place: SourcePlace) -> bool:
    """Whether a row may be somebody else's that names one of them there."""
    subject = conf.tables[place.table].subject
    return within_rows.has_list(place.path) or (subject is not None and place.path.leaf != subject)


def _columns(search: Search) -> dict[str, list[SourcePlace]]:
    """By table its columns of the domain in sources, by the catalog and by the record, each once."""
    found: dict[str, dict[str, SourcePlace]] = {}
    for place in search.held.sources:
        found.setdefault(place.table, {})[str(place.path)] = place
    for table in search.held.tables:
        for each in table.places:
            leaf = SourcePlace(each.table, each.path.leaf, each.technique)
            found.setdefault(each.table, {}).setdefault(str(leaf.path), leaf)
    return {table: list(some.values()) for table, some in found.items()}


def _quarantines(
    spark: SparkSession, conf: Config, tables: Collection[str], gaps: list[Unsearched]
) -> Iterable[_Found]:
    """Each once, by where it is."""
    found: dict[str, _Found] = {}
    for name in sorted(tables):
        stated = conf.tables[name].quarantine
        if stated is None:
            continue
        address = Address.of(stated)
        try:
            place = quarantine_table.inspected(spark, address)
        except SourceProblem as error:
            gaps.append(Unsearched(name, address.sql, str(error)))
            continue
        if place.id is None:
            continue
        if place.location not in found:
            rows = address.read(spark).select("table", "key", "key_id").distinct().collect()
            told = {(str(row["table"]), str(row["key"]), int(row["key_id"])) for row in rows}
            found[place.location] = _Found(address, set(), told)
        found[place.location].own.add(name)
    return found.values()


def _keys(conf: Config, found: _Found, wanted: Collection[str]) -> dict[tuple[str, int], KeyReference] | str:
    """What opens the rows of some tables; the name of a key that is not to be had."""
    there = {(key, key_id) for table, key, key_id in found.rows if table in wanted}
    stated = {entry.key for name in found.own if (entry := conf.tables[name].quarantine) is not None}
    references: dict[tuple[str, int], KeyReference] = {}
    for name in sorted(stated | {key for key, _ in there}):
        try:
            if name not in conf.keys:
                return name
            ring = KeyRing(conf, {name: load_keyset(conf.keys[name].keyset, conf.keys[name].kek, name)})
            references |= {(name, each.id): _reference(ring, name, each.id)
                           for each in ring.keysets[name].entries if each.status == "ENABLED"}  # fmt: skip
        except KeyProblem:
            return name
    return next((name for name, key_id in sorted(there) if (name, key_id) not in references), references)


def _reference(ring: KeyRing, name: str, key_id: int) -> KeyReference:
    return ring.reference_of(name, sealed_rows.technique("", ""), sealed_rows.DOMAIN, key_id)
