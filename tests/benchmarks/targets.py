"""What the project promises of its speed, each beside what was measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from tests.benchmarks import audit, check, growth, kernels, risk, scale, search, shapes, tables, verified
from tests.benchmarks.timing import Times

LOOP = "hand-written `hmac.new` loop"
SIV, SIV_PEER = "**deterministic_encryption**", "`cryptography` AESSIV per value"
FF1, FF1_PEER = "**format_preserving_encryption**", "libffx per value"
HASHING = "Keyed hashing, all values distinct"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """promise: in words. found: the figure in ``unit``, None where it was not measured. met: whether it is kept."""

    promise: str
    target: str
    found: float | None
    met: bool
    unit: str = "x"


def of_kernels(measured: Mapping[str, Sequence[kernels.Row]]) -> list[Verdict]:
    """How many times faster; at least."""
    repeats = next(title for title in measured if "distinct values" in title and title != HASHING)
    siv = next(title for title in measured if title.startswith("Deterministic"))
    ff1 = next(title for title in measured if title.startswith("Format"))
    fast = "**HMAC-SHA-256, extra `fast`**"
    promises = [
        (HASHING, "**AES-CMAC**", LOOP, 12),
        (HASHING, "**HMAC-SHA-256**", LOOP, 3),
        (HASHING, fast, LOOP, 8),
        (repeats, "**AES-CMAC**", LOOP, 15),
        (repeats, "**HMAC-SHA-256**", LOOP, 15),
        (siv, SIV, SIV_PEER, 6),
        (ff1, FF1, FF1_PEER, 100),
    ]
    return [_faster(measured[title], title, name, base, least) for title, name, base, least in promises]


def _faster(rows: Sequence[kernels.Row], title: str, name: str, base: str, least: int) -> Verdict:
    times = {row.name: row.per_value for row in rows}
    mine, its = times[name], times[base]
    found = None if mine is None or its is None else its.ratio(mine)
    return Verdict(
        f"{title}: {name} against {base}", f"at least {least} x", found, found is not None and found >= least
    )


def of_check(times: Times) -> Verdict:
    """Seconds; at most."""
    return Verdict(f"`jobs/check.py`, {check.TABLES:,} tables", "at most 2 s", times.median, times.median <= 2, "s")


def of_tables(rows: Sequence[tables.Row]) -> list[Verdict]:
    """Times the seconds of another way, by the clock; at most."""
    by_name = {row.name: row for row in rows}
    promises = [
        (tables.CMAC, tables.COPY, 0.60),
        (tables.HMAC, tables.COPY, 0.75),
        (tables.CMAC, tables.SHA2, 0.33),
    ]
    verdicts = []
    for name, base, most in promises:
        found = by_name[name].ratio(by_name[base])
        verdicts.append(Verdict(f"{name}: seconds over those of the {base}", f"at most {most} x", found, found <= most))
    return verdicts


def of_size(rows: Sequence[tables.Row]) -> Verdict:
    """Bytes on disk of the same treated rows, against Spark's path; at most."""
    by_name = {row.name: row for row in rows}
    found = by_name[tables.CMAC].size / by_name[tables.SPARK].size
    return Verdict("bytes on disk over those that Spark writes", "at most 1.02 x", found, found <= 1.02)


def of_shapes(found: Sequence[shapes.Shape]) -> list[Verdict]:
    """Times the seconds of another way, by the clock; at most. Of two cores at least so much faster."""
    most = {shapes.WIDE: 0.60, shapes.NESTED: 0.70, shapes.CSV: 0.70, shapes.SCAN: 1.05, shapes.FILTER: 1.05}
    verdicts = []
    for shape in found:
        if shape.title not in (*most, shapes.CORES):
            continue  # nothing is promised of it
        base, mine = shape.rows[:2]
        ratio = mine.ratio(base)
        if shape.title == shapes.CORES:
            verdicts.append(Verdict(shape.title, "at least 1.7 x faster", ratio, ratio >= 1.7))
        else:
            target = most[shape.title]
            title = f"{shape.title}: {mine.name} over {base.name}"
            verdicts.append(Verdict(title, f"at most {target} x", ratio, ratio <= target))
    return verdicts


