"""Trees of keys of subjects, for values that are to be turned back: found, taken along, and asked before any is."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.lake import subject_key_table
from jobs.lake.columns import column
from jobs.lake.subject_key_table import Trees
from jobs.reversal.selection import Selection
from jobs.reversal.treated import Column
from jobs.subject_keys import trees
from privacy_udfs import nested, wording
from privacy_udfs.errors import ValueRefused
from privacy_udfs.keys import AnyReference
from privacy_udfs.nested import Node

FOUND = "found"


class Kept(NamedTuple):
    """The table of keys that a column is under. table: its id."""

    table: str
    trees: Trees


def of(spark: SparkSession, conf: Config, columns: Mapping[str, Column]) -> dict[str, Kept]:
    """By path the table of keys of each column that has one, as it is now. Raises `Refused`, `SourceProblem`."""
    found: dict[str, Kept] = {}
    known: dict[str, Kept] = {}
    for path, each in columns.items():
        if each.technique.by_subject_keys():
            name = str(each.record.key)
            known[name] = found[path] = known.get(name) or _kept(spark, conf, each)
    return found


def _kept(spark: SparkSession, conf: Config, each: Column) -> Kept:
    key = conf.keys.get(str(each.record.key))
    entry = None if key is None else key.subject_keys
    if entry is None:
        raise Refused(f"{each.path}: keys.yaml does not say where key {each.record.key} keeps keys of subjects")
    if entry.id != each.record.facts.subject_keys_in(each.record.parameters):
        raise Refused(f"{each.path}: it is under keys of another table than keys.yaml names for {each.record.key}")
    return Kept(entry.id, subject_key_table.held(spark, entry)[1])


@contextlib.contextmanager
def delivered(
    spark: SparkSession, keys: Mapping[str, AnyReference], kept: Mapping[str, Kept]
) -> Iterator[Mapping[str, AnyReference]]:
    """What stands for each key in the query, with its tree, for as long as the run lasts."""
    with trees.sender(spark) as send:
        yield {**keys, **{path: send(keys[path], *each) for path, each in kept.items()}}


def check_none_destroyed(rows: DataFrame, selection: Selection, kept: Mapping[str, Kept]) -> None:
    """Raise `Refused` where the key of any value's subject was destroyed, so that no approval is used up in vain.
    selection: one that asks and turns nothing back."""
    labels = {f"{selection.table}: {path}" for path in kept}
    roots = {field.name: node for field, node, _ in selection.trees(rows.schema)
             if any(leaf.label in labels for leaf in nested.leaves(node))}  # fmt: skip
    if not roots:
        return
    work = functools.partial(_destroyed, wording.mark(), list(roots.values()))
    asked = rows.select(*[column(name) for name in roots]).mapInArrow(work, f"{FOUND} string")
    told = sorted(str(row[0]) for row in asked.distinct().collect())
    if told:
        raise Refused("; ".join(told))


def _destroyed(mark: str, nodes: list[Node], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    with wording.marked_errors(mark):
        for batch in batches:
            for node, values in zip(nodes, batch.columns, strict=True):
                try:
                    nested.treat(node, values, None, {})
                except ValueRefused as error:
                    yield pa.record_batch([pa.array([str(error)])], [FOUND])
