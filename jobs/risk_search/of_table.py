"""A table of the catalog searched: its quasi-identifiers by class, its rows as the source has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.models import TableConfig
from jobs.lake import read
from jobs.risk_search import class_table, ladders, search, stated
from jobs.risk_search.class_table import ClassTable, NotForSearch
from jobs.risk_search.search import Found
from jobs.risk_search.wish import Wish
from jobs.treatment import predicates

MANY = (T.StructType, T.ArrayType, T.MapType)


def suggested(
    spark: SparkSession,
    entry: TableConfig,
    conf_dir: Path,
    wish: Mapping[str, Any],
    by_column: Mapping[str, str],
    measure: str,
) -> Found:
    """The least generalization of the source's rows. wish: ``k``, ``l``, ``t`` and ``suppressed``; l and t hold for
    every sensitive column. by_column: ladders as a person states them, those of other columns go by type. Raises
    `NotForSearch`, and what `class_table.count` and `search.search` do."""
    rows = predicates.minimized(read.rows_of(spark, entry.source), entry).rows
    quasi, sensitive = (_of_class(rows, entry, name) for name in ("quasi_identifier", "sensitive"))
    if not quasi:
        raise NotForSearch("no column at the top of the table is a quasi_identifier: there is nothing to search")
    unknown = sorted(set(by_column) - set(quasi))
    if unknown:
        raise NotForSearch(f"--ladder: no quasi-identifiers: {', '.join(unknown)}; these are: {', '.join(quasi)}")
    subject = _name(entry.subject)
    table = class_table.count(rows, quasi, sensitive, subject if subject not in {*quasi, *sensitive} else None)
    chosen = {
        each.name: stated.ladder(by_column[each.name], conf_dir)
        if each.name in by_column
        else ladders.by_type(each.values)
        for each in table.quasi
    }
    return search.search(table, chosen, _wish(table, wish), measure)


def left_out(entry: TableConfig) -> Iterator[str]:
    """Quasi-identifiers within others, which no search is made of."""
    for path, decision in entry.decisions.items():
        if decision.cases[0].class_ == "quasi_identifier" and _name(ColumnPath.parse(path)) is None:
            yield path


def told(entry: TableConfig, found: Found) -> Iterator[str]:
    """What the search did not look at, for whoever reads its lines."""
    inner = [*left_out(entry)]
    if inner:
        yield f"not searched, since they lie within others: {', '.join(inner)}"
    table = found.space.table
    if entry.subject is not None and not table.has_subject:
        yield f"rows are counted, not people: {entry.subject} is no column at the top, or is itself of a class"
    elif table.has_subject and table.rows > table.base.pairs[-1].values:
        yield "people have several rows: each is counted in the class of each; by all of somebody's rows together"
        yield "k may be less: measure the treated table by jobs/risk.py"
    if table.sensitive:
        yield "l and t are of sensitive values as the source has them, by rows; t is the distance from all rows, also"
        yield "from those that 'suppress' would leave out"


def _wish(table: ClassTable, wish: Mapping[str, Any]) -> Wish:
    names = [each.name for each in table.sensitive]
    of_each = {name: dict.fromkeys(names, wish[name]) for name in ("l", "t") if wish.get(name) is not None}
    return Wish(k=wish["k"], suppressed=wish["suppressed"], **of_each)


def _of_class(rows: DataFrame, entry: TableConfig, name: str) -> list[str]:
    """Columns at the top that hold one value each, of a class in each of their cases."""
    plain = {
        field.name
        for field in rows.schema.fields
        if not isinstance(field.dataType, T.StructType | T.ArrayType | T.MapType)
    }
    by_path = {_name(ColumnPath.parse(path)): decision for path, decision in entry.decisions.items()}
    return [each for each, decision in by_path.items() if each in plain and decision.cases[0].class_ == name]


def _name(path: ColumnPath | None) -> str | None:
    """A column's name, where a path leads to one at the top."""
    step = path.steps[0] if path is not None and len(path.steps) == 1 else None
    return step.name if isinstance(step, Field) else None
