"""The survivor scan: no value of a direct identifier of the source is in any file of the table, however it is spelt.

Values never leave the tasks that read them: digests under a random key of the run are sent to those that look through
the table's files, in as many rounds as keep what is sent within bounds.
"""

from __future__ import annotations

import dataclasses
import functools
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.columnar import file_systems
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.models import TableConfig
from jobs.lake import file_places
from jobs.record.record_reader import Columns
from jobs.verification import chance, file_scan, json_values, needles, own_words
from jobs.verification.file_scan import Look
from jobs.verification.identifiers import identifiers
from jobs.verification.json_values import Decided
from privacy_udfs import wording
from privacy_udfs.technique import Technique

MOST_VALUES = 1 << 20
"""Values that are looked for in one round."""
Where: TypeAlias = tuple[str, str, str, str, int]
"""Place, path, spelling, extent, number of the column of the source."""


@dataclasses.dataclass(frozen=True)
class Survivor:
    """place: what kind of file, or a column. path: of the column. column: of the source. found: rows, or lines."""

    place: str
    path: str
    spelling: str
    extent: str
    column: str
    found: int


@dataclasses.dataclass(frozen=True)
class Excused:
    """Words of ours that are values too. kind: of the file. path: of the column. column: of the source. words: how many
    different ones. found: rows, or lines. A leak of such a value is no more than this."""

    kind: str
    path: str
    column: str
    words: int
    found: int


@dataclasses.dataclass(frozen=True)
class Scanned:
    """looked_for: columns of the source. left_out: those whose values are not looked for, and why. values: how many
    different ones were looked for. files: looked through. by_chance: pseudonyms that are values, as many as chance
    gives. excused: values that are words of ours. missing: files of the version that are not below the table's folder,
    so not looked through."""

    survivors: tuple[Survivor, ...]
    looked_for: tuple[str, ...]
    left_out: Mapping[str, str]
    values: int
    files: int
    by_chance: tuple[Survivor, ...] = ()
    excused: tuple[Excused, ...] = ()
    missing: int = 0


@dataclasses.dataclass(frozen=True)
class Treated:
    """The table to look through. current: the files of the version that is looked at. stored: its schema as its files
    have it."""

    location: str
    current: Sequence[str]
    stored: T.StructType
    properties: Mapping[str, str]
    columns: Columns


def scan(spark: SparkSession, source: DataFrame, conf: Config, entry: TableConfig, table: Treated) -> Scanned:
    """Look for the direct identifiers of the source in all files of the table."""
    wanted, left_out = identifiers(entry, source.schema)
    key = secrets.token_bytes(32)
    files = list(_files(spark, table))
    access = file_systems.access(spark, [table.location])
    found: Counter[Where] = Counter()
    different: Counter[Where] = Counter()
    values, lengths, real = 0, chance.Lengths(), chance.looking_real(entry)
    in_json = json_values.decided(list(entry.decisions), wanted)
    digested = _digested(source, wanted, in_json, key) if wanted else None
    try:
        for part in _rounds(digested) if digested is not None else ():
            values += part.num_rows
            chance.note(lengths, part)
            for place, rows, many in _round(spark, conf, entry, table, wanted, key, part, files, access):
                found[place] += rows
                different[place] += many
    finally:
        if digested is not None:
            digested.unpersist()
    times = _times(files)
    excused = _excused(found, different, wanted)
    survivors: list[Survivor] = []
    by_chance: list[Survivor] = []
    for place, number in sorted(found.items()):
        of, path = lengths[place[4]], place[1]
        results = lengths.get(wanted.index(path), Counter()) if path in wanted else of  # of others nobody counted
        results = Counter({size: many * times.get(place[0], 1) for size, many in results.items()})
        within = place[3] == file_scan.WITHIN
        few = path in real and different[place] and different[place] <= chance.most(of, results, real[path], within)
        (by_chance if few else survivors).append(Survivor(*place[:4], wanted[place[4]], number))
    left_out |= {path: "no value in the source" for at, path in enumerate(wanted) if at not in lengths}
    looked_for = tuple(path for path in wanted if path not in left_out)
    there = {form for uri, *_ in files for form in (file_places.LOCAL.sub("file:/", uri), file_places.of_row(uri))}
    missing = len(set(map(file_places.of_row, table.current)) - there)
    return Scanned(tuple(survivors), looked_for, left_out, values, len(files), tuple(by_chance), excused, missing)


