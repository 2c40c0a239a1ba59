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

import dataclasses
from collections.abc import Collection, Iterator, Mapping

from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue
from jobs.configuration.kept_values import IDENTIFYING, INDEXED, STATISTICS, covers
from jobs.lake.columns import dotted
from jobs.treatment.layout import COMPARABLE, path_of, positions
from jobs.treatment.treatment_plan import Decision, Plan

COLUMNS = STATISTICS
SET_BY_USER = (STATISTICS.lower(), INDEXED.lower())
MOST = 32  # leaf columns, as many as Delta takes when it is told nothing


def properties(plan: Plan) -> Mapping[str, str]:
    """The table property that names the columns that have statistics, and with them what the table is clustered by,
    wherever it stands; empty where Delta's own choice is the right one, or where the catalog makes it."""
    asked, target = _Asked.of(plan), plan.config.target
    if asked.by_properties or not (unmeasured(plan) or _late(plan)):
        return {}
    kept = [
        (leaf, path)
        for leaf in plan.leaves
        if asked.has(leaf)
        for path, given in below(leaf)
        if _compared(path, given) and path.root not in target.partition_by
    ]
    chosen = [path for _, path in kept[:MOST]] + [path for leaf, path in kept[MOST:] if leaf.cases[0].rule.statistics]
    names = dict.fromkeys(map(_name, chosen))
    return {COLUMNS: ",".join(dict.fromkeys([*names, *_clustering(plan)]))}


def unmeasured(plan: Plan) -> list[ColumnPath]:
    """The leaves, down to the innermost, of which the parts of files have no least and greatest value. A leaf within an
    array or a map counts too: Delta never measures it, Parquet does."""
    hidden = _Asked.of(plan).hidden(plan)
    return list(dict.fromkeys(path for leaf in hidden for path, _ in below(leaf)))


def scattered(plan: Plan) -> list[ColumnPath]:
    """Those of them whose values hardly repeat: pseudonyms, of which files have no dictionary either."""
    hidden = [leaf for leaf in _Asked.of(plan).hidden(plan) if _scatters(leaf)]
    return list(dict.fromkeys(path for leaf in hidden for path, _ in below(leaf)))


def asked_for(plan: Plan) -> list[ColumnPath]:
    """The leaves that identify people, and that have statistics all the same."""
    asked = _Asked.of(plan)
    found = [leaf for leaf in plan.leaves if _identifies(leaf) and _is_measurable(plan, leaf)]
    return [leaf.path for leaf in found if asked.has(leaf) or asked.clusters(leaf)]


def still_kept(plan: Plan, there: Mapping[str, str]) -> list[ColumnPath]:
    """The leaves of which Delta goes on keeping statistics in a table with these properties, although the catalog asks
    for none: as long as a run adds to the table, or changes rows of it, its properties stay."""
    stated = _Asked.of(plan, {INDEXED: str(MOST), **there})
    found = [leaf for leaf in _Asked.of(plan).hidden(plan) if _identifies(leaf) and _is_measurable(plan, leaf)]
    return [leaf.path for leaf in found if stated.states(leaf)]


def not_stated(schema: T.StructType, above: Collection[ColumnPath], there: Mapping[str, str]) -> list[ColumnPath]:
    """Of the columns of values at and below some paths of a table, those of which its properties do not name one to be
    measured."""
    listed = next((value for name, value in there.items() if name.lower() == STATISTICS.lower()), "").split(",")
    stems = [path.leaf.column.steps for path in above]
    found = (path for path, _ in innermost(ColumnPath(()), schema) if any(path.steps[: len(s)] == s for s in stems))
    return [path for path in found if not any(covers(each, str(path)) for each in listed if each.strip())]


# -- what is asked for ------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Asked:
    """stated: the properties of a table, by lower-case names. numbers: of leaves, as Delta counts them. sorted_by: the
    leaves that the table is clustered by. All of them by the texts of their paths."""

    stated: Mapping[str, str]
    numbers: Mapping[str, int]
    sorted_by: Collection[str | None]

    @classmethod
    def of(cls, plan: Plan, properties: Mapping[str, str] | None = None) -> _Asked:
        """properties: of a table that is there; None: those that the catalog states."""
        outputs, target = _outputs(plan), plan.config.target
        given = target.properties if properties is None else properties
        sorted_by = {path_of(name, outputs) for name in target.cluster_by}
        return cls({name.lower(): value for name, value in given.items()}, positions(outputs), sorted_by)

    @property
    def by_properties(self) -> bool:
        return any(name in self.stated for name in SET_BY_USER)

    def hidden(self, plan: Plan) -> list[Decision]:
        """The leaves that are in the target and have none."""
        return [leaf for leaf in plan.leaves if _is_there(leaf) and not (self.has(leaf) or self.clusters(leaf))]

    def has(self, leaf: Decision) -> bool:
        """Whether a leaf has statistics, but for what the table is clustered by."""
        wish = leaf.cases[0].rule.statistics
        if self.by_properties:
            return not _identifies(leaf) or self.states(leaf)
        if leaf.path.is_in_json or wish is None:
            return not (_scatters(leaf) or _identifies(leaf))
        return wish

    def clusters(self, leaf: Decision) -> bool:
        return str(leaf.path.column) in self.sorted_by

    def states(self, leaf: Decision) -> bool:
        """Whether the properties have Delta measure a leaf. A list of columns goes before a number."""
        path = str(leaf.path.column)
        if STATISTICS.lower() in self.stated:
            return any(covers(listed, path) for listed in self.stated[STATISTICS.lower()].split(",") if listed.strip())
        most = self.stated.get(INDEXED.lower(), "").strip()
        return not most.isdigit() or self.numbers.get(str(leaf.path), 0) <= int(most)


# -- of one leaf ------------------------------------------------------------------------------------------------------


def _identifies(leaf: Decision) -> bool:
    return any(case.rule.class_ in IDENTIFYING for case in leaf.cases)


def _scatters(leaf: Decision) -> bool:
    return leaf.path.is_in_json or any(case.treatment.technique.scatters for case in leaf.cases)


def _is_there(leaf: Decision) -> bool:
    """Whether it is in the target. JSON text is, whatever is cut out of it."""
    return leaf.output is not None or leaf.path.is_in_json


def _is_measurable(plan: Plan, leaf: Decision) -> bool:
    """Whether Delta would measure it; of a column in folders it does not, nor are texts of JSON told apart."""
    if leaf.path.is_in_json or leaf.path.root in plan.config.target.partition_by:
        return False
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
