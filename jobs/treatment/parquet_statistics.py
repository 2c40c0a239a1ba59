"""Settings of a session that keep the least and greatest values of columns out of the Parquet files that Spark writes:
out of their footers and indexes, and out of Bloom filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey
from jobs.lake.column_mapping import MODE

DEFAULT_MODE = f"spark.databricks.delta.properties.defaults.{MODE.removeprefix('delta.')}"
KINDS = ("parquet.column.statistics.enabled", "parquet.size.statistics.enabled", "parquet.bloom.filter.enabled")


def without(paths: Iterable[ColumnPath], mapped: bool) -> Mapping[str, str]:
    """The settings for some leaves, down to the innermost. mapped: the table's column mapping gives the columns of its
    files names that nobody knows beforehand: then no column has any, where one is to have none. Nor has any where the
    name of such a one has a dot, by which Parquet would read the name as a path."""
    hidden = list(paths)
    if mapped or any(map(_has_dot, hidden)):
        return dict.fromkeys(KINDS, "false") if hidden else {}
    return {f"{kind}#{name}": "false" for name in dict.fromkeys(map(_name, hidden)) for kind in KINDS}


def is_mapped(*properties: Mapping[str, str]) -> bool:
    """Whether one of these, of a table or of a session, has columns mapped."""
    modes = (each.get(name) for each in properties for name in each if name.lower() == MODE.lower())
    return any(mode is not None and mode.lower() != "none" for mode in modes)


def _has_dot(path: ColumnPath) -> bool:
    return any(isinstance(step, Field) and "." in step.name for step in path.column.steps)


def _name(path: ColumnPath) -> str:
    """As Parquet writes the path of a column of values, with the steps that Spark puts between."""
    return ".".join(_step(step) for step in path.column.steps)


def _step(step: object) -> str:
    if isinstance(step, Field):
        return step.name
    if isinstance(step, Element):
        return "list.element"
    return f"key_value.{'key' if isinstance(step, MapKey) else 'value'}"
