"""The lineage of a table: from each column of the source, by what is done to it, to the column of the table.

A drawing has the columns of one class, and at most `MOST` of them, so that each fits a printed page.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from jobs.console.shown import shown
from jobs.report_pages.drawing import page
from jobs.report_pages.drawing.markup import Content, Markup, between, code, element, joined
from jobs.report_pages.facts.table_facts import Lineage, Way

MOST = 24
HEIGHT, NOTED = 32, 46
PILL_WIDTH, LETTER, LONGEST = 214, 7.6, 32
"""LETTER: how wide one of a name is. LONGEST: so many are shown; the whole name is in the drawing's words."""


def content(found: Lineage) -> Content:
    own = [way for way in found.ways if way.kind != "decides"]
    beside = [way for way in found.ways if way.kind == "decides" and way.output is not None]
    of_rows = [way for way in found.ways if way.kind == "decides" and way.output is None]
    drawings = [
        each for name in page.CLASSES for each in _of_class(name, [w for w in own if _is_of(found, w, name)], beside)
    ]
    return [
        page.facts([("From", code(found.source)), ("To", code(found.target))]),
        element("p", f"Note: {found.note}.", class_="soft") if found.note else None,
        _legend(),
        drawings,
        _rows(of_rows),
    ]


def _is_of(found: Lineage, way: Way, name: str) -> bool:
    return found.class_of.get(way.input, "") == name


def _of_class(name: str, ways: Sequence[Way], beside: Sequence[Way]) -> Iterator[Markup]:
    for at in range(0, len(ways), MOST):
        title, hue = page.CLASSES[name]
        part = "" if len(ways) <= MOST else f", {at + 1} to {min(at + MOST, len(ways))} of {len(ways)}"
        drawn = _drawn(f"way-{hue}-{at}", f"Lineage: {title.lower()}{part}", ways[at : at + MOST], beside, hue)
        heading = element("h3", page.class_title(name), part)
        yield element("figure", heading, page.scrolled(f"Lineage of {title.lower()}{part}", drawn))


@dataclasses.dataclass(frozen=True)
class _Frame:
    """Where a drawing's columns begin: names of the source end at ``left``, those of the table begin at ``right``."""

    left: float
    names: float

    @classmethod
    def of(cls, ways: Sequence[Way]) -> _Frame:
        source, target = (max(map(len, names), default=0) for names in _names(ways))
        return cls(min(source, LONGEST) * LETTER + 8, max(min(target, LONGEST) * LETTER, 110.0))

    @property
    def pill(self) -> float:
        return self.left + 38

    @property
    def right(self) -> float:
        return self.pill + PILL_WIDTH + 38

    @property
    def width(self) -> float:
        return self.right + self.names + 8


def _names(ways: Sequence[Way]) -> tuple[list[str], list[str]]:
    """As they will be seen."""
    return [shown(way.input) for way in ways], [shown(way.output) for way in ways if way.output is not None]


def _drawn(name: str, title: str, ways: Sequence[Way], beside: Sequence[Way], hue: str) -> Markup:
    notes, frame = {way.input: _beside(way, beside) for way in ways}, _Frame.of(ways)
    heights = [NOTED if notes[way.input] else HEIGHT for way in ways]
    middles = {way.input: sum(heights[:at]) + HEIGHT / 2 for at, way in enumerate(ways)}
    told = "; ".join(
        f"{way.input}: {way.step}, {'becomes ' + way.output if way.output else 'not in the table'}" for way in ways
    )
    return element(
        "svg",
        element("title", title, id=f"{name}-t"),
        element("desc", told, id=f"{name}-d"),
        (_decides(frame, way, middles) for way in beside if way.input in middles and way.output in middles),
        (_way(frame, way, middles[way.input], notes[way.input]) for way in ways),
        width=f"{frame.width:.0f}",
        height=sum(heights),
        viewBox=f"0 0 {frame.width:.0f} {sum(heights)}",
        role="img",
        aria_labelledby=f"{name}-t {name}-d",
        class_=f"drawn {hue}",
    )


