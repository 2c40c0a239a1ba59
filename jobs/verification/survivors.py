"""The survivor scan: no value of a direct identifier of the source is in any file of the table, however it is spelt.

Values never leave the tasks that read them: digests under a random key of the run are sent to those that look through
the table's files, in as many rounds as keep what is sent within bounds.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.columnar import file_systems
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config, snapshot
from jobs.configuration.models import TableConfig
from jobs.lake import file_places
from jobs.lake.column_mapping import name_in_files
from jobs.record.record_reader import Columns
from jobs.verification import file_scan, needles
from jobs.verification.file_scan import AS_IT_IS, ROWS, Found, Look
from privacy_udfs import wording
from privacy_udfs.technique import Technique

MOST_VALUES = 1 << 20
"""Values that are looked for in one round."""
DELTA_WORDS = ("apache", "spark", "delta", "lake", "parquet", "write", "replace", "table", "create", "append", "engine")


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
class Scanned:
    """looked_for: columns of the source. left_out: those whose values are not looked for, and why. values: how many
    different ones were looked for. files: looked through."""

    survivors: tuple[Survivor, ...]
    looked_for: tuple[str, ...]
    left_out: Mapping[str, str]
    values: int
    files: int


@dataclasses.dataclass(frozen=True)
class Treated:
    """The table to look through. current: the files of the version that is looked at. stored: its schema as its files
    have it."""

    location: str
    current: Sequence[str]
    stored: T.StructType
    properties: Mapping[str, str]
    columns: Columns


def identifiers(entry: TableConfig) -> tuple[tuple[str, ...], dict[str, str]]:
    """The columns of the source whose values must not survive; and the others of their class, and why."""
    wanted: list[str] = []
    left_out: dict[str, str] = {}
    for path, cases in entry.decisions.items():
        rules = list(cases.named.values())
        if all(rule.class_ != "direct_identifier" for rule in rules):
            continue
        techniques = [rule.treatment.technique for rule in rules]
        if any(each.keeps_values for each in techniques):
            left_out[path] = "it is kept, by decision"
        elif any(each.treats_within for each in techniques):
            left_out[path] = "only what is recognized within it is treated"
        elif ColumnPath.parse(path).is_in_json:
            left_out[path] = "it stands within JSON text"
        else:
            wanted.append(path)
    return tuple(wanted), left_out


def scan(spark: SparkSession, source: DataFrame, conf: Config, entry: TableConfig, table: Treated) -> Scanned:
    """Look for the direct identifiers of the source in all files of the table."""
    wanted, left_out = identifiers(entry)
    key = secrets.token_bytes(32)
    files = list(_files(spark, table))
    access = file_systems.access(spark, [table.location])
    found: Found = Counter()
    values, letters = 0, dict[int, tuple[int, int]]()
    digested = _digested(source, wanted, key) if wanted else None
    try:
        for part in _rounds(digested) if digested is not None else ():
            values += part.num_rows
            _note_letters(letters, part)
            found += _round(spark, conf, entry, table, wanted, key, part, files, access)
    finally:
        if digested is not None:
            digested.unpersist()
    survivors = [Survivor(*place[:4], wanted[place[4]], number) for place, number in sorted(found.items())]
    kept = [each for each in survivors if not _by_chance(each, entry, letters.get(wanted.index(each.column)))]
    return Scanned(tuple(kept), wanted, left_out, values, len(files))


def _files(spark: SparkSession, table: Treated) -> Iterator[tuple[str, str, str]]:
    access = file_systems.access(spark, [table.location])
    current = set(map(file_places.of_row, table.current))
    for uri in access.below(table.location):
        name = uri.removeprefix(table.location).lstrip("/")
        yield uri, name, file_scan.kind_of(name, file_places.LOCAL.sub("file:/", uri) in current)


def _digested(source: DataFrame, wanted: Sequence[str], key: bytes) -> DataFrame:
    """The digests of all values that are looked for, kept on executors' disks for the rounds."""
    roots = list(dict.fromkeys(ColumnPath.parse(path).root for path in wanted))
    numbered = source.toDF(*(f"c{at}" for at in range(len(source.columns))))
    chosen = numbered.select(*(f"c{source.columns.index(root)}" for root in roots))
    numbers = {path: at for at, path in enumerate(wanted)}
    make = functools.partial(needles.digests, key=key, names=tuple(roots), wanted=numbers)
    distinct = chosen.mapInArrow(make, needles.DDL).dropDuplicates(["column", "full", "length"])
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
) -> Found:
    content = needles.packed(part)
    known = needles.Needles(part)
    sent = spark.sparkContext.broadcast(content)
    look = Look(
        key,
        functools.partial(_value_of, sent),
        access,
        wanted,
        _tokens(entry, table.columns),
        _names(table.stored),
        file_scan.words(_own_words(entry), known, key),
        file_scan.words(_vocabulary(conf, entry, table), known, key),
        wording.mark(),
    )
    try:
        rows = spark.createDataFrame(list(files), "uri string, name string, kind string")
        spread = rows.repartition(max(1, min(len(files), 2 * spark.sparkContext.defaultParallelism)))
        found = spread.mapInArrow(functools.partial(file_scan.scan, look=look), file_scan.DDL).collect()
    finally:
        sent.destroy()
    total: Found = Counter()
    for row in found:
        total[row["place"], row["path"], row["spelling"], row["extent"], row["column"]] += row["found"]
    return total


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


def _names(stored: T.DataType) -> dict[str, str]:
    """What fields are called in files -> in the table, where that differs."""
    found: dict[str, str] = {}
    if isinstance(stored, T.StructType):
        for field in stored.fields:
            if name_in_files(field) != field.name:
                found[name_in_files(field)] = field.name
            found |= _names(field.dataType)
    elif isinstance(stored, T.ArrayType):
        found |= _names(stored.elementType)
    elif isinstance(stored, T.MapType):
        found |= _names(stored.keyType) | _names(stored.valueType)
    return found


def _own_words(entry: TableConfig) -> list[str]:
    """Texts that treatments put into results."""
    each = (part.technique for rule in entry.columns.values() for part in (rule.treatment, *rule.treatment.parts))
    return [word for technique in each for word in technique.own_words()]


def _vocabulary(conf: Config, entry: TableConfig, table: Treated) -> list[str]:
    """What is written of a table beside its rows: names, parameters, places."""
    said = [snapshot(conf, entry.name), table.stored.json(), table.location, *table.properties, *DELTA_WORDS]
    return [*said, *table.properties.values(), *(json.dumps(rule.why) for rule in entry.columns.values())]


def _note_letters(letters: dict[int, tuple[int, int]], part: pa.Table) -> None:
    """Of each column of the source how many values there are, and how few letters and digits one has."""
    column, count = part["column"].to_numpy(), part["letters"].to_numpy()
    for number in np.unique(column):
        many, few = letters.get(int(number), (0, 1 << 30))
        of_it = count[column == number]
        letters[int(number)] = (many + len(of_it), min(few, int(of_it.min())))


def _by_chance(each: Survivor, entry: TableConfig, said: tuple[int, int] | None) -> bool:
    """Whether results that look like values may be so many of them by chance."""
    cases = entry.decisions.get(each.path)
    techniques = [] if cases is None else [rule.treatment.technique for rule in cases.named.values()]
    looks_real = any(one.scatters and not one.unrecognizable for one in techniques)
    if said is None or not looks_real or (each.place, each.spelling) != (ROWS, AS_IT_IS):
        return False
    values, least = said
    expected = values * values / 10.0**least
    return expected > 0.001 and each.found <= 3 + 3 * expected
