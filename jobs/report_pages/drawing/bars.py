"""Bars in SVG that keep the size of their letters on every screen: lengths are in per cent, heights in pixels.

Only what is shown in words is drawn. A number that is hidden (``< 10``) has an outline as long as its bound, whatever
it is; a number is drawn as it is rounded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from jobs.report_pages.drawing.markup import Content, Markup, element, joined

FULL = 72.0
"""Per cent of the width that the longest possible bar has; the number stands behind its end."""
LABEL, BAR, GAP, AXIS = 19, 11, 4, 24
HATCHES = {"before": "b-hatch", "below": "h-below", "across": "h-across"}
"""Kinds that are hatched, so that they are told apart without colours, and what style sheets call their lines."""


@dataclasses.dataclass(frozen=True)
class Bar:
    """share: of the axis, 0 to 1. kind: as the style sheet has it. text: the number. is_hidden: share is a bound."""

    share: float
    kind: str
    text: str
    is_hidden: bool = False


@dataclasses.dataclass(frozen=True)
class Row:
    label: str
    bars: tuple[Bar, ...]


@dataclasses.dataclass(frozen=True)
class Line:
    """A bound across all rows. share: of the axis."""

    share: float
    text: str


def drawn(
    name: str, title: str, rows: Sequence[Row], ticks: Sequence[tuple[float, str]], lines: Sequence[Line] = ()
) -> Markup:
    """name: unique in the page."""
    top = 18 if lines else 2
    heights = [LABEL + len(row.bars) * (BAR + GAP) + 8 for row in rows]
    bottom = top + sum(heights)
    told = "; ".join(f"{row.label}: {', '.join(bar.text for bar in row.bars)}" for row in rows)
    starts = [top + sum(heights[:at]) for at in range(len(rows))]
    return element(
        "svg",
        element("title", title, id=f"{name}-t"),
        element("desc", told, id=f"{name}-d"),
        _patterns(name),
        (_tick(share, text, top, bottom) for share, text in ticks),
        (_row(name, row, start) for row, start in zip(rows, starts, strict=True)),
        (_line(line, top, [(y + LABEL, y + each) for y, each in zip(starts, heights, strict=True)]) for line in lines),
        role="img",
        aria_labelledby=f"{name}-t {name}-d",
        width="100%",
        height=bottom + AXIS,
    )


def _patterns(name: str) -> Markup:
    return element("defs", [_pattern(f"{name}-{kind}", css) for kind, css in HATCHES.items()])


def _pattern(name: str, css: str) -> Markup:
    stripe = element("line", x1=0, y1=0, x2=0, y2=5, class_=css)
    given = {"patternUnits": "userSpaceOnUse", "patternTransform": "rotate(45)"}
    return element("pattern", stripe, id=name, width=5, height=5, **given)


def _tick(share: float, text: str, top: float, bottom: float) -> Markup:
    x = _per_cent(share)
    anchor = "start" if share == 0 else "middle"
    return joined(
        element("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid"),
        element("text", text, x=x, y=bottom + 15, text_anchor=anchor, class_="t-small"),
    )


def _line(line: Line, top: float, rows: Sequence[tuple[float, float]]) -> Markup:
    """Through the bars of each row, and not through its label."""
    x = _per_cent(line.share)
    anchor = "end" if line.share > 0.6 else "start"
    return joined(
        [element("line", x1=x, x2=x, y1=begins - 2, y2=ends - 8, class_="bound") for begins, ends in rows],
        element("text", line.text, x=x, y=top - 7, text_anchor=anchor, class_="t-small"),
    )


def _row(name: str, row: Row, start: float) -> Markup:
    label = element("text", row.label, x=0, y=start + 14)
    ys = [start + LABEL + at * (BAR + GAP) for at in range(len(row.bars))]
    return joined(label, [_bar(name, bar, y) for bar, y in zip(row.bars, ys, strict=True)])


def _bar(name: str, bar: Bar, y: float) -> Content:
    width, place = _per_cent(bar.share), {"x": 0, "y": y, "height": BAR}
    text = element("text", bar.text, x=width, dx=7, y=y + BAR - 1)
    if bar.is_hidden:
        return [element("rect", width=width, class_="b-hidden", **place), text]
    if bar.share <= 0:
        return [element("line", x1=0, x2=0, y1=y, y2=y + BAR, class_="way"), text]
    outline = element("rect", width=width, class_=f"b-{bar.kind}", **place)
    filled = element("rect", width=width, fill=f"url(#{name}-{bar.kind})", **place) if bar.kind in HATCHES else None
    return [filled, outline, text]


def _per_cent(share: float) -> str:
    return f"{max(0.0, min(1.0, share)) * FULL:.2f}%"


def legend(items: Sequence[tuple[str, str]]) -> Markup:
    """kind and what it means, each with a piece of its bar."""
    return element("ul", (element("li", _piece(kind), words) for kind, words in items), class_="legend")


def _piece(kind: str) -> Markup:
    lines = [
        element("line", x1=at, y1=11, x2=at + 9, y2=1, class_=HATCHES[kind]) for at in (2, 8, 14) if kind in HATCHES
    ]
    box = element("rect", x=1, y=1, width=26, height=10, class_=f"b-{kind}")
    return element("svg", lines, box, width=28, height=12, aria_hidden="true")


QUARTERS = ((0.0, "0"), (0.25, "0.25"), (0.5, "0.5"), (0.75, "0.75"), (1.0, "1"))
"""The axis of a share."""
