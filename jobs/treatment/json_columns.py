"""Columns of JSON text in a plan: each path into one is a leaf of its own, and the column stays text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.models import Treatment
from privacy_udfs.errors import TypeRefused
from privacy_udfs.json_text.literals import kinds_of

Leaves = Mapping[ColumnPath, T.DataType]


def expanded(
    leaves: Leaves, paths: Mapping[ColumnPath, Sequence[ColumnPath]]
) -> Iterator[tuple[ColumnPath, T.DataType]]:
    """The leaves of a schema, where a column is decided by paths into its text with these in its place."""
    for leaf, given in leaves.items():
        yield from ((path, given) for path in paths.get(leaf, (leaf,)))


def output(treatment: Treatment, given: T.DataType) -> T.DataType | None:
    """The type of the column with a path into it treated so; None where what the path leads to is cut out. Raises
    `TypeRefused`."""
    technique = treatment.technique
    if not isinstance(given, T.StringType):
        raise TypeRefused(
            f"paths lead into JSON text only, and the column is {given.simpleString()}: decide it as a whole, or have "
            "the source hold it as text (to_json)"
        )
    if technique.drops_column:
        return None
    if not (technique.keeps_values or technique.whole_subtree or kinds_of(technique)):
        raise TypeRefused(
            f"{technique.technique} takes, or gives, nothing that JSON holds: strings, integers, booleans"
        )
    return T.StringType()
