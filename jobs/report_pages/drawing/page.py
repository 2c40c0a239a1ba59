"""What pages have in common: the frame with its one style sheet, sections, marks, and what is said of what is missing.

A page loads nothing and runs nothing: its policy (CSP) forbids all but the style within it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from jobs.report_pages.drawing.markup import Content, Markup, code, element, joined
from jobs.report_pages.facts.plain import Missing, Notice

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
SIGNS = {"good": "✓", "warn": "!", "alert": "✕", "none": "\u2013"}
CLASSES: Mapping[str, tuple[str, str]] = {
    "direct_identifier": ("Direct identifiers", "direct"),
    "quasi_identifier": ("Quasi-identifiers", "quasi"),
    "sensitive": ("Sensitive", "sensitive"),
    "non_personal": ("Non-personal", "plain"),
    "": ("Undecided", "undecided"),
}
"""Class -> its title, and what style sheets call it."""


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a page. id: by which it can be linked to."""

    id: str
    title: str
    content: Content


def page(title: str, head: Content, sections: Sequence[Section], made_on: str) -> str:
    """A whole document."""
    links = [element("li", element("a", each.title, href=f"#{each.id}")) for each in sections]
    body = element(
        "div",
        element("header", head),
        element("nav", element("ol", links), aria_label="Sections"),
        element("main", map(_section, sections), id="main"),
        element("footer", element("p", f"Made by Lakenym on {made_on}. {_PROMISE}", class_="made")),
        class_="page",
    )
    skip = element("a", "Skip to the sections", class_="skip", href="#main")
    document = element("html", _head(title), element("body", skip, body), lang="en")
    return f"<!DOCTYPE html>\n{document.text}\n"


_PROMISE = (
    "It holds no value of a table and no key; counts of 1 to 9 stand as <\u00a010. It loads nothing and runs no script."
)


def _head(title: str) -> Markup:
    style = files("jobs.report_pages.drawing").joinpath("style.css").read_text(encoding="utf-8")
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="robots", content="noindex"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("link", rel="icon", href="data:,"),
        Markup(f"<style>\n{style}</style>"),
    )


def _section(found: Section) -> Markup:
    title = element("h2", found.title, id=f"{found.id}-title")
    return element("section", title, found.content, id=found.id, aria_labelledby=f"{found.id}-title")


def mark(level: str, words: str) -> Markup:
    """A state, told by a sign and a word as well as by its colour."""
    return element("span", f"{SIGNS[level]} {words}", class_=f"mark {level}")


def missing(found: Missing) -> Markup:
    """What is said where there is nothing to show."""
    told = element("p", f"Nothing to show: {found.why}.")
    command = element("p", "It comes with ", code(found.command), ".") if found.command else None
    return element("div", told, command, class_="missing")


def facts(pairs: Sequence[tuple[str, Content]]) -> Markup:
    """Names and what they are."""
    return element("dl", ([element("dt", name), element("dd", told)] for name, told in pairs), class_="facts")


def figures(cells: Sequence[tuple[str, str, str]]) -> Markup:
    """Numbers that one looks at first: name, number, and what to know of it."""
    told = (
        element("div", element("dt", name), element("dd", number, element("small", more) if more else None))
        for name, number, more in cells
    )
    return element("dl", told, class_="figures")


def warnings(found: Sequence[Notice]) -> Content:
    """What wants somebody, the urgent first."""
    if not found:
        return element("p", mark("good", "nothing"), " wants somebody, by configuration, keys and the table's log.")
    ordered = sorted(found, key=lambda each: each.level)
    rows = (element("li", mark(each.level, each.what.replace("_", " ")), " ", each.message) for each in ordered)
    return element("ul", rows, class_="notes")


def class_title(name: str | None) -> Markup:
    title, hue = CLASSES[name or ""]
    return joined(element("span", class_=f"swatch {hue}", aria_hidden="true"), title)


def table(
    header: Sequence[str], rows: Iterator[Sequence[Content]], numbers: Sequence[int] = (), more: str = "", css: str = ""
) -> Markup:
    """A table whose first column names its rows; on a narrow screen a row is a block. numbers: columns flush right.
    more: its caption. css: what style sheets call it besides."""

    def cell(at: int, content: Content) -> Markup:
        css = "n" if at in numbers else None
        if not at:
            return element("th", content, scope="row", role="rowheader", class_=css)
        return element("td", element("div", content), role="cell", data_label=header[at], class_=css)

    heads = [
        element("th", name, scope="col", role="columnheader", class_="n" if at in numbers else None)
        for at, name in enumerate(header)
    ]
    body = (element("tr", (cell(at, each) for at, each in enumerate(row)), role="row") for row in rows)
    return element(
        "table",
        element("caption", more) if more else None,
        element("thead", element("tr", heads, role="row"), role="rowgroup"),
        element("tbody", body, role="rowgroup"),
        class_=f"stack {css}".strip(),
        role="table",
    )


def scrolled(label: str, content: Content) -> Markup:
    """What is wider than a narrow screen scrolls in a box of its own, by keys too."""
    return element("div", content, class_="scroll", role="region", aria_label=label, tabindex=0)
