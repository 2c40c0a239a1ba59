"""The page of the lake: all tables, how they join, keys, and the log of runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from jobs.report_pages.drawing import evidence, joins_drawing, page, table_page
from jobs.report_pages.drawing.markup import Content, between, code, element, joined
from jobs.report_pages.drawing.numbers import count, plural, share
from jobs.report_pages.drawing.page import Section
from jobs.report_pages.drawing.risk_drawing import crowd
from jobs.report_pages.facts.lake_facts import Joins, LakeFacts
from jobs.report_pages.facts.plain import Missing, Notice
from jobs.report_pages.facts.table_facts import Head, Measured, TableFacts

NONE = "\u2013"
Places = Mapping[str, str]
"""Table -> the file of its page."""


def text(facts: LakeFacts, places: Places) -> str:
    sections = [
        Section("tables", "Tables", _tables(facts.tables, places)),
        Section("wants", "What wants somebody", page.warnings(_warnings(facts))),
        Section("joins", "Joins", _joins(facts.joins)),
        Section("keys", "Key versions", evidence.keys(facts.keys)),
        Section("audit", "Audit log", evidence.audit(facts.audit, "all tables")),
    ]
    return page.page("The lake: what was done to its tables", _top(facts), sections, facts.made_on)


def _top(facts: LakeFacts) -> Content:
    return [
        element("p", "Privacy report", class_="crumb"),
        element("h1", "The lake"),
        element("p", _summary(facts), class_="lead"),
        page.figures(list(_figures(facts))),
    ]


def _summary(facts: LakeFacts) -> str:
    treated = [each for each in facts.tables if isinstance(each.head, Head)]
    missing = [each for each in facts.tables if isinstance(each.after, Measured) and each.after.missed]
    profiles = f", held to {', '.join(facts.profiles)}" if facts.profiles else ""
    told = (
        f"{len(treated):,} of {plural(len(facts.tables), 'table')} are treated, under policy {facts.policy}{profiles}."
    )
    if missing:
        told += f" {plural(len(missing), 'table misses', 'tables miss')} a threshold of risk."
    worst = _worst(facts)
    if worst is not None and isinstance(worst.after, Measured):
        told += f" The smallest crowd is in {worst.name}: {crowd(worst.after)}."
    return told


def _worst(facts: LakeFacts) -> TableFacts | None:
    measured = [each for each in facts.tables if isinstance(each.after, Measured)]
    return min(measured, key=lambda each: each.after.k if isinstance(each.after, Measured) else 0, default=None)


def _figures(facts: LakeFacts) -> Iterator[tuple[str, str, str]]:
    treated = sum(isinstance(each.head, Head) for each in facts.tables)
    yield "tables", f"{len(facts.tables):,}", f"{treated:,} treated"
    worst = _worst(facts)
    if worst is not None and isinstance(worst.after, Measured):
        yield "worst k", f"{worst.after.k:,}", worst.name
    found = _warnings(facts)
    alerts = sum(each.level == "alert" for each in found)
    yield "want somebody", f"{len(found):,}", f"{alerts:,} of them now"
    yield "keys", f"{len({each.name for each in facts.keys}):,}", plural(len(facts.keys), "version")
    if not isinstance(facts.audit, Missing):
        yield "rows of the audit log", f"{facts.audit.rows:,}", f"{facts.audit.covers:,} signed"


def _warnings(facts: LakeFacts) -> tuple[Notice, ...]:
    of_tables = [
        Notice(each.level, each.what, f"{table.name}: {each.message}")
        for table in facts.tables
        for each in table.warnings
    ]
    return (*facts.house, *of_tables)


def _tables(tables: Sequence[TableFacts], places: Places) -> Content:
    header = ("Table", "State", "Version", "Counted", "k", "At risk", "To be reviewed by")
    return page.table(header, _rows(tables, places), (2, 3, 4, 5), _CAPTION)


_CAPTION = "At risk: the share of people, or rows, whose chance to be found is above the threshold."


def _rows(tables: Sequence[TableFacts], places: Places) -> Iterator[Sequence[Content]]:
    for each in tables:
        yield (
            element("a", element("bdi", each.name), href=places[each.name]),
            page.mark(*table_page.state(each)),
            f"{each.head.version:,}" if isinstance(each.head, Head) else NONE,
            *_measured(each.after),
            dict(each.use.stated)["To be reviewed by"],
        )


def _measured(found: Measured | Missing) -> tuple[str, str, str]:
    if isinstance(found, Missing):
        return NONE, NONE, NONE
    return f"{count(found.many)} {found.counted}", f"{found.k:,}", share(found.chances["prosecutor", "at_risk"])


def _joins(found: Joins) -> Content:
    drawn: Content = page.missing(Missing("no two tables join on a pseudonym"))
    if found.links:
        drawn = element("figure", page.scrolled("Which tables join", joins_drawing.drawn(found.links)))
    return [
        element("p", "Who joins tables sees of one person what each of them shows. They join by these domains:"),
        drawn,
        _listed("Join with none: ", found.alone),
        element("ul", (element("li", "Does not join: ", each) for each in found.apart)) if found.apart else None,
        element("ul", (element("li", code(name), f": {why}") for name, why in found.left_out))
        if found.left_out
        else None,
    ]


def _listed(words: str, names: Sequence[str]) -> Content:
    return element("p", words, joined(between(map(code, names))), ".", class_="names") if names else None
