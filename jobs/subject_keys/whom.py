"""Whose keys: subjects by their raw ids, under every version of the key that values may be under."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.configuration.documents import did_you_mean
from jobs.configuration.subject_keys_entry import SubjectKeysEntry
from jobs.console.exit_codes import BadUsage
from jobs.lake import subject_key_table
from jobs.lake.subject_key_table import Trees
from privacy_udfs.errors import KeyProblem
from privacy_udfs.kernels.arrays import Bytes
from privacy_udfs.keys import Keyset, load_keyset
from privacy_udfs.subject_keys import SubjectKeys, TreeKey
from privacy_udfs.technique import narrow, plain
from privacy_udfs.techniques._by_subject import BySubject

OF_NO_TABLE = (
    "no table of the catalog has columns under the key {}, so nobody knows how its subjects were told apart (the steps "
    "of their own column), and the keys of others would be destroyed: put the entry of a table under it back into the "
    "catalog as it was, destroy, and take it out again"
)


def entry_of(conf: Config, name: str) -> SubjectKeysEntry:
    """Where a named key keeps keys of subjects. Raises `BadUsage`."""
    if name not in conf.keys:
        raise BadUsage(f"keys.yaml has no key {name}{did_you_mean(name, conf.keys)}")
    entry = conf.keys[name].subject_keys
    if entry is None:
        raise BadUsage(f"keys.yaml does not say where the key {name} keeps keys of subjects: 'subject_keys'")
    return entry


def technique(conf: Config, name: str) -> BySubject:
    """By which subjects are told apart: normalized as the tables under the key have them. Raises `BadUsage` where none
    says it: other steps lead to other leaves, and whoever is meant would keep the key."""
    rules = [rule.treatment for table in conf.tables.values() for rule in table.columns.values()]
    found = [each.technique for each in rules if each.key == name and each.technique.by_subject_keys()]
    for each in found:
        if isinstance(each, BySubject):
            return each
    raise BadUsage(OF_NO_TABLE.format(name))


@dataclasses.dataclass(frozen=True)
class Leaves:
    """The leaves of some subjects in the trees of a table. name: of the key. enabled: by version of it, which are
    theirs, a row for each subject, and what they are computed with. off, known: versions that are disabled, and all
    that are in the keyset."""

    name: str
    enabled: Mapping[int, tuple[SubjectKeys, Bytes]] = dataclasses.field(repr=False)
    off: frozenset[int]
    known: frozenset[int]

    def punctured(self, trees: Trees) -> tuple[Trees, int]:
        """The trees without them, and how many of them were there. A version under which nothing was sealed yet gets
        its tree now, so that a later run has no key for them either. Raises `KeyProblem`."""
        self.check_all_can_be_found(trees)
        found, done = dict(trees), 0
        for key_id, (keys, indexes) in self.enabled.items():
            nodes = keys.unwrapped(trees[key_id]) if key_id in trees else keys.root()
            if nodes is None:
                raise KeyProblem(
                    f"key {self.name}: the table of keys does not open under version {key_id}: the table, or the key, "
                    "is not what it was"
                )
            nodes, gone = keys.punctured(nodes, indexes)
            done += gone
            if gone:
                found[key_id] = keys.wrapped(nodes)
        return found, done

    def alive(self, trees: Trees) -> tuple[int, int]:
        """How many of the leaves are there, and of how many subjects any."""
        self.check_all_can_be_found(trees)
        leaves, subjects = 0, np.zeros(len(self), np.bool_)
        for key_id, (keys, indexes) in self.enabled.items():
            nodes = keys.unwrapped(trees[key_id]) if key_id in trees else keys.root()
            if nodes is None:
                raise KeyProblem(f"key {self.name}: the table of keys does not open under version {key_id}")
            there = keys.secrets(nodes, indexes)[1]
            leaves, subjects = leaves + int(there.sum()), subjects | there
        return leaves, int(subjects.sum())

    def __len__(self) -> int:
        """How many subjects they are of."""
        return max((len(indexes) for _, indexes in self.enabled.values()), default=0)

    def check_all_can_be_found(self, trees: Trees) -> None:
        """A tree under a version that was destroyed opens for nobody; one under a disabled version may open again.
        Raises `KeyProblem`."""
        off, unknown = sorted(trees.keys() & self.off), sorted(trees.keys() - self.known)
        if off or unknown:
            said = f"version {(off or unknown)[0]} of key {self.name} is {'disabled' if off else 'not in the keyset'}"
            raise KeyProblem(
                f"{said}, and keys of subjects are under it: enable it, or get it back, until they are destroyed"
            )


def leaves(conf: Config, name: str, subjects: Sequence[str] | pa.Array) -> Leaves:
    """Which leaves are those of subjects. subjects: their ids as text, as canonical bytes have them, or an array of
    them; null and empty ones are nobody. Raises `KeyProblem`."""
    entry, key, looked_by = entry_of(conf, name), conf.keys[name], technique(conf, name)
    keyset = load_keyset(key.keyset, key.kek, name)
    asked = narrow(plain(subjects if isinstance(subjects, pa.Array) else pa.array(subjects, pa.string())))
    some = asked.filter(asked.is_valid()).unique()
    enabled = {each.id: _of_version(keyset, looked_by, entry.id, each.id, some)
               for each in keyset.entries if each.status == "ENABLED"}  # fmt: skip
    off = frozenset(each.id for each in keyset.entries if each.status == "DISABLED")
    return Leaves(name, _each_once(enabled), off, frozenset(each.id for each in keyset.entries))


def _of_version(
    keyset: Keyset, looked_by: BySubject, table: str, key_id: int, subjects: pa.Array
) -> tuple[SubjectKeys, Bytes]:
    key = keyset.subkey(looked_by, "any", key_id)
    found = looked_by.indexes(subjects, TreeKey(key.material, key.id, tree=table))
    return SubjectKeys(key.material, table), found.indexes


def _each_once(enabled: Mapping[int, tuple[SubjectKeys, Bytes]]) -> Mapping[int, tuple[SubjectKeys, Bytes]]:
    """What the steps make equal is one subject, at the same place under each version."""
    for _, indexes in enabled.values():
        at = np.unique(indexes, axis=0, return_index=True)[1]
        return {key_id: (keys, each[at]) for key_id, (keys, each) in enabled.items()}
    return enabled


def alive(spark: SparkSession, conf: Config, name: str, subjects: Sequence[str] | pa.Array) -> tuple[int, int]:
    """Of how many subjects, of how many that are told apart, the key is there. Raises `KeyProblem`."""
    found = leaves(conf, name, subjects)
    return found.alive(subject_key_table.held(spark, entry_of(conf, name))[1])[1], len(found)
