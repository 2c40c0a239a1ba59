"""For which columns of the target the least and greatest values are kept: of a file by Delta, of its parts by Parquet.

Readers skip files and parts by them. A column of pseudonyms gains nothing: they are as good as random, so every part
holds some from the whole range, while finding the least and greatest of text costs a good part of a plain copy's time,
and Delta would put values of the column into its log. So such columns have none, unless the table is clustered by them.
Nor have columns of JSON text that is treated by path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jobs.configuration.column_path import ColumnPath, Field
from jobs.lake.columns import dotted
from jobs.treatment.layout import COMPARABLE, INDEXED, STATISTICS, path_of
from jobs.treatment.treatment_plan import Decision, Plan

COLUMNS = STATISTICS
SET_BY_USER = (STATISTICS.lower(), INDEXED.lower())
MOST = 32  # leaf columns, as many as Delta takes when it is told nothing


def properties(plan: Plan) -> Mapping[str, str]:
    """The table property that leaves the pseudonyms out, and that takes in what the table is clustered by, wherever it
    stands; empty where neither asks for it, or where the catalog sets one."""
    target = plan.config.target
    if _set_by_user(plan) or not (_left_out(plan) or _late(plan)):
        return {}
    compared = [leaf for leaf in plan.leaves if _compared(leaf) and not _scattered(leaf)]
    chosen = [_name(leaf) for leaf in compared if leaf.path.root not in target.partition_by][:MOST]
    sorted_by = [name for name in map(dotted, target.cluster_by) if name not in chosen]
    return {COLUMNS: ",".join(chosen + sorted_by)}


def parquet_settings(plan: Plan) -> Mapping[str, str]:
    """The same for the parts of files, as settings of the session that writes. They go by name: where the table's
    column mapping gives the columns of its files other names, those keep their statistics."""
    return without(map(_plain, unmeasured(plan)))


def without(names: Iterable[str]) -> dict[str, str]:
    """The settings by which Parquet keeps no least and greatest values of columns, by their names in files."""
    return {f"parquet.{kind}.statistics.enabled#{name}": "false" for name in names for kind in ("column", "size")}


def unmeasured(plan: Plan) -> list[ColumnPath]:
    """The columns of which the parts of files have no least and greatest value."""
    sorted_by = plan.config.target.cluster_by
    return [path for path in _left_out(plan) if _plain(path) not in sorted_by]


def _left_out(plan: Plan) -> list[ColumnPath]:
    """The columns of pseudonyms; none where the catalog says itself what is to have statistics."""
    if _set_by_user(plan):
        return []
    return list(dict.fromkeys(leaf.path.column for leaf in plan.leaves if _scattered(leaf)))


def _set_by_user(plan: Plan) -> bool:
    return any(name.lower() in SET_BY_USER for name in plan.config.target.properties)


def _late(plan: Plan) -> bool:
    """Whether the table is clustered by a column behind the first ones, of which alone Delta has statistics untold."""
    outputs = {str(leaf.path): leaf.output for leaf in plan.leaves}
    first = [path for path, output in outputs.items() if output is not None][:MOST]
    return any(path_of(name, outputs) not in first for name in plan.config.target.cluster_by)


def _plain(path: ColumnPath) -> str:
    """As Parquet writes the path of a field."""
    return ".".join(step.name for step in path.steps if isinstance(step, Field))


def _scattered(leaf: Decision) -> bool:
    return leaf.path.is_in_json or any(case.treatment.technique.scatters for case in leaf.cases)


def _compared(leaf: Decision) -> bool:
    """Whether the leaf is in the target, in no array or map, and of a type that Delta compares."""
    return all(isinstance(step, Field) for step in leaf.path.steps) and isinstance(leaf.output, COMPARABLE)


def _name(leaf: Decision) -> str:
    return dotted(*(step.name for step in leaf.path.steps if isinstance(step, Field)))
