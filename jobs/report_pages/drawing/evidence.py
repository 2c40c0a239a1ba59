"""What a reader can hold a table against: drift, verification, keys, the log of runs, the runs themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jobs.report_pages.drawing import bars, page
from jobs.report_pages.drawing.bars import Bar, Line, Row
from jobs.report_pages.drawing.markup import Content, Markup, between, code, element
from jobs.report_pages.drawing.numbers import count, plural
from jobs.report_pages.facts import told_files
from jobs.report_pages.facts.evidence_facts import (
    NOT_MADE,
    AuditHead,
    Drift,
    Drifts,
    KeyVersion,
    Run,
    Runs,
    Verification,
)
from jobs.report_pages.facts.plain import Missing

OUTCOMES = {"holds": "good", "fails": "alert", **dict.fromkeys(NOT_MADE, "warn")}
NOT_COMPARED = Missing(
    "no drift was compared: run with --baseline, of a baseline that has columns of the table", told_files.MONITOR
)
LEVELS = {"alert": "alert", "warn": "warn", "": "good"}
STATES = {"enabled": "good", "disabled": "warn", "destroyed": "alert", "unknown": "none"}


def stale(version: int | None, now: int) -> Content:
    """What is to be said where something is of another version of the table."""
    if version == now:
        return None
    of = "an unknown version" if version is None else f"version {version}"
    return element("p", page.mark("alert", "stale"), f" It is of {of}, and the table stands at version {now}.")


# -- drift ------------------------------------------------------------------------------------------------------------


def drift(found: Drifts | Missing, version: int) -> Content:
    if isinstance(found, Missing):
        return page.missing(found)
    if not found.is_compared:
        return [page.missing(NOT_COMPARED), stale(found.version, version), _findings(found) if _told(found) else None]
    indexed = [each for each in found.columns if each.psi is not None]
    return [
        element("p", f"As measured at {found.measured_at} against a baseline."),
        stale(found.version, version),
        _findings(found),
        _indexes(found, indexed),
        _without(found),
    ]


def _findings(found: Drifts) -> Content:
    own = _told(found)
    if not own:
        return element("p", page.mark("good", "nothing moved"), " by more than its bound.")
    rows = (
        element("li", page.mark(level, level), " ", [code(column), ": "] if column else None, message)
        for level, column, message in own
    )
    return element("ul", rows, class_="notes")


def _told(found: Drifts) -> list[tuple[str, str | None, str]]:
    """Level, column, message: of the table, then of its columns."""
    of_columns = [(each.level or "warn", each.column, message) for each in found.columns for message in each.told]
    return [*((level, None, message) for level, message in found.of_table), *of_columns]


def _indexes(found: Drifts, indexed: Sequence[Drift]) -> Content:
    """The population stability index of each column that has one, as it is rounded in words."""
    if not indexed:
        none = Missing("no column of the table has a population stability index in what the monitor printed")
        return page.missing(none)
    heading = element("h3", "Population stability index")
    if all(_index(each) == 0 for each in indexed):
        names = between(code(each.column) for each in indexed)
        return [
            heading,
            element("p", "Every index is 0: values are spread as in the baseline. ", names, class_="names"),
        ]
    most = max(2 * found.alert_at, *(_index(each) for each in indexed))
    rows = [Row(each.column, (Bar(_index(each) / most, "after", f"{_index(each):g}"),)) for each in indexed]
    lines = [
        Line(found.warn_at / most, f"some, {found.warn_at:g}"),
        Line(found.alert_at / most, f"much, {found.alert_at:g}"),
    ]
    ticks = [(0.0, "0"), (1.0, f"{most:.3g}")]
    return [heading, element("figure", bars.drawn("drift", "Population stability index by column", rows, ticks, lines))]


def _index(found: Drift) -> float:
    return round(found.psi or 0.0, 3)


def _without(found: Drifts) -> Content:
    names = [each.column for each in found.columns if each.psi is None]
    if not names:
        return None
    why = "Without an index (nearly all values differ, too few are told, or the baseline counts the column otherwise): "
    return element("p", why, between(map(code, names)), class_="names")


# -- verification -----------------------------------------------------------------------------------------------------


def verified(found: Verification | Missing, version: int) -> Content:
    if isinstance(found, Missing):
        return page.missing(found)
    level = "alert" if not found.holds else "warn" if any(c.outcome in NOT_MADE for c in found.checks) else "good"
    words = "fails" if not found.holds else "holds" if level == "good" else "holds, as far as it was checked"
    rows = ((each.name, page.mark(OUTCOMES[each.outcome], each.outcome), _faults(each.faults)) for each in found.checks)
    if found.version != version:
        level, words = "none", f"of version {found.version}: {words}"
    return [
        stale(found.version, version),
        element("p", page.mark(level, words), f" Version {found.version} of the table, by jobs/verify.py."),
        page.table(("Check", "Outcome", "Faults"), rows, (2,), "What each check means: docs/verify.md."),
        _survivors(found),
    ]


def _faults(number: int) -> str:
    return f"{number:,}" if number else "none"


def _survivors(found: Verification) -> Content:
    if found.looked_for is None:
        return None
    looked = [
        element(
            "p", "Raw values were looked for in every file of the table, of: ", between(map(code, found.looked_for))
        )
        if found.looked_for
        else None
    ]
    left = (element("li", "not looked for: ", code(name), f": {why}") for name, why in found.left_out)
    return [looked, element("ul", left) if found.left_out else None]


# -- keys -------------------------------------------------------------------------------------------------------------


def keys(found: Sequence[KeyVersion]) -> Content:
    if not found:
        return page.missing(Missing("no record names a key"))
    rows = (
        (
            [element("bdi", each.name), element("span", f"version {each.id}", class_="soft")],
            page.mark(STATES[each.state], each.state),
            "new data uses it" if each.is_primary else "",
            each.created or "not stated",
            "\u2013" if each.age_days is None else plural(each.age_days, "day"),
            f"{each.uses:,}" if each.uses else "none",
        )
        for each in found
    )
    unknown = [each for each in found if each.state == "unknown"]
    told = "State unknown: the keyset could not be opened for this page, or has the version no more." if unknown else ""
    header = ("Key", "State", "In use", "Made on", "Age", "Columns")
    return [page.table(header, rows, (4, 5)), element("p", told, class_="soft") if told else None]


# -- the log of runs --------------------------------------------------------------------------------------------------


def audit(found: AuditHead | Missing, what: str) -> Content:
    if isinstance(found, Missing):
        return page.missing(found)
    kinds = [f"{kind.replace('_', ' ')} {number:,}" for kind, number in found.kinds.items()]
    return [
        page.facts(
            [
                ("Log", code(found.place)),
                ("Rows", f"{found.rows:,}"),
                ("Root (SHA-256)", code(found.root)),
                (f"Rows of {what}", ", ".join(kinds) or "none"),
                ("Runs not ended", f"{found.open_runs:,}"),
            ]
        ),
        _checkpoint(found),
    ]


def _checkpoint(found: AuditHead) -> Content:
    verify: list[Content] = [
        "Whether the log is as it was tells ",
        code("python jobs/audit.py verify --conf CONF"),
        ", not this page.",
    ]
    if not found.note:
        why = found.signed or "no checkpoint of it was signed"
        return [page.missing(Missing(why, "python jobs/audit.py checkpoint --conf CONF")), element("p", verify)]
    told = f"The newest checkpoint speaks for {found.covers:,} of {found.rows:,} rows; {found.signed}."
    return [element("p", told, " ", verify), element("pre", found.note, tabindex=0)]


# -- runs -------------------------------------------------------------------------------------------------------------


def runs(found: Runs | Missing) -> Content:
    if isinstance(found, Missing):
        return page.missing(found)
    header = ("Version", "When", "By", "How", "Rows written", "Risk measured before the commit")
    more = f"{plural(found.left_out, 'older commit')} not shown." if found.left_out else ""
    return [page.table(header, _runs(found.shown), (4,), "The newest first, by the table's own log. " + more)]


def _runs(found: Sequence[Run]) -> Iterator[Sequence[Content]]:
    for each in found:
        rows = "\u2013" if each.rows is None else count(each.rows)
        yield f"{each.version}", each.at or "not known", _by(each), each.mode, rows, each.risk or "none asked for"


def _by(found: Run) -> Markup | str:
    return page.mark("warn", "others") if found.by == "others" else found.by
