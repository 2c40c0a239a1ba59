"""Columns whose values nobody has any more, from the layers of their key that they have to those of domains.yaml.

What is there is put under the further ones, array by array; nothing is turned back and no source is read.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection, Iterator, Mapping

from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.lake.record_names import CONFIG, POLICY, PROFILES, SOFTWARE
from jobs.policy.profiles import judged
from jobs.policy.treatment_diff import entries_of
from jobs.record import treatment_record
from jobs.record.column_record import ColumnRecord
from jobs.record.record_reader import Columns, columns_of, made_for_of, mondrian_of, rows_of, suppress_of
from jobs.reversal import reversal_keys
from jobs.rotation import recorded
from jobs.rotation.in_place import Change, Changes
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import KeyReference, Keyset
from privacy_udfs.layering import FurtherLayers
from privacy_udfs.technique import Technique
from privacy_udfs.techniques import parse


@dataclasses.dataclass(frozen=True)
class Turn:
    """One column. technique: with all layers. done: how many of them it has. before: the keys of these; after: the keys
    of all."""

    technique: Technique
    done: int
    before: KeyReference
    after: KeyReference
    record: ColumnRecord


def stated(conf: Config, table: str, path: str) -> tuple[int, ...]:
    """The layers that the configuration says a column is to have."""
    decided = entries_of(conf, table).get(path)
    return () if decided is None else decided.layers


def are_as_stated(conf: Config, table: str, key: str, columns: Columns) -> bool:
    """Whether a table's columns of a key, those within texts too, have the layers that the configuration says. Of what
    it does not know any more nothing is asked but that it has none."""
    decided = entries_of(conf, table)
    return all(
        _layers_of(entry, key) == (_layers_of(decided[path], key) if path in decided else {})
        for path, entry in columns.items()
    )


def _layers_of(entry: ColumnRecord, key: str) -> dict[str, tuple[int, ...]]:
    """Domain -> layers, of those that have some."""
    return {str(each.domain): each.layers for each in entry.each if each.key == key and each.layers}


def due(conf: Config, table: str, path: ColumnPath, entry: ColumnRecord) -> tuple[int, ...]:
    """The layers that the configuration says a column is to have; empty where it says none, or the column has them."""
    layers = stated(conf, table, str(path))
    return () if layers == entry.layers else layers


def why_not(conf: Config, table: str, path: ColumnPath, entry: ColumnRecord) -> str | None:
    """Why a column cannot get further layers from the treated table; None where it can, and is to."""
    if (misplaced := recorded.misplaced(path)) is not None:
        return misplaced
    decided = entries_of(conf, table).get(str(path))
    if decided is None or not decided.layers:
        return "domains.yaml states no layers for it"
    if (unkeyed := recorded.unkeyed(entry)) is not None:
        return unkeyed
    known = entry.key_ids
    if decided.layers[: len(known)] != known:
        told = [" then ".join(map(str, each)) for each in (known, decided.layers)]
        return f"it has version {told[0]} of its key, and the layers of its domain, {told[1]}, do not go on from that"
    if decided.layers == known:
        return "it has all layers"
    other = _other_than(decided, entry)
    return f"record and configuration differ in more than the layers ({', '.join(other)})" if other else None


def _other_than(decided: ColumnRecord, entry: ColumnRecord, without: Collection[str] = ("layers",)) -> list[str]:
    of_run = ("parameters", "key_id", "key_check", "keys", "keyset")
    names = [name.rstrip("_") for name in decided.differing(entry) if name not in of_run]
    one = {name: treatment_record.short(value) for name, value in decided.parameters.items()}
    two = entry.parameters
    return [*names, *(name for name in sorted({*one, *two} - {*without}) if one.get(name) != two.get(name))]


def turn(conf: Config, table: str, path: ColumnPath, entry: ColumnRecord, keyset: Keyset) -> Turn:
    """What the column gets. Raises `KeyProblem` where the keyset is not the one that treated it, a layer cannot be had
    any more, or the last layer is not the version in force."""
    layers, name, domain = due(conf, table, path, entry), str(entry.key), str(entry.domain)
    standing = recorded.reference(conf, entry, recorded.technique(entry), keyset, entry.key_id)
    before = recorded.under_its_key(path, entry, standing)
    if layers[-1] != keyset.primary.id:
        raise KeyProblem(
            f"key {name}: the layers of domain {domain} end with version {layers[-1]}, and version {keyset.primary.id} "
            "is in force: promote the last layer, or add the version in force to the layers"
        )
    parameters = {**entry.parameters, "layers": [*map(str, layers)]}
    technique = parse({**parameters, "technique": entry.technique})
    after = recorded.reference(conf, entry, technique, keyset, layers[-1])
    record = dataclasses.replace(entry, parameters=parameters, key_id=after.key_id, key_check=after.check)
    return Turn(technique, len(entry.key_ids), before, after, record)


def of_the_rest(conf: Config, table: str, standing: Mapping[str, str], moved: Collection[ColumnPath]) -> str | None:
    """Why a table is not what its configuration decides, but for the columns that are moved; None where it is. What it
    says of its configuration is to be true once they are. standing: its properties."""
    decided, recorded, but = entries_of(conf, table), columns_of(standing), {str(path) for path in moved}
    for path in sorted({*decided, *recorded} - but):
        one, other = decided.get(path), recorded.get(path)
        if one is None or other is None:
            return f"only {'the record' if one is None else 'the configuration'} has {path}"
        differing = _other_than(one, other, without=())
        if differing:
            return f"record and configuration differ in {path} ({', '.join(differing)})"
    entry = conf.tables[table]
    boxes = None if entry.mondrian is None else entry.mondrian.as_record()
    least = None if entry.suppress is None else entry.suppress.k
    made_for = None if entry.made_for is None else (entry.made_for.kind, entry.made_for.name)
    if made_for_of(standing) != made_for:
        return "it was made for another recipient or purpose, or for none that it says (made_for)"
    same = (rows_of(standing), suppress_of(standing), mondrian_of(standing)) == (entry.rows, least, boxes)
    return None if same else "other rows would be read or kept out by now (rows, suppress, mondrian)"


def properties(conf: Config, table: str, snapshot: str) -> dict[str, str | None]:
    """What a table says of the configuration by which it is moved. snapshot: its hash, as a run states it."""
    profiles = judged.recorded(conf.policy, table)
    stated = {CONFIG: snapshot, POLICY: conf.policy.version, SOFTWARE: treatment_record.software()}
    return {**stated, PROFILES: profiles or None}


@contextlib.contextmanager
def delivered(spark: SparkSession, conf: Config, turns: Mapping[ColumnPath, Turn]) -> Iterator[Changes]:
    """What becomes of each column, with what stands for its keys, for as long as the run lasts. Raises `Refused` where
    the driver would send keys in the clear."""
    with reversal_keys.delivered(spark, conf, {str(path): each.after for path, each in turns.items()}) as found:
        yield {
            path: Change(FurtherLayers(of=each.technique, done=each.done), found[str(path)], each.record)
            for path, each in turns.items()
        }
