"""Which tables join: their columns on the left, the domains on which they do on the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jobs.console.shown import shown
from jobs.report_pages.drawing.markup import Markup, element, joined
from jobs.report_pages.facts.lake_facts import Linked

ROW, HEAD, SPACE = 24, 28, 16
GAP, PILL_WIDTH, LETTER, LONGEST = 150, 226, 8, 34


def drawn(links: Sequence[Linked]) -> Markup:
    """links: that span tables; at least one."""
    places = _places(links)
    height, left = max(places.values()) + ROW, _left(places)
    width = left + GAP + PILL_WIDTH + 2
    middles = _middles(links, places)
    bottom = max(height, max(middles) + 40)
    told = "; ".join(
        f"{link.domain}: {', '.join(f'{table} {column}' for table, column in link.columns)}" for link in links
    )
    return element(
        "svg",
        element("title", "Tables and the domains on which they join", id="joins-t"),
        element("desc", told, id="joins-d"),
        [_edges(link, places, left, y) for link, y in zip(links, middles, strict=True)],
        [_column(table, column, left, y) for (table, column), y in places.items()],
        [_pill(link, left + GAP, y) for link, y in zip(links, middles, strict=True)],
        width=width,
        height=f"{bottom:.0f}",
        viewBox=f"0 0 {width} {bottom:.0f}",
        role="img",
        aria_labelledby="joins-t joins-d",
        class_="drawn plain",
    )


def _places(links: Sequence[Linked]) -> dict[tuple[str, str], float]:
    """Where each column is, top down; a table by its first column, which is empty."""
    columns: dict[str, dict[str, None]] = {}
    for link in links:
        for table, column in link.columns:
            columns.setdefault(table, {})[column] = None
    places, y = dict[tuple[str, str], float](), 16.0
    for table in sorted(columns):
        places[table, ""] = y
        y += HEAD
        for column in columns[table]:
            places[table, column] = y
            y += ROW
        y += SPACE
    return places


def _middles(links: Sequence[Linked], places: Mapping[tuple[str, str], float]) -> list[float]:
    """Of each domain, as near as there is room to the middle of its columns."""
    wanted = [sum(places[each] for each in link.columns) / len(link.columns) for link in links]
    order = sorted(range(len(links)), key=lambda at: (wanted[at], at))
    found, last = dict[int, float](), -74.0
    for at in order:
        last = max(wanted[at], last + 74, 32)
        found[at] = last
    return [found[at] for at in range(len(links))]


def _left(places: Mapping[tuple[str, str], float]) -> int:
    """Where the dots are: behind the longest name."""
    longest = max(len(shown(name)) for place in places for name in place)
    return 24 + min(longest, LONGEST) * LETTER


def _column(table: str, column: str, left: int, y: float) -> Markup:
    if not column:
        line = element("line", x1=0, x2=left, y1=y + 9, y2=y + 9, class_="grid")
        return joined(element("text", element("title", table), _cut(table), x=0, y=y + 2, font_weight=600), line)
    name = element("text", element("title", column), _cut(column), x=14, y=y + 4, class_="t-name")
    return joined(name, element("circle", cx=left, cy=y, r=3.5, class_="dot"))


def _edges(link: Linked, places: Mapping[tuple[str, str], float], left: int, y: float) -> list[Markup]:
    end, bend = left + GAP, GAP // 2
    starts = [places[each] for each in link.columns]
    curves = [f"M{left + 4} {at}C{left + bend} {at} {end - bend} {y:.1f} {end} {y:.1f}" for at in starts]
    return [element("path", d=curve, class_="way") for curve in curves]


def _pill(link: Linked, x: int, y: float) -> Markup:
    box = element("rect", x=x, y=f"{y - 30:.1f}", width=PILL_WIDTH, height=60, rx=8, class_="pill")
    title = element("title", link.domain)
    name = element("text", title, _cut(link.domain, 28), x=x + 12, y=f"{y - 11:.1f}", font_weight=600)
    how = (link.technique, f"key {link.key}" if link.key else "without a key")
    lines = (
        element("text", _cut(each), x=x + 12, y=f"{y + 6 + 15 * at:.1f}", class_="t-small")
        for at, each in enumerate(how)
    )
    return joined(box, name, lines)


def _cut(text: str, longest: int = LONGEST) -> str:
    """As it will be seen: what cannot be seen is spelt out first, and is longer then."""
    seen = shown(text)
    return seen if len(seen) <= longest else f"{seen[: longest - 1]}…"
