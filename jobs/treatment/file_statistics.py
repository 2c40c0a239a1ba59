"""For which columns of the target the least and greatest values are kept: of a file by Delta, of its parts by Parquet.

Readers skip files and parts by them. They are values of the table that stand beside its rows: in Delta's log and its
checksums for as long as these are kept, whoever is deleted from the table. So columns that identify people have none,
unless the catalog asks for them: a column by ``statistics: true``, the target by ``cluster_by`` (Delta clusters by
nothing else) or by Delta's own properties.

A column of pseudonyms gains nothing by them either: they are as good as random, so every part holds some from the whole
range, while finding the least and greatest of text costs a good part of a plain copy's time. Nor have columns of JSON
text any that is treated by path.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue
from jobs.configuration.kept_values import IDENTIFYING, INDEXED, STATISTICS, covers
from jobs.lake.columns import dotted
from jobs.treatment.layout import COMPARABLE, path_of, position
from jobs.treatment.treatment_plan import Decision, Plan

COLUMNS = STATISTICS
SET_BY_USER = (STATISTICS.lower(), INDEXED.lower())
MOST = 32  # leaf columns, as many as Delta takes when it is told nothing


def properties(plan: Plan) -> Mapping[str, str]:
    """The table property that names the columns that have statistics, and with them what the table is clustered by,
    wherever it stands; empty where Delta's own choice is the right one, or where the catalog makes it."""
    target = plan.config.target
    if _set_by_user(plan) or not (unmeasured(plan) or _late(plan)):
        return {}
    compared = [(leaf, path) for leaf in plan.leaves for path, given in below(leaf) if _compared(path, given)]
    kept = [(leaf, path) for leaf, path in compared if _is_kept(plan, leaf) and path.root not in target.partition_by]
    chosen = [path for _, path in kept[:MOST]] + [path for leaf, path in kept[MOST:] if _asks(leaf)]
    names = list(map(_name, chosen))
    sorted_by = [name for name in _clustering(plan) if name not in names]
    return {COLUMNS: ",".join(names + sorted_by)}


def unmeasured(plan: Plan) -> list[ColumnPath]:
    """The leaves, down to the innermost, of which the parts of files have no least and greatest value. A leaf within an
    array or a map counts too: Delta never measures it, Parquet does."""
    hidden = [leaf for leaf in plan.leaves if not (_is_kept(plan, leaf) or _clusters(plan, leaf))]
    return list(dict.fromkeys(path for leaf in hidden for path, _ in below(leaf)))


def scattered(plan: Plan) -> list[ColumnPath]:
    """Those of them whose values hardly repeat: pseudonyms, of which files have no dictionary either."""
    found = [leaf.path.column for leaf in plan.leaves if _scatters(leaf)]
    return [path for path in unmeasured(plan) if path in found]


def asked_for(plan: Plan) -> list[ColumnPath]:
    """The leaves that identify people, and that have statistics all the same."""
    hidden = {leaf.path for leaf in plan.leaves if not (_is_kept(plan, leaf) or _clusters(plan, leaf))}
    found = [leaf for leaf in plan.leaves if _identifies(leaf) and _is_there(leaf) and not _scatters(leaf)]
    return [leaf.path for leaf in found if leaf.path not in hidden and _measurable(leaf)]


def still_kept(plan: Plan, there: Mapping[str, str]) -> list[ColumnPath]:
    """The leaves of which Delta goes on keeping statistics in a table with these properties, although the catalog asks
    for none: as long as a run adds to the table, or changes rows of it, its properties stay."""
    stated, outputs = {name.lower(): value for name, value in there.items()}, _outputs(plan)
    hidden = {path.column for path in unmeasured(plan)}
    found = [leaf for leaf in plan.leaves if _identifies(leaf) and leaf.path in hidden and _measurable(leaf)]
    most = {INDEXED.lower(): str(MOST)}
    return [leaf.path for leaf in found if _is_stated(str(leaf.path), {**most, **stated}, outputs)]


def not_stated(schema: T.StructType, above: Collection[ColumnPath], there: Mapping[str, str]) -> list[ColumnPath]:
    """Of the columns of values at and below some paths of a table, those of which its properties do not name one to be
    measured."""
    listed = next((value for name, value in there.items() if name.lower() == STATISTICS.lower()), "").split(",")
    stems = [path.leaf.column.steps for path in above]
    found = (path for path, _ in innermost(ColumnPath(()), schema) if any(path.steps[: len(s)] == s for s in stems))
    return [path for path in found if not any(covers(each, str(path)) for each in listed if each.strip())]


