"""Columns that can be turned back, from one version of their key to the one in force: in one step, array by array."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping

from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.record.column_record import ColumnRecord
from jobs.reversal import reversal_keys
from jobs.rotation import recorded
from jobs.rotation.in_place import Change, Changes
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import KeyReference, KeyReferences, Keyset
from privacy_udfs.reencryption import AFTER, BEFORE, Reencryption
from privacy_udfs.technique import Technique


@dataclasses.dataclass(frozen=True)
class Turn:
    """One column: how it was treated, and the keys before and after."""

    technique: Technique
    before: KeyReference
    after: KeyReference
    record: ColumnRecord


def why_not(path: ColumnPath, entry: ColumnRecord) -> str | None:
    """Why a column cannot be re-encrypted from the treated table; None where it can."""
    if (misplaced := recorded.misplaced(path)) is not None:
        return misplaced
    if not entry.facts.reversible:
        return f"{entry.technique} cannot be turned back"
    try:
        technique = recorded.technique(entry)
    except KeyProblem:
        return "its parameters stand in the record by their hash only"
    if technique.needs_subject or technique.beside():
        return f"{entry.technique} depends on other columns of the row"
    return recorded.unkeyed(entry)


def turn(conf: Config, path: ColumnPath, entry: ColumnRecord, keyset: Keyset) -> Turn:
    """From the version that the record names to the primary. Raises `KeyProblem` where the keyset is not the one that
    treated the column, or the version cannot be had any more."""
    technique = recorded.technique(entry)
    before = recorded.under_its_key(path, entry, recorded.reference(conf, entry, technique, keyset, entry.key_id))
    after = recorded.reference(conf, entry, technique, keyset, keyset.primary.id)
    record = dataclasses.replace(entry, key_id=after.key_id, key_check=after.check)
    return Turn(technique, before, after, record)


@contextlib.contextmanager
def delivered(spark: SparkSession, conf: Config, turns: Mapping[ColumnPath, Turn]) -> Iterator[Changes]:
    """What becomes of each column, with what stands for its keys, for as long as the run lasts. Raises `Refused` where
    the driver would send keys in the clear."""
    both = {(path, which): key for path, each in turns.items() for which, key in _keys(each).items()}
    named = {f"{which} {path}": key for (path, which), key in both.items()}
    with reversal_keys.delivered(spark, conf, named) as found:
        yield {
            path: Change(
                Reencryption(of=each.technique),
                KeyReferences({which: found[f"{which} {path}"] for which in (BEFORE, AFTER)}),  # type: ignore[misc]
                each.record,
            )
            for path, each in turns.items()
        }


def _keys(each: Turn) -> dict[str, KeyReference]:
    return {BEFORE: each.before, AFTER: each.after}
