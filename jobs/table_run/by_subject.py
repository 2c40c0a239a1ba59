"""Spark's path for columns under keys of subjects: whoever has no key gets one, rows are treated, keys are joined.

As with tokens (`jobs.table_run.tokens`): first each subject of the run that has no key gets one, in a commit of the
table of keys; then columns become what carries their values, sealed; last, keys stand beside them, and give tokens.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath
from jobs.gates.known import Prepared
from jobs.lake.bare_types import bare
from jobs.lake.columns import column
from jobs.lake.subject_key_table import KeyTable
from jobs.subject_keys import exchange, filling
from jobs.subject_keys.filling import AnyKey
from jobs.table_run import kept_out
from jobs.table_run.selection import Selection
from jobs.treatment.treatment_plan import Case, Plan


@dataclasses.dataclass(frozen=True)
class Sealed:
    """A column under keys of subjects."""

    case: Case
    key: AnyKey
    output: T.DataType

    @property
    def name(self) -> str:
        """Of the named key, to which the table of keys belongs."""
        return str(self.case.treatment.key)

    @property
    def value(self) -> Column:
        return column(*self.case.path.names)


def columns(selection: Selection) -> list[Sealed]:
    found = [leaf for leaf in selection.plan.leaves if leaf.cases[0].treatment.technique.by_subject_keys()]
    return [
        Sealed(leaf.cases[0], selection.keys[leaf.cases[0].path], bare(leaf.output))  # type: ignore[arg-type]
        for leaf in found
        if leaf.output is not None
    ]


def filled(prepared: Prepared, selection: Selection) -> dict[str, KeyTable]:
    """By named key the table in which each subject of the run has a key. Raises as `filling.filled`."""
    return {name: _filled(prepared, name, of_one) for name, of_one in _by_key(columns(selection)).items()}


def _filled(prepared: Prepared, name: str, sealed: Sequence[Sealed]) -> KeyTable:
    entry, subject = prepared.conf.keys[name].subject_keys, prepared.entry.subject
    assert entry is not None, "a key without such a table is refused when the configuration is read"
    assert subject is not None, "a table without a subject is refused when the configuration is read"
    some = functools.reduce(Column.__or__, [each.value.isNotNull() for each in sealed])
    whose = prepared.source.rows.where(some).select(column(*subject.names))
    one = sealed[0]
    return filling.filled(prepared.spark, entry, one.case.treatment.technique, one.key, whose, kept_out.still(prepared))


def carrying(plan: Plan) -> Plan:
    """The plan by which these columns become what carries their values."""
    leaves = tuple(
        dataclasses.replace(leaf, output=T.BinaryType())
        if leaf.cases[0].treatment.technique.by_subject_keys()
        else leaf
        for leaf in plan.leaves
    )
    return dataclasses.replace(plan, leaves=leaves)


def joined(rows: DataFrame, sealed: Sequence[Sealed], tables: Mapping[str, KeyTable]) -> DataFrame:
    """The rows with the keys of their subjects: one join for each table of keys."""
    for at, (name, of_one) in enumerate(_by_key(sealed).items()):
        rows = exchange.by_subject(rows, [each.value for each in of_one], tables[name], f"subject_{at}")
    return rows


def exchanged(table: str, sealed: Sequence[Sealed]) -> Iterator[tuple[ColumnPath, Column]]:
    """What becomes of each column once keys are beside it."""
    for at, of_one in enumerate(_by_key(sealed).values()):
        for each in of_one:
            technique, label = each.case.treatment.technique, f"{table}: {each.case.path}"
            made = exchange.redeemed(label, technique, each.key, str(each.case.domain), each.output)
            yield each.case.path, made(each.value, column(exchange.held(f"subject_{at}")))


def _by_key(sealed: Sequence[Sealed]) -> dict[str, list[Sealed]]:
    found: dict[str, list[Sealed]] = {}
    for each in sealed:
        found.setdefault(each.name, []).append(each)
    return found