# -- of one leaf ------------------------------------------------------------------------------------------------------


def _is_kept(plan: Plan, leaf: Decision) -> bool:
    """Whether it has statistics, but for what the table is clustered by."""
    if not _is_there(leaf):
        return True
    if _set_by_user(plan):
        stated = {name.lower(): value for name, value in plan.config.target.properties.items()}
        return not _identifies(leaf) or _is_stated(str(leaf.path.column), stated, _outputs(plan))
    asked = leaf.cases[0].rule.statistics
    if leaf.path.is_in_json or asked is None:
        return not (_scatters(leaf) or _identifies(leaf))
    return asked


def _asks(leaf: Decision) -> bool:
    return bool(leaf.cases[0].rule.statistics)


def _clusters(plan: Plan, leaf: Decision) -> bool:
    outputs = _outputs(plan)
    return str(leaf.path.column) in {path_of(name, outputs) for name in plan.config.target.cluster_by}


def _identifies(leaf: Decision) -> bool:
    return any(case.rule.class_ in IDENTIFYING for case in leaf.cases)


def _scatters(leaf: Decision) -> bool:
    return leaf.path.is_in_json or any(case.treatment.technique.scatters for case in leaf.cases)


def _is_there(leaf: Decision) -> bool:
    """Whether it is in the target. JSON text is, whatever is cut out of it."""
    return leaf.output is not None or leaf.path.is_in_json


def _measurable(leaf: Decision) -> bool:
    return any(_compared(path, given) for path, given in below(leaf))


def below(leaf: Decision) -> Iterator[tuple[ColumnPath, T.DataType]]:
    """The innermost columns of what becomes of a leaf that is decided as a whole; itself, where it is one value."""
    if leaf.output is not None or leaf.path.is_in_json:
        yield from innermost(leaf.path.column, leaf.output or T.StringType())


def innermost(path: ColumnPath, given: T.DataType) -> Iterator[tuple[ColumnPath, T.DataType]]:
    """The columns of values below a path, with their types."""
    if isinstance(given, T.StructType):
        for field in given.fields:
            yield from innermost(path.child(Field(field.name)), field.dataType)
    elif isinstance(given, T.ArrayType):
        yield from innermost(path.child(Element()), given.elementType)
    elif isinstance(given, T.MapType):
        yield from innermost(path.child(MapKey()), given.keyType)
        yield from innermost(path.child(MapValue()), given.valueType)
    else:
        yield path, given


def _compared(path: ColumnPath, given: T.DataType) -> bool:
    """Whether it is in no array or map, and of a type that Delta compares."""
    return all(isinstance(step, Field) for step in path.steps) and isinstance(given, COMPARABLE)


# -- of the table -----------------------------------------------------------------------------------------------------


def _set_by_user(plan: Plan) -> bool:
    return any(name.lower() in SET_BY_USER for name in plan.config.target.properties)


def _is_stated(path: str, stated: Mapping[str, str], outputs: Mapping[str, T.DataType | None]) -> bool:
    """Whether properties, by lower-case names, have Delta measure a leaf. A list of columns goes before a number."""
    if STATISTICS.lower() in stated:
        return any(covers(listed, path) for listed in stated[STATISTICS.lower()].split(",") if listed.strip())
    most = stated.get(INDEXED.lower(), "").strip()
    return not most.isdigit() or position(path, outputs) <= int(most)


def _late(plan: Plan) -> bool:
    """Whether the table is clustered by a column behind the first ones, of which alone Delta has statistics untold."""
    outputs = _outputs(plan)
    first = [path for path, output in outputs.items() if output is not None][:MOST]
    return any(path_of(name, outputs) not in first for name in plan.config.target.cluster_by)


def _clustering(plan: Plan) -> Iterator[str]:
    """What the table is clustered by, as the property takes it."""
    for name in plan.config.target.cluster_by:
        path = path_of(name, _outputs(plan))
        yield dotted(name) if path is None else _name(ColumnPath.parse(path))


def _outputs(plan: Plan) -> dict[str, T.DataType | None]:
    return {str(leaf.path): leaf.output for leaf in plan.leaves}


def _name(path: ColumnPath) -> str:
    return dotted(*(step.name for step in path.steps if isinstance(step, Field)))
