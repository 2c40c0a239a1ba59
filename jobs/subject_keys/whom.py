"""Whose keys: subjects by their raw ids, under every version of the key that rows may be under."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from jobs.configuration.config import Config
from jobs.configuration.documents import did_you_mean
from jobs.configuration.subject_keys_entry import SubjectKeysEntry
from jobs.console.exit_codes import BadUsage
from jobs.lake import subject_key_table
from jobs.lake.subject_key_table import KEY_ID, LOOKUP
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import Keyset, load_keyset
from privacy_udfs.techniques import BY_NAME
from privacy_udfs.techniques._by_subject import BySubject

WHOSE = "whose"
"""The number of a subject among those asked for."""


def entry_of(conf: Config, name: str) -> SubjectKeysEntry:
    """Where a named key keeps keys of subjects. Raises `BadUsage`."""
    if name not in conf.keys:
        raise BadUsage(f"keys.yaml has no key {name}{did_you_mean(name, conf.keys)}")
    entry = conf.keys[name].subject_keys
    if entry is None:
        raise BadUsage(f"keys.yaml does not say where the key {name} keeps keys of subjects: 'subject_keys'")
    return entry


def technique(conf: Config, name: str) -> BySubject:
    """By which subjects are looked up: normalized as the tables under the key have them."""
    rules = [rule.treatment for table in conf.tables.values() for rule in table.columns.values()]
    found = [each.technique for each in rules if each.key == name and each.technique.by_subject_keys()]
    for each in found:
        if isinstance(each, BySubject):
            return each
    first = next(cls for cls in BY_NAME.values() if issubclass(cls, BySubject))  # they are looked up alike
    return first.model_validate({"key_per": "subject", "subject_keys": entry_of(conf, name).id})


def lookups(spark: SparkSession, conf: Config, name: str, subjects: Sequence[str] | pa.Array) -> DataFrame:
    """By which rows of a key's table the keys of subjects are found, and `WHOSE` they are. subjects: their ids as text,
    as canonical bytes have them, or an array of them. Raises `KeyProblem` where rows may be theirs that nobody can look
    up: then nothing is destroyed."""
    entry, conf_key, looked_by = entry_of(conf, name), conf.keys[name], technique(conf, name)
    keyset = load_keyset(conf_key.keyset, conf_key.kek, name)
    _check_all_can_be_looked_up(spark, entry, name, keyset)
    asked = subjects if isinstance(subjects, pa.Array) else pa.array(subjects, pa.string())
    enabled = [each.id for each in keyset.entries if each.status == "ENABLED"]
    found = [looked_by.lookups(asked, keyset.subkey(looked_by, "any", each)) for each in enabled]
    columns = {LOOKUP: pa.concat_arrays([pa.array([], pa.binary()), *found])}
    columns[WHOSE] = pa.array([*range(len(subjects))] * len(found), pa.int64())
    return spark.createDataFrame(pa.table(columns).filter(columns[LOOKUP].is_valid()))


def with_a_key(spark: SparkSession, conf: Config, name: str, subjects: Sequence[str]) -> int:
    """Of how many subjects there is a key. Raises as `lookups`."""
    there = subject_key_table.looked(spark, entry_of(conf, name)).rows().select(LOOKUP)
    found = lookups(spark, conf, name, subjects).join(there, LOOKUP, "left_semi")
    return found.select(WHOSE).distinct().count()


def _check_all_can_be_looked_up(spark: SparkSession, entry: SubjectKeysEntry, name: str, keyset: Keyset) -> None:
    """Rows under a version that was destroyed open for nobody; under a disabled one they may open again."""
    ids = {int(row[0]) for row in subject_key_table.looked(spark, entry).rows().select(KEY_ID).distinct().collect()}
    off = sorted(each.id for each in keyset.entries if each.id in ids and each.status == "DISABLED")
    unknown = sorted(ids - {each.id for each in keyset.entries})
    if off or unknown:
        said = f"version {(off or unknown)[0]} of key {name} is {'disabled' if off else 'not in the keyset'}"
        raise KeyProblem(
            f"{said}, and keys of subjects are under it: enable it, or get it back, until they are destroyed"
        )
