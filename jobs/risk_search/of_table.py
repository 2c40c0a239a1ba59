"""A table of the catalog searched: its quasi-identifiers by class as the source has them, its sensitive columns as a
run shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.models import ColumnDecision, TableConfig
from jobs.lake import read
from jobs.lake.columns import column
from jobs.risk_search import class_table, ladders, search, stated
from jobs.risk_search.class_table import ClassTable, NotForSearch
from jobs.risk_search.ladders import Ladder
from jobs.risk_search.search import Found
from jobs.risk_search.wish import Wish
from jobs.treatment import predicates, risk_columns
from privacy_udfs import udf

MANY = (T.StructType, T.ArrayType, T.MapType)


def rows_of(spark: SparkSession, entry: TableConfig) -> DataFrame:
    """The source's rows that a run would treat, with their sensitive columns as it would show them."""
    rows = predicates.minimized(read.rows_of(spark, entry.source), entry).rows
    made = {}
    for name in of_class(rows, entry, "sensitive"):
        decision, kind = entry.decisions[str(ColumnPath((Field(name),)))], rows.schema[name].dataType
        if _is_told(decision) and not decision.cases[0].treatment.technique.keeps_values:
            treatment = decision.cases[0].treatment
            if any(each.key is not None for each in treatment.each):  # equal values stay equal, and have no order
                made[name] = column(name).cast("string")
            else:
                made[name] = udf.arrow(treatment.technique, None, kind)(column(name))
    return rows.select(*(made.get(name, column(name)).alias(name) for name in rows.columns))


def _is_told(decision: ColumnDecision) -> bool:
    """Whether it can be said without a key what a column shows of each value, or which values it shows as equal."""
    technique = decision.cases[0].treatment.technique
    rests_on_row = len(decision.cases) > 1 or technique.needs_subject or bool(technique.beside())
    return technique.deterministic and not rests_on_row


def suggested(
    rows: DataFrame,
    entry: TableConfig,
    conf_dir: Path,
    wish: Mapping[str, Any],
    by_column: Mapping[str, str],
    measure: str,
) -> Found:
    """The least generalization of the source's rows. rows: as `rows_of`. wish: ``k``, ``l``, ``t`` and ``suppressed``;
    l and t hold for every sensitive column. by_column: ladders as a person states them, those of other columns go by
    type; of sensitive columns, which they do not treat, they are what distances go by, else what their entry's
    hierarchy has above what they show. Raises `NotForSearch`, and what `class_table.count` and `search.search` do."""
    quasi, sensitive = (of_class(rows, entry, name) for name in ("quasi_identifier", "sensitive"))
    if not quasi:
        raise NotForSearch("no column at the top of the table is a quasi_identifier: there is nothing to search")
    unknown = sorted(set(by_column) - {*quasi, *sensitive})
    if unknown:
        known = f"these are: {', '.join((*quasi, *sensitive))}"
        raise NotForSearch(f"--ladder: neither quasi-identifiers nor sensitive: {', '.join(unknown)}; {known}")
    subject = subject_of(entry, [*quasi, *sensitive])
    table = class_table.count(rows, quasi, sensitive, subject, _trees(entry, sensitive, by_column, conf_dir))
    chosen = {
        each.name: stated.ladder(by_column[each.name], conf_dir)
        if each.name in by_column
        else ladders.by_type(each.values)
        for each in table.quasi
    }
    return search.search(table, chosen, _wish(table, wish), measure)


def _trees(
    entry: TableConfig, sensitive: Sequence[str], by_column: Mapping[str, str], conf_dir: Path
) -> Mapping[str, Ladder]:
    found = {}
    for name in sensitive:
        levels = risk_columns.above(entry.decisions[str(ColumnPath((Field(name),)))])
        if name in by_column:
            found[name] = stated.ladder(by_column[name], conf_dir)
        elif levels:
            found[name] = ladders.tree(tuple(map(tuple, levels)))
    return found


def subject_of(entry: TableConfig, others: Sequence[str]) -> str | None:
    """The column at the top that tells people apart. others: columns of a class, which it cannot be too."""
    subject = _name(entry.subject)
    return None if subject in others else subject


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
    names = [each.name for each in table.sensitive]
    raw = [name for name in names if not _is_told(entry.decisions[str(ColumnPath((Field(name),)))])]
    if names:
        yield "l and t are of the values of sensitive columns as a run shows them, by rows"
    if raw:
        yield f"but of these as the source has them, since rows are treated differently, or at random: {', '.join(raw)}"


def _wish(table: ClassTable, wish: Mapping[str, Any]) -> Wish:
    names = [each.name for each in table.sensitive]
    of_each = {name: dict.fromkeys(names, wish[name]) for name in ("l", "t") if wish.get(name) is not None}
    return Wish(k=wish["k"], suppressed=wish["suppressed"], **of_each)


def of_class(rows: DataFrame, entry: TableConfig, name: str) -> list[str]:
    """Columns at the top that hold one value each, of a class in each of their cases, and of which a sensitive one
    shows something."""
    plain = {field.name for field in rows.schema.fields if not isinstance(field.dataType, MANY)}
    by_path = {_name(ColumnPath.parse(path)): decision for path, decision in entry.decisions.items()}
    found = [each for each, decision in by_path.items() if each in plain and decision.cases[0].class_ == name]
    return [each for each in found if name != "sensitive" or _shows_something(by_path[each])]


def _shows_something(decision: ColumnDecision) -> bool:
    techniques = [rule.treatment.technique for rule in decision.cases]
    return not all(technique.drops_column or technique.gives_null() for technique in techniques)


def _name(path: ColumnPath | None) -> str | None:
    """A column's name, where a path leads to one at the top."""
    step = path.steps[0] if path is not None and len(path.steps) == 1 else None
    return step.name if isinstance(step, Field) else None
