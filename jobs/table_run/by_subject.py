"""Keys of subjects for a run: each table of keys read once, its tree taken along with the keys of the columns under it.

The first run under a version of the named key makes the tree of that version, in a commit of the table of keys; a run
that fails afterwards leaves a tree under which nothing stands yet, which the next run takes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Any

from jobs.configuration.column_path import ColumnPath
from jobs.gates import subject_keys
from jobs.gates.known import Prepared
from jobs.lake import closed_table, subject_key_table
from jobs.lake.session_settings import held
from jobs.lake.subject_key_table import SAID, KeyTable, Trees
from jobs.subject_keys import trees
from privacy_udfs.keys import AnyReference, Key, KeyReference
from privacy_udfs.subject_keys import Part, SubjectKeys

Keys = Mapping[ColumnPath, AnyReference]


@contextlib.contextmanager
def sent(prepared: Prepared, keys: Keys) -> Iterator[tuple[Prepared, Keys]]:
    """The run, which says at which versions it read tables of keys, and its keys with their trees, for as long as it
    lasts. Raises as `subject_key_table.rooted`."""
    own = {case.path: str(case.treatment.key) for case in prepared.plan.cases
           if case.treatment.technique.by_subject_keys()}  # fmt: skip
    if not own:
        yield prepared, keys
        return
    with trees.sender(prepared.spark) as send:
        found, said = dict(keys), dict[str, Any](prepared.vaults)
        for name, entry in subject_keys.tables(prepared).items():
            paths = [path for path, key in own.items() if key == name]
            table, nodes = _rooted(prepared, paths[0])
            said[SAID.format(name)] = table.said
            found |= {path: send(keys[path], entry.id, nodes) for path in paths}
        yield dataclasses.replace(prepared, vaults=said), found


def _rooted(prepared: Prepared, path: ColumnPath) -> tuple[KeyTable, Trees]:
    reference = prepared.keys.references(prepared.plan)[path]
    assert isinstance(reference, KeyReference), "such a column has one key"
    entry, key = prepared.conf.keys[reference.name].subject_keys, prepared.keys.subkey(reference)
    assert entry is not None, "a key without such a table is refused when the configuration is read"
    with held(prepared.spark, closed_table.UNSHUFFLED):
        made = functools.partial(_tree, key, entry.id)
        return subject_key_table.rooted(prepared.spark, entry, key.id, made)


def _tree(key: Key, table: str) -> list[Part]:
    keys = SubjectKeys(key.material, table)
    return keys.wrapped(keys.root())
