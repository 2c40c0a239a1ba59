"""Whether a table that was moved holds nothing of an older version: by its record, its fields, the ids that stand in
its values, and a sample that is treated again. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.console.numbers import many
from jobs.lake.columns import column
from jobs.lake.record_names import ROTATION
from jobs.record.record_reader import all_of
from jobs.rotation import coverage, in_place, layered, layered_proof, reencrypted, vault_proof
from jobs.rotation.coverage import Looked
from jobs.rotation.reencrypted import Turn
from jobs.rotation.scope import Scope, Table
from jobs.spark_app import failures, session
from jobs.verification import as_read, recorded, retreated, shapes, standing
from jobs.verification.outcome import Check, judged
from jobs.verification.standing import Standing
from privacy_udfs.errors import LakenymError
from privacy_udfs.keys import key_check_value
from privacy_udfs.techniques import parse

SAMPLE = 100_000
RAW = "RAW"
"""The prefix of keys whose results do not say which version they are of."""
OF_RECORD = ("record", "fields")
ROWS = "rows anew"
OF_SOURCE = (ROWS, "counts")


def of(spark: SparkSession, conf: Config, scope: Scope, table: Table, from_source: bool) -> tuple[int, list[Check]]:
    """The version that was looked at, and what was found. from_source: whether the source is treated again too."""
    own = session.for_run(spark)

    def step() -> tuple[int, list[Check]]:
        stands = standing.found(own, conf, table.entry.target, table.name)
        return stands.state.version, list(_checks(conf, scope, stands, from_source))

    return failures.translated(table.name, step)


def _checks(conf: Config, scope: Scope, stands: Standing, from_source: bool) -> Iterator[Check]:
    yield judged(
        "versions", list(_versions(conf, scope, stands)), f"every column of key {scope.key} names version {scope.to}"
    )
    yield from (each for each in recorded.check(stands) if each.name in OF_RECORD)
    yield shapes.check(stands)
    looked = [
        _sample(conf, scope, stands),
        *layered_proof.check(conf, scope, stands, SAMPLE),
        *vault_proof.check(conf, scope, stands),
    ]
    yield from (each.check for each in looked)
    if from_source:
        for made in _anew(conf, stands):
            yield made
            looked += [coverage.anew(stands, made)] if made.name == ROWS else []
    yield coverage.check(scope, stands, looked)


def _versions(conf: Config, scope: Scope, stands: Standing) -> Iterator[str]:
    """Of the record: key ids, and check values as the keyset gives them."""
    if ROTATION in stands.properties:
        yield "it is still marked as one that waits to be moved"
    for path, entry in stands.columns.items():
        for each in entry.each:
            if each.key == scope.key and each.key_id != scope.to:
                yield f"{path} names version {each.key_id}"
        if not layered.are_as_stated(conf, stands.name, scope.key, {path: entry}):
            yield f"{path} has other layers of the key than its domain states by now"
    for each in all_of(stands.columns):
        if each.key == scope.key and each.key_id == scope.to and each.key_check is not None:
            try:
                technique = parse({**each.parameters, "technique": each.technique})
                check = key_check_value(scope.keyset.subkey(technique, str(each.domain), scope.to))
            except LakenymError:  # its long lists stand in the record by their hash
                continue
            if check != each.key_check:
                yield f"domain {each.domain}: the check value is another one than the keyset's"


def _sample(conf: Config, scope: Scope, stands: Standing) -> Looked:
    """That values of columns that can be turned back are turned back under the version in force."""
    turns: dict[ColumnPath, Turn] = {}
    unproven: list[str] = []
    for name, entry in stands.columns.items():
        path = ColumnPath.parse(name)
        if entry.key == scope.key and reencrypted.why_not(path, entry) is None:
            turns[path] = reencrypted.turn(conf, path, entry, scope.keyset)
            unproven += [] if turns[path].technique.authenticates else [name]
    proven = {path: each for path, each in turns.items() if str(path) not in unproven}
    more = "".join(f"; {name} authenticates nothing, so of it nobody can tell" for name in unproven)
    if not proven:
        return Looked(Check("sample", "not checked", f"no column of it is turned back by what proves its key{more}"))
    try:
        rows = _turned(conf, scope, stands, proven)
    except LakenymError as error:
        return Looked(judged("sample", [str(error)]))
    said = f"{many(len(proven), 'column')} of {rows} rows turned back under version {scope.to}{more}"
    return Looked(judged("sample", [], said), frozenset(map(str, proven)))


def _turned(conf: Config, scope: Scope, stands: Standing, turns: dict[ColumnPath, Turn]) -> int:
    """Of how many rows that was done: of all where no value says of which version it is, else of some from anywhere."""
    raw, count = scope.keyset.primary.output_prefix == RAW, stands.rows.count()
    with reencrypted.delivered(stands.spark, conf, turns) as changes:
        sample = stands.rows if raw or count <= SAMPLE else stands.rows.sample(SAMPLE / count)
        names = sorted({path.root for path in turns})
        made = in_place.columns(sample.select(*map(column, names)), stands.name, changes)
        counts = [F.count(column(name)) for name in names]
        found = failures.translated(stands.name, lambda: made.agg(F.count(F.lit(1)), *counts).collect()[0])
    return int(found[0])


def _anew(conf: Config, stands: Standing) -> Iterator[Check]:
    """The source treated again, as `jobs/verify.py` does."""
    try:
        raw = as_read.source_of(stands)
    except LakenymError as error:
        said = str(error).partition("\n")[0]
        yield from (Check(name, "not checked", said) for name in OF_SOURCE)
        return
    yield from (each for each in retreated.check(stands, raw, conf, SAMPLE) if each.name in OF_SOURCE)
