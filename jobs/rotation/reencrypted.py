"""Columns that can be turned back, from one version of their key to the one in force: in one step, array by array."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping

from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue
from jobs.configuration.config import Config
from jobs.record.column_record import ColumnRecord
from jobs.reversal import reversal_keys
from jobs.rotation.in_place import Change, Changes
from privacy_udfs.errors import KeyProblem, LakenymError
from privacy_udfs.keys import KeyReference, KeyReferences, Keyset, key_check_value
from privacy_udfs.reencryption import AFTER, BEFORE, Reencryption
from privacy_udfs.technique import Technique
from privacy_udfs.techniques import parse

PLACES = (Field, Element, MapKey, MapValue)


@dataclasses.dataclass(frozen=True)
class Turn:
    """One column: how it was treated, and the keys before and after."""

    technique: Technique
    before: KeyReference
    after: KeyReference
    record: ColumnRecord


def why_not(path: ColumnPath, entry: ColumnRecord) -> str | None:
    """Why a column cannot be re-encrypted from the treated table; None where it can."""
    if not all(isinstance(step, PLACES) for step in path.steps):
        return "rows are treated by cases" if not path.is_in_json else "it stands within JSON text"
    if not entry.facts.reversible:
        return f"{entry.technique} cannot be turned back"
    try:
        technique = _technique(entry)
    except LakenymError:
        return "its parameters stand in the record by their hash only"
    if technique.needs_subject or technique.beside():
        return f"{entry.technique} depends on other columns of the row"
    if entry.key is None or entry.key_id is None or entry.domain is None or entry.key_check is None:
        return "the record does not say by which version of which key it was treated"
    return None


def turn(conf: Config, path: ColumnPath, entry: ColumnRecord, keyset: Keyset) -> Turn:
    """From the version that the record names to the primary. Raises `KeyProblem` where the keyset is not the one that
    treated the column, or the version cannot be had any more."""
    technique, name = _technique(entry), str(entry.key)
    before = _reference(conf, entry, technique, keyset, entry.key_id)
    if before.check != entry.key_check:
        raise KeyProblem(f"key {name} (id {entry.key_id}) is not the key that {path} was treated with")
    after = _reference(conf, entry, technique, keyset, keyset.primary.id)
    return Turn(technique, before, after, dataclasses.replace(entry, key_id=after.key_id, key_check=after.check))


def _technique(entry: ColumnRecord) -> Technique:
    return parse({**entry.parameters, "technique": entry.technique})


def _reference(
    conf: Config, entry: ColumnRecord, technique: Technique, keyset: Keyset, key_id: int | None
) -> KeyReference:
    name, domain = str(entry.key), str(entry.domain)
    place, key = conf.keys[name], keyset.subkey(technique, domain, key_id)
    return KeyReference(name, place.keyset, place.kek, key.id, technique, domain, key_check_value(key))


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