def _beside(way: Way, beside: Sequence[Way]) -> str:
    inputs = dict.fromkeys(each.input for each in beside if each.output == way.input)
    return f"also by {', '.join(inputs)}" if inputs else ""


def _way(frame: _Frame, way: Way, y: float, note: str) -> Markup:
    css = "gone" if way.output is None else "safe" if way.protects else ""
    end, pill = frame.right - 12, frame.pill
    ends = element("circle", cx=f"{end:.1f}", cy=y, r=3.5, class_="dot")
    target: Content = _name(way.output or "", frame.right, y)
    if way.output is None:
        ends = element("path", d=f"M{end - 4:.1f} {y - 4}l8 8m0 -8l-8 8", class_="way")
        target = element("text", "not in the table", x=f"{frame.right:.1f}", y=y + 4, class_="t-soft")
    return joined(
        _name(way.input, frame.left - 6, y, "end"),
        element("circle", cx=f"{frame.left + 6:.1f}", cy=y, r=3.5, class_="dot"),
        element(
            "path",
            d=f"M{frame.left + 9:.1f} {y}H{pill:.1f}M{pill + PILL_WIDTH:.1f} {y}H{end - 5:.1f}",
            class_=f"way {css}",
        ),
        _pill(pill, way.step, y, css),
        element("text", _cut(note, 34), x=f"{pill + 10:.1f}", y=y + 25, class_="t-small") if note else None,
        ends,
        target,
    )


def _pill(x: float, step: str, y: float, css: str) -> Markup:
    box = element("rect", x=f"{x:.1f}", y=y - 11, width=PILL_WIDTH, height=22, rx=11, class_=f"pill {css}")
    own = "t-step t-on" if css == "safe" else "t-step"
    middle = f"{x + PILL_WIDTH / 2:.1f}"
    return joined(box, element("text", _cut(step, 31), x=middle, y=y + 4, text_anchor="middle", class_=own))


def _decides(frame: _Frame, way: Way, middles: Mapping[str, float]) -> Markup:
    start, end = middles[way.input], middles[str(way.output)]
    x = frame.left + 8
    curve = f"M{x:.1f} {start}C{x + 24:.1f} {start} {x + 4:.1f} {end} {frame.pill:.1f} {end}"
    return element("path", d=curve, class_="way says")


def _name(name: str, x: float, y: float, anchor: str = "start") -> Markup:
    cut = _cut(name, LONGEST)
    title = element("title", name)
    return element("text", title, cut, x=f"{x:.1f}", y=y + 4, text_anchor=anchor, class_="t-name")


def _cut(text: str, longest: int) -> str:
    """As it will be seen: what cannot be seen is spelt out first, and is longer then."""
    seen = shown(text)
    return seen if len(seen) <= longest else f"{seen[: longest - 1]}…"


def _rows(ways: Sequence[Way]) -> Content:
    if not ways:
        return None
    told = dict.fromkeys((way.step, way.input) for way in ways)
    steps = dict.fromkeys(step for step, _ in told)
    items = (element("li", f"{step}: ", between(code(each) for other, each in told if other == step)) for step in steps)
    return [element("h3", "Which rows there are"), element("ul", items)]


def _legend() -> Markup:
    items = (
        (element("rect", x=1, y=1, width=26, height=10, rx=5, class_="pill safe"), "protects every value as a whole"),
        (element("rect", x=1, y=1, width=26, height=10, rx=5, class_="pill"), "a value, or some of it, may stay"),
        (element("path", d="M4 2l8 8m0 -8l-8 8", class_="way"), "the column ends here"),
        (element("path", d="M1 6H27", class_="way says"), "has a say in it"),
    )
    listed = (
        element("li", element("svg", each, width=28, height=12, aria_hidden="true"), words) for each, words in items
    )
    return element("ul", listed, class_="legend")
