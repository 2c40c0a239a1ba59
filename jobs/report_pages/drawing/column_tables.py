"""The columns of a table, class by class: what was done to each, why, and what a reader learns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jobs.report_pages.drawing import page
from jobs.report_pages.drawing.markup import Content, Markup, between, code, element, joined, one_line
from jobs.report_pages.facts.table_facts import Column, Treatment

HEADER = ("Column", "What was done", "Why", "A reader learns")


def content(columns: Sequence[Column]) -> Iterator[Markup]:
    for name in page.CLASSES:
        own = [each for each in columns if (each.class_ or "") == name]
        if own:
            yield element("h3", page.class_title(name), f" ({len(own)})")
            yield page.table(HEADER, _rows(own), css="fixed")


def _rows(columns: Sequence[Column]) -> Iterator[Sequence[Content]]:
    for column in columns:
        named = joined(code(column.path), element("span", column.type_ or "not in the table", class_="soft"))
        if not column.treatments:
            told = [element("p", page.mark("alert", "undecided"), " Nobody decided about it.")]
            yield named, [told, _notes(column)], "", "the value itself, for all that is known"
            continue
        yield (
            named,
            [[_treatment(each) for each in column.treatments], _notes(column)],
            [
                element("p", each)
                for each in dict.fromkeys(one_line(each.why) or "not stated" for each in column.treatments)
            ],
            [element("p", each) for each in dict.fromkeys(map(_learns, column.treatments))],
        )


def _treatment(found: Treatment) -> Markup:
    case: Content = [element("bdi", code(found.case)), ", rows by a predicate: "] if found.case else None
    key = [f"key {found.key}, version {found.key_id}"] if found.key_id else [f"key {found.key}"] if found.key else []
    domain = [f"domain {found.domain}"] if found.domain else []
    parameters: list[Content] = [joined(f"{name}: ", element("bdi", value)) for name, value in found.parameters.items()]
    more: list[Content] = [*domain, *key, *parameters]
    return element(
        "p", case, code(found.technique), element("span", between(more, "; "), class_="soft") if more else None
    )


def _learns(found: Treatment) -> str:
    way = "" if found.way_back is None else f". Way back: {found.way_back}"
    again = "" if found.is_deterministic else ". Equal values look different"
    return f"{found.learns}{again}{way}"


def _notes(column: Column) -> Content:
    return [element("span", note, class_="soft") for note in column.notes]
