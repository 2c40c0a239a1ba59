"""Subjects that have no key yet get one: once each, in one commit of the table, however many runs meet them at once."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from jobs.configuration.subject_keys_entry import SubjectKeysEntry
from jobs.lake import closed_table, subject_key_table
from jobs.lake.closed_table import Still, as_ever
from jobs.lake.subject_key_table import CREATED, HANDLE, KEY_ID, LOOKUP, SCHEMA, WRAPPED, KeyTable
from jobs.spark_app import session
from privacy_udfs import wording
from privacy_udfs.keys import KeyReference
from privacy_udfs.keysets.delivered_key import DeliveredKey
from privacy_udfs.subject_keys import SubjectKeys
from privacy_udfs.technique import Technique, narrow, plain
from privacy_udfs.techniques._by_subject import BySubject

AnyKey = KeyReference | DeliveredKey
_TIME = pa.timestamp("us", "UTC")


def filled(
    spark: SparkSession,
    entry: SubjectKeysEntry,
    technique: Technique,
    key: AnyKey,
    subjects: DataFrame,
    still: Still = as_ever,
) -> KeyTable:
    """The table in which every subject has a key. subjects: a frame of one column. still: as of `closed_table.added`.
    Raises `CommitConflict`, `SourceProblem`."""
    found = lookups(technique, key, subjects)

    def missing(table: KeyTable) -> DataFrame:
        lacking = found.join(table.rows().select(LOOKUP), LOOKUP, "left_anti").dropDuplicates([LOOKUP])
        return lacking.mapInArrow(functools.partial(_made, wording.mark(), key, table.moment), SCHEMA)

    with session.settings(spark, closed_table.UNSHUFFLED):
        return subject_key_table.add(spark, entry, missing, still)


def lookups(technique: Technique, key: AnyKey, subjects: DataFrame) -> DataFrame:
    """By which rows subjects are found, many times each: no clear one goes from task to task."""
    return subjects.mapInArrow(functools.partial(_looked_up, wording.mark(), technique, key), f"{LOOKUP} binary")


def _looked_up(
    mark: str, technique: Technique, key: AnyKey, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    assert isinstance(technique, BySubject), "no other technique has keys of subjects"
    with wording.marked_errors(mark):
        own = key.resolve()
        for batch in batches:
            found = technique.lookups(narrow(plain(batch.column(0))).unique(), own)
            yield pa.record_batch([found.drop_null()], [LOOKUP])


def _made(mark: str, key: AnyKey, created: object, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    with wording.marked_errors(mark):
        own = key.resolve()
        keys = SubjectKeys(own.material)
        for batch in batches:
            found = narrow(plain(batch.column(0)))
            made, many = keys.made(found), len(found)
            columns = {LOOKUP: found, HANDLE: made.handle, WRAPPED: made.wrapped}
            columns |= {CREATED: pa.array([created] * many, _TIME), KEY_ID: pa.array([own.id] * many, pa.int64())}
            yield pa.record_batch([columns[name] for name in SCHEMA.names], SCHEMA.names)
