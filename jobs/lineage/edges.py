"""From which columns of the source each leaf column of the target comes, by the plan: every leaf has an edge."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from jobs.configuration import known_elsewhere
from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.json_columns import by_column
from jobs.configuration.known_elsewhere import Place
from jobs.configuration.models import TableConfig
from jobs.lineage.references import References
from jobs.run_events.run_steps import Edge
from jobs.treatment import risk_columns
from jobs.treatment.risk_columns import QUASI_IDENTIFIER
from jobs.treatment.treatment_plan import Case, Decision, Plan
from privacy_udfs.technique import Technique

Tables = Mapping[str, TableConfig]
"""Those of the catalog."""
FILTER, JOIN, CONDITIONAL = "FILTER", "JOIN", "CONDITIONAL"
IDENTITY, TRANSFORMATION = "IDENTITY", "TRANSFORMATION"
BOXED: Mapping[str, Any] = {"subtype": TRANSFORMATION, "description": "mondrian: the value of its box"}


def of_plan(plan: Plan, mode: str, references: References, tables: Tables) -> tuple[Edge, ...]:
    """All edges of a run of a plan. references: of predicates over its source."""
    found = [edge for leaf in _kept(plan) for edge in _of_leaf(plan, leaf, references, tables)]
    found += [edge for column in by_column(leaf.path for leaf in plan.leaves) for edge in _of_json(plan, column)]
    return tuple(dict.fromkeys([*found, *_of_rows(plan, mode, references)]))


def sealed(plan: Plan) -> tuple[Edge, ...]:
    """From which columns the rows are that are set aside, each encrypted as a whole."""
    found = (Edge("sealed", str(leaf.path.column), True, TRANSFORMATION, "the row, encrypted", True)
             for leaf in _kept(plan))  # fmt: skip
    return tuple(dict.fromkeys(found))


def looked_for(technique: Technique, tables: Tables) -> list[Place]:
    """The columns of the catalog whose values a technique looks for in texts."""
    named = (text for each in known_elsewhere.of(technique).values() for text in each.columns)
    return list(dict.fromkeys(known_elsewhere.places(named, tables)))


def _kept(plan: Plan) -> list[Decision]:
    return [leaf for leaf in plan.leaves if leaf.output is not None]


def _of_leaf(plan: Plan, leaf: Decision, references: References, tables: Tables) -> Iterator[Edge]:
    output, decide = str(leaf.path), cut_by(plan)
    is_cut = leaf.path in decide and any(case.rule.class_ == QUASI_IDENTIFIER for case in leaf.cases)
    for case in leaf.cases:
        yield dataclasses.replace(_direct(output, case), **BOXED) if is_cut else _direct(output, case)
    for other in decide if is_cut else ():
        if other != leaf.path:
            yield Edge(output, str(other), False, CONDITIONAL, "decides which box a row is in")
    for case in leaf.cases:
        technique = case.treatment.technique
        if technique.needs_subject and plan.config.subject is not None:
            yield Edge(output, str(plan.config.subject), False, CONDITIONAL, "the subject")
        for path in technique.beside():
            is_date = path == getattr(technique, "period_of", None)
            how = "decides which period a row is of" if is_date else "looked for in the text"
            yield Edge(output, path, False, CONDITIONAL, how)
        for place in looked_for(technique, tables):
            of = "" if place.table == plan.table else place.table
            yield Edge(output, str(place.path), False, CONDITIONAL, "looked for in the text", table=of)
        for path in () if case.rule.rows is None else references(case.rule.rows):
            yield Edge(output, path, False, CONDITIONAL, "decides which case a row is of")


def cut_by(plan: Plan) -> tuple[ColumnPath, ...]:
    """The columns that decide which box a row is in: the quasi-identifiers, and what more boxes are held to; none where
    none are cut."""
    stated = plan.config.mondrian
    if stated is None:
        return ()
    columns = risk_columns.of(plan, with_sensitive=stated.l is not None or stated.t is not None)
    people = () if columns.subject is None else (columns.subject,)
    return tuple(dict.fromkeys((*columns.quasi_identifiers, *columns.sensitive, *people)))


def _direct(output: str, case: Case) -> Edge:
    technique = case.treatment.technique
    subtype = IDENTITY if technique.keeps_values else TRANSFORMATION
    return Edge(output, output, True, subtype, case.name, technique.masks())


def _of_json(plan: Plan, column: ColumnPath) -> Iterator[Edge]:
    """A column of JSON text is one column for everyone else: it comes from itself, and depends on each place in it.
    As a whole it is protected where every place is that stays."""
    inner = [leaf for leaf in plan.leaves if leaf.path.is_in_json and leaf.path.column == column]
    stays = [case for leaf in inner if leaf.output is not None for case in leaf.cases]
    masks = bool(stays) and all(case.treatment.technique.masks() for case in stays)
    yield Edge(str(column), str(column), True, TRANSFORMATION, "JSON text", masks)
    for case in stays:
        how = case.treatment.technique.masks()
        yield Edge(str(column), str(case.path), False, CONDITIONAL, f"a place in it: {case.name}", how)


def _of_rows(plan: Plan, mode: str, references: References) -> Iterator[Edge]:
    """What decides which rows the target has."""
    config = plan.config
    for path in () if config.rows is None else references(config.rows):
        yield Edge(None, path, False, FILTER, "decides which rows are read")
    for column in () if config.suppress is None else suppressed_by(plan):
        yield Edge(None, column, False, FILTER, "rows in small classes are kept out")
    for leaf in _kept(plan) if config.on_refused == "quarantine" and mode != "requeue" else ():
        if any(_may_refuse(case) for case in leaf.cases):
            yield Edge(None, str(leaf.path), False, FILTER, "rows with values that are refused are set aside")
        yield from _of_cases(leaf, references)
    if mode == "changes":
        for name in config.target.key:
            yield Edge(None, str(ColumnPath((Field(name),))), False, JOIN, "tells the rows of the table apart")
    if mode == "partitions":
        for name in config.target.partition_by:
            yield Edge(None, str(ColumnPath((Field(name),))), False, FILTER, "decides which partitions are written")


def _of_cases(leaf: Decision, references: References) -> Iterator[Edge]:
    """Of rows that fall under no case, or under several, which are set aside too."""
    for case in leaf.cases:
        for path in () if case.rule.rows is None else references(case.rule.rows):
            yield Edge(None, path, False, FILTER, "rows that fall under no case are set aside")


def _may_refuse(case: Case) -> bool:
    technique = case.treatment.technique
    return technique.on_refused == "stop" and not technique.keeps_values and not technique.one_result


def suppressed_by(plan: Plan) -> list[str]:
    """What decides which rows are in small classes: the quasi-identifiers, and whose a row is where people count."""
    columns = risk_columns.of(plan, with_sensitive=False)
    known = [*columns.quasi_identifiers, *([] if columns.subject is None else [columns.subject])]
    return list(dict.fromkeys(map(str, known)))
