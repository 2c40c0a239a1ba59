"""Where a table holds subjects whom the list of the erased may keep out: its columns of the domains.

What goes is what an erasure takes out of the target (`jobs.erasure.sought`): the row, by a column of its own; where the
entry says whose a row is (``subject``), by that one alone, and in other columns the value becomes null; of arrays and
maps the innermost element or entry; so it is within JSON text too. Where a value may not become null, since the row
hangs on it, the row goes. Predicates of ``when`` that ask such a value are answered before it becomes null (`held`).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterable, Iterator

from pyspark.sql import SparkSession
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_type

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.models import TableConfig
from jobs.lake import shapes, within_rows
from jobs.treatment import predicates
from jobs.treatment.treatment_plan import Decision, Plan
from privacy_udfs import kept_out
from privacy_udfs.scope_labels import domain_of

Asked = Callable[[], Collection[str]]


@dataclasses.dataclass(frozen=True)
class Watched:
    """A column of one domain, or of several, by cases of its ``when``. cases: of each its domain, None for none, and
    the predicate of its rows, None for all others. unfit: why the erased cannot be left out by it, None where they
    can. is_of_others: whether the row stays, being another subject's, and the value becomes null. is_whole: whether
    the row goes though another column says whose it is, since it hangs on the value."""

    path: ColumnPath
    cases: tuple[tuple[str | None, str | None], ...]
    unfit: str | None = None
    is_of_others: bool = False
    is_whole: bool = False

    @property
    def domains(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(domain for domain, _ in self.cases if domain is not None))

    @property
    def has_list(self) -> bool:
        """Whether elements or entries of it are taken out."""
        return within_rows.has_list(self.path)

    @property
    def is_part(self) -> bool:
        """Whether the row stays, and a part of it goes."""
        return self.has_list or self.is_of_others


@dataclasses.dataclass(frozen=True)
class Out:
    """What a run leaves out. rows: of the erased. parts: values, elements and entries in rows of others."""

    rows: int = 0
    parts: int = 0


def of(spark: SparkSession, plan: Plan, domains: Collection[str]) -> list[Watched]:
    """domains: by the names of domains.yaml. No row is read."""
    asked = functools.cache(lambda: _asked(spark, plan))
    return list(_of(plan, domains, asked))


def _of(plan: Plan, domains: Collection[str], asked: Asked) -> Iterator[Watched]:
    for leaf in plan.leaves:
        cases = tuple((_named(case.domain, domains), case.rule.rows) for case in leaf.cases)
        if any(domain is not None for domain, _ in cases):
            others, hangs = _names_others(plan, leaf), _hangs_on(plan, leaf.path)
            yield Watched(leaf.path, cases, _unfit(plan, leaf, asked), others and not hangs, others and hangs)


def held(spark: SparkSession, plan: Plan, watched: Iterable[Watched]) -> tuple[str, ...]:
    """The predicates of ``when`` that ask a value that may become null: each row is treated by what they say of it as
    the source has it, so that it is treated as before the erasure."""
    roots = {each.path.root.lower() for each in watched if each.is_of_others}
    return tuple(sorted(text for text, names in (_named_by(spark, plan) if roots else {}).items() if roots & names))


def _named_by(spark: SparkSession, plan: Plan) -> dict[str, frozenset[str]]:
    """Of each predicate of ``when`` the columns that it asks, in small letters."""
    texts = {case.rule.rows for case in plan.cases if case.rule.rows is not None}
    rows = shapes.without_rows(spark, plan.schema)
    told = {text: predicates.named(predicates.condition(rows, text)) for text in texts}
    return {text: frozenset(map(str.lower, names)) for text, names in told.items()}


def _asked(spark: SparkSession, plan: Plan) -> frozenset[str]:
    return frozenset(name for names in _named_by(spark, plan).values() for name in names)


def _named(label: str | None, domains: Collection[str]) -> str | None:
    name = domain_of(label)
    return name if name in domains else None


def _unfit(plan: Plan, leaf: Decision, asked: Asked) -> str | None:
    if not kept_out.takes(to_arrow_type(leaf.input, timezone="UTC")):
        return f"subjects are not told by {leaf.input.simpleString()}"
    if within_rows.has_list(leaf.path) and leaf.path.root.lower() in asked():
        return "a predicate of 'when' asks it, and may answer otherwise once they are out (let it ask another column)"
    return None


def _names_others(plan: Plan, leaf: Decision) -> bool:
    """Whether another column says whose the row is, and the value is one of the row."""
    subject = plan.config.subject
    return not (subject is None or leaf.path == subject or within_rows.has_list(leaf.path))


def _hangs_on(plan: Plan, path: ColumnPath) -> bool:
    """Whether null in it would change what becomes of the row, or of its other columns: it tells rows apart or into
    folders, or is `needed`."""
    folders = {str(leaf.path) for leaf in plan.folders}
    return path.root in plan.config.target.key or str(path) in folders or needed(plan.config, plan.schema, path)


def needed(entry: TableConfig, schema: T.StructType, path: ColumnPath) -> bool:
    """Whether a row of the source is not the same without a value: it may not be null there, or other columns are
    treated by it. schema: of the source."""
    cases = (rule for decision in entry.decisions.values() for rule in decision.cases)
    beside = (name for rule in cases for name in rule.treatment.technique.beside())
    return within_rows.is_required(schema, path) or any(ColumnPath.parse(name).root == path.root for name in beside)