def of_risk(found: risk.Measured) -> list[Verdict]:
    """Times the seconds of Spark's own count, and times the bytes read of a table that has no other column; at most."""
    rows = {row.name: row for row in found.cases}
    verdicts = []
    for name, most in ((risk.K, 1.3), (risk.ALL, 3)):
        ratio = rows[name].ratio(rows[risk.COUNT])
        verdicts.append(
            Verdict(f"{name}: seconds over those of {risk.COUNT}", f"at most {most} x", ratio, ratio <= most)
        )
    wide, narrow = found.reads
    ratio = wide.read / narrow.read
    title = f"six of {wide.columns} columns measured: bytes read over those of a table that has no others"
    return [*verdicts, Verdict(title, "at most 1.25 x", ratio, ratio <= 1.25)]


def of_verify(found: verified.Measured) -> Verdict:
    """Seconds; at most."""
    title = f"`jobs/verify.py`, {found.rows:,} rows, {found.values:,} values looked for"
    return Verdict(title, "at most 60 s", found.seconds, found.seconds <= 60 and found.holds, "s")


def of_search(found: search.Measured) -> list[Verdict]:
    """Seconds, and times the checks of other ways; at most."""
    asked, title = found.asked, f"the least generalization of Adult, {search.TARGET}"
    fewer = asked.found.checks / asked.breadth_first
    return [
        Verdict(f"{title}: from the rows, beyond Spark's start", "at most 4 s", found.whole, found.whole <= 4, "s"),
        Verdict(f"{title}: checks over those breadth first", "below 1 x", fewer, fewer < 1 and asked.same),
    ]


def of_audit(found: audit.Measured) -> Verdict:
    """Seconds a run; at most."""
    title = "a run that the audit log tells of: seconds beyond one without"
    return Verdict(title, "at most 1 s", found.more, found.more <= 1, "s")


def of_growth(added: Sequence[growth.Row], changed: Sequence[growth.Changed]) -> list[Verdict]:
    """Of what all rows cost, and times the seconds of a MERGE; at most."""
    verdicts = []
    for row in added:
        title = f"{row.rows:,} rows and 1 % new ones: seconds over those of all anew, each beyond one row's"
        verdicts.append(Verdict(title, "at most 5 %", 100 * row.share, row.share <= 0.05, "%"))
    for each in changed:
        title = f"{each.rows:,} rows, of which 1 % changed: seconds over those of the same MERGE by Spark"
        verdicts.append(Verdict(title, "at most 3 x", each.ratio, each.ratio <= 3))
    return verdicts


def of_scale(rows: Sequence[scale.Row]) -> list[Verdict]:
    """The most that twice the rows take, and how far the worker's peak grows from the first large table to the last; at
    most."""
    pairs = [(one, two) for one in rows for two in rows if two.rows == 2 * one.rows and one.rows > 1]
    longer = max((two.seconds / one.seconds for one, two in pairs), default=None)
    large = [row.worker for row in rows[1:]]
    grown = max(large) / min(large) if large and min(large) else None
    return [
        Verdict("twice the rows: seconds, at worst", "at most 2.2 x", longer, longer is not None and longer <= 2.2),
        Verdict("the worker's peak over all sizes", "at most 1.1 x", grown, grown is not None and grown <= 1.1),
    ]


def of_elements(found: scale.Elements) -> Verdict:
    """Times the seconds of as many rows; at most."""
    title = f"{found.count:,} structs in arrays: seconds over those of as many rows"
    return Verdict(title, "at most 1.3 x", found.ratio, found.ratio <= 1.3)
