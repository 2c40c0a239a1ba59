"""Risk before and after a treatment, as bars; and how many rows or people hide in crowds of which size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jobs.report_pages.drawing import bars, page
from jobs.report_pages.drawing.bars import Bar, Line, Row
from jobs.report_pages.drawing.markup import Content, Markup, between, code, element
from jobs.report_pages.drawing.numbers import bound, count, percent, share
from jobs.report_pages.facts.plain import Missing
from jobs.report_pages.facts.table_facts import Band, Measured, TableFacts

States = tuple[Measured | Missing, Measured | Missing]
NAMES = {
    ("prosecutor", "highest"): "Prosecutor, for whoever is easiest to find",
    ("prosecutor", "average"): "Prosecutor, on average",
    ("prosecutor", "at_risk"): "Prosecutor, share of {counted} above {threshold}",
    ("journalist", "highest"): "Journalist, for whoever is easiest to find",
    ("journalist", "average"): "Journalist, on average",
    ("journalist", "at_risk"): "Journalist, share of {counted} above {threshold}",
    ("marketer", "average"): "Marketer, share of right matches",
}
WORDS = (
    "A prosecutor knows that somebody is in the table and looks for their row; a journalist only knows that they could "
    "be; a marketer matches everybody and is content with many. Without a table of the population a journalist's "
    "chance is taken to be a prosecutor's."
)


def content(facts: TableFacts) -> Content:
    """Of both states, as far as they were measured."""
    before, after = facts.before, facts.after
    measured = [each for each in (before, after) if isinstance(each, Measured)]
    if not measured:
        return [page.missing(each) for each in dict.fromkeys((before, after)) if isinstance(each, Missing)]
    return [
        element("p", _told(before, after)),
        element("p", WORDS, class_="soft"),
        [_gap(name, each) for name, each in (("Before", before), ("After", after)) if isinstance(each, Missing)],
        _chances((before, after), measured),
        _sensitive(after) if isinstance(after, Measured) else None,
        element("h3", "How large the crowds are"),
        element("p", _crowds(measured[-1]), class_="soft"),
        element("div", _histograms((before, after)), class_="two"),
        _notes(measured),
    ]


def _gap(name: str, found: Missing) -> Content:
    return [element("h3", name), page.missing(found)]


def _told(before: Measured | Missing, after: Measured | Missing) -> str:
    if isinstance(before, Measured) and isinstance(after, Measured):
        return (
            f"Before, by the source's quasi-identifiers, {crowd(before)}; after, by those that the table still shows, "
            f"{crowd(after)}. {_wanted(after)}"
        )
    found = after if isinstance(after, Measured) else before
    assert isinstance(found, Measured)
    return f"By its quasi-identifiers {crowd(found)}. {_wanted(found)}"


def crowd(found: Measured) -> str:
    """The smallest crowd in words."""
    if not found.k:
        return "there is nobody in it"
    some = "somebody" if found.counted == "people" else "a row"
    return (
        f"{some} stands alone (k 1)" if found.k == 1 else f"everybody hides among {found.k:,} or more (k {found.k:,})"
    )


def _wanted(found: Measured) -> str:
    if found.wanted_k is None:
        return "The policy wants no least k."
    return f"The policy wants {found.wanted_k:,}."


def _chances(states: States, measured: list[Measured]) -> Markup:
    last = measured[-1]
    words = {"counted": last.counted, "threshold": share(round(last.threshold, 3))}
    rows = [Row(text.format(**words), tuple(_bars_of(states, key))) for key, text in NAMES.items()]
    lines = [Line(last.threshold, f"threshold {words['threshold']}")]
    legend = bars.legend([(kind, words) for kind, words, _ in _kinds(states)])
    drawn = bars.drawn("chances", "Chance that somebody is found, before and after", rows, bars.QUARTERS, lines)
    return element("figure", element("h3", "The chance to find somebody"), legend, drawn)


def _kinds(states: States) -> Iterator[tuple[str, str, Measured]]:
    for kind, words, found in zip(("before", "after"), ("before: the source", "after: the table"), states, strict=True):
        if isinstance(found, Measured):
            yield kind, words, found


def _bars_of(states: States, key: tuple[str, str]) -> Iterator[Bar]:
    for kind, _, found in _kinds(states):
        told = found.chances[key]
        yield Bar(bound(told), kind, share(told), isinstance(told, str))


def _sensitive(found: Measured) -> Content:
    if not found.sensitive:
        return element("p", "The table shows no sensitive column that could be measured.", class_="soft")
    rows: Iterator[Sequence[Content]] = (
        [code(name), *(_cell(each.get(measure)) for measure in ("distinct_l", "t", "alpha"))]
        for name, each in found.sensitive.items()
    )
    header = ("Sensitive column", "least values in a crowd (l)", "farthest from the whole (t)", "surest guess")
    return [
        element("h3", "What is learnt within a crowd"),
        page.table(header, rows, (1, 2, 3), f"Of each the worst crowd, {found.counted} counted."),
    ]


def _cell(value: float | None) -> str:
    return "\u2013" if value is None else f"{value:.3g}"


def _crowds(found: Measured) -> str:
    each, who = ("Everybody", "who") if found.counted == "people" else ("Every row", "that")
    return f"{each} stands in the class of all {found.counted} {who} are alike in all quasi-identifiers."


def _histograms(states: States) -> Iterator[Markup]:
    for kind, words, found in _kinds(states):
        yield element("figure", element("h3", words.capitalize()), _histogram(kind, found))


def _histogram(kind: str, found: Measured) -> Content:
    columns = element("p", "By ", between(map(code, found.by)), class_="names")
    shown = [each for each in found.bands if isinstance(each.many, int)]
    if len(shown) < len(found.bands) or not shown:
        few = f"{count(found.many)} {found.counted}: too few to be drawn."
        return [columns, element("p", few, class_="soft")]
    whole = sum(each.many for each in shown if isinstance(each.many, int))
    rows = [Row(f"in classes of {each.sizes}", (_band(each, whole),)) for each in shown]
    most = max((row.bars[0].share for row in rows), default=1.0)
    ticks = [(0.0, "0"), (1.0, percent(most))]
    scaled = [Row(row.label, tuple(_scaled(bar, most) for bar in row.bars)) for row in rows]
    title = f"Sizes of classes {kind}: share of {found.counted}"
    words = f"{count(found.many)} {found.counted} in {count(found.classes)} classes"
    told = element("p", f"{words}; like no other: {count(found.uniques)}.", class_="soft")
    return [columns, told, bars.legend(_sides(found)), bars.drawn(f"sizes-{kind}", title, scaled, ticks)]


def _band(found: Band, whole: int) -> Bar:
    many = found.many if isinstance(found.many, int) else 0
    part = round(many / whole, 3)
    told = percent(part) if part else "< 0.1%"
    return Bar(part, found.side or "above", f"{count(found.many)} · {told}")


def _scaled(bar: Bar, most: float) -> Bar:
    return Bar(bar.share / most if most else 0, bar.kind, bar.text)


def _sides(found: Measured) -> list[tuple[str, str]]:
    words = {"below": f"below k {found.wanted_k}", "across": f"on both sides of {found.wanted_k}"}
    there = dict.fromkeys(each.side for each in found.bands)
    other = "" if found.wanted_k is None else f"k {found.wanted_k} and more"
    told = [(side, words[side]) for side in ("below", "across") if side in there]
    return [*told, *([("above", other)] if "above" in there and other else [])]


def _notes(measured: list[Measured]) -> Content:
    told = dict.fromkeys(note for each in measured for note in each.notes)
    missed = [element("li", page.mark("warn", "missed"), " ", each) for each in measured[-1].missed]
    notes = [element("li", page.mark("none", "note"), " ", each) for each in told]
    return element("ul", missed, notes, class_="notes") if missed or notes else None