def _times(files: Sequence[tuple[str, str, str]]) -> dict[str, int]:
    """Of older versions and change files how many times as many they are as those of the version; under other keys each
    of them has other pseudonyms."""
    kinds = Counter(kind for *_, kind in files)
    return {kind: -(-many // max(kinds[file_scan.ROWS], 1)) for kind, many in kinds.items()}


def _excused(found: Counter[Where], different: Counter[Where], wanted: Sequence[str]) -> tuple[Excused, ...]:
    """Taken out of what was found."""
    rows: Counter[tuple[str, str, str]] = Counter()
    words: Counter[tuple[str, str, str]] = Counter()
    for place in [place for place in found if place[3] == file_scan.EXCUSED]:
        where = (place[0], place[1], wanted[place[4]])
        rows[where] += found.pop(place)
        words[where] = max(words[where], different[place])
    return tuple(Excused(*where, words[where], number) for where, number in sorted(rows.items()))


def _files(spark: SparkSession, table: Treated) -> Iterator[tuple[str, str, str]]:
    access = file_systems.access(spark, [table.location])
    current = set(map(file_places.of_row, table.current))
    for uri in access.below(table.location):
        name = uri.removeprefix(table.location).lstrip("/")
        yield uri, name, file_scan.kind_of(name, file_places.LOCAL.sub("file:/", uri) in current)


def _digested(source: DataFrame, wanted: Sequence[str], in_json: Mapping[str, Decided], key: bytes) -> DataFrame:
    """The digests of all values that are looked for, kept on executors' disks for the rounds."""
    roots = list(dict.fromkeys(ColumnPath.parse(path).root for path in wanted))
    numbered = source.toDF(*(f"c{at}" for at in range(len(source.columns))))
    chosen = numbered.select(*(f"c{source.columns.index(root)}" for root in roots))
    numbers = {path: at for at, path in enumerate(wanted)}
    make = functools.partial(needles.digests, key=key, names=tuple(roots), wanted=numbers, in_json=in_json)
    distinct = chosen.mapInArrow(make, needles.DDL).dropDuplicates(["column", "full", "length", "exact"])
    return distinct.persist(StorageLevel.DISK_ONLY)


def _rounds(digested: DataFrame) -> Iterator[pa.Table]:
    rounds = max(1, -(-digested.count() // MOST_VALUES))
    for nth in range(rounds):
        chosen = digested if rounds == 1 else digested.where(F.pmod("full", F.lit(rounds)) == nth)
        part = chosen.toArrow()
        if part.num_rows:
            yield part


def _round(
    spark: SparkSession,
    conf: Config,
    entry: TableConfig,
    table: Treated,
    wanted: Sequence[str],
    key: bytes,
    part: pa.Table,
    files: Sequence[tuple[str, str, str]],
    access: file_systems.Access,
) -> Iterator[tuple[Where, int, int]]:
    """What one round found: where, in how many rows or lines, and how many different values, where that is told."""
    content = needles.packed(part)
    known = needles.Needles(part)
    sent = spark.sparkContext.broadcast(content)
    look = Look(
        key,
        functools.partial(_value_of, sent),
        access,
        wanted,
        _tokens(entry, table.columns),
        own_words.names_in_files(table.stored),
        {path: file_scan.words(words, known, key) for path, words in own_words.by_column(entry).items()},
        file_scan.words(
            own_words.vocabulary(conf, entry, own_words.Told(table.location, table.stored, table.properties)),
            known,
            key,
        ),
        wording.mark(),
        frozenset(chance.looking_real(entry)),
    )
    try:
        rows = spark.createDataFrame(list(files), "uri string, name string, kind string")
        spread = rows.repartition(max(1, min(len(files), 2 * spark.sparkContext.defaultParallelism)))
        each = spread.mapInArrow(functools.partial(file_scan.scan, look=look), file_scan.DDL)
        value = F.when(F.col("value") != file_scan.ANY, F.col("value"))
        places = each.groupBy("place", "path", "spelling", "extent", "column")
        found = places.agg(F.sum("found").alias("found"), F.count_distinct(value).alias("different")).collect()
    finally:
        sent.destroy()
    for row in found:
        yield (row["place"], row["path"], row["spelling"], row["extent"], row["column"]), row["found"], row["different"]


def _value_of(sent: object) -> bytes:
    return bytes(sent.value)  # type: ignore[attr-defined]


def _tokens(entry: TableConfig, columns: Columns) -> dict[str, list[tuple[Technique, int | None]]]:
    found: dict[str, list[tuple[Technique, int | None]]] = {}
    for path, cases in entry.decisions.items():
        for case, rule in cases.named.items():
            if rule.treatment.technique.unrecognizable and not rule.treatment.technique.one_result:
                recorded = columns.get(str(case))
                key_id = None if recorded is None else recorded.key_id
                found.setdefault(path, []).append((rule.treatment.technique, key_id))
    return found
