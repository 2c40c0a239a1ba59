"""What of a table is other than it was, by more than its bounds: all of it told by what profiles may hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from jobs.monitoring import chance, psi
from jobs.monitoring.finding import Finding, Level
from jobs.monitoring.profile import ColumnProfile, TableProfile
from jobs.monitoring.tally import MOST_CATEGORIES
from jobs.monitoring.told import Told, count
from jobs.risk_measures.report import SMALL

Bounds = Mapping[str, float]
GONE = 3 * SMALL
"""Where so many rows were to be expected, fewer than ten come by chance less than once in ten thousand times."""
LOOK = "find out why, and where it is as it should be make a new baseline"


@dataclasses.dataclass(frozen=True)
class Drift:
    """How one column moved. psi: None where there is nothing to compare. by_chance: what of it samples of one
    distribution may show. new_categories: how many there are that chance and
    the baseline's rest do not explain; new_values: in so many values."""

    before: ColumnProfile
    now: ColumnProfile
    psi: float | None = None
    by_chance: float = 0.0
    new_categories: int = 0
    new_values: int = 0

    @property
    def new_share(self) -> float:
        return self.new_values / self.now.values if self.now.values else 0.0


def of_column(now: ColumnProfile, before: ColumnProfile) -> Drift:
    """By what both profiles tell, and nothing else: of an index that knew more, what they hide could be solved for."""
    if now.kind != before.kind or now.kind == "many" or not before.values or not now.values:
        return Drift(before, now)
    names = [name for name in before.counts if _is_apart(name, now, before)]
    was, here = ([each.counts.get(name, 0) for name in names] for each in (before, now))
    was, here = [*was, before.values - sum(was)], [*here, now.values - sum(here)]
    fresh = _fresh(now, before) if now.kind == "categories" else []
    return Drift(before, now, psi.index(was, here), psi.by_chance(was, here), len(fresh), sum(fresh))


def _is_apart(name: str, now: ColumnProfile, before: ColumnProfile) -> bool:
    """Whether a category of the baseline is compared by itself. One whose count is hidden now is a part of the rest, in
    both, unless nearly all of its rows are gone."""
    is_gone = before.counts[name] * now.values >= GONE * before.values
    return name in now.counts or (name not in now.known and is_gone)


def _fresh(now: ColumnProfile, before: ColumnProfile) -> list[int]:
    """The counts of categories that are new, whatever few rows of each the baseline may have had. Of one whose count is
    hidden, with which stand one to nine others, what it has at the least."""
    named = {*before.counts, *before.known}
    unnamed = [many for name, many in now.counts.items() if name not in named]
    unnamed += [max(SMALL, now.rest - SMALL + 1) for name in now.known if name not in named]
    rest = max(0, before.rest - SMALL * len(before.known))
    return chance.unexplained(unnamed, rest, now.values / before.values)


def no_baseline(table: str) -> Finding:
    """Of a table that there is nothing to compare with."""
    return Finding("warn", table, "columns", "is not in the baseline", "make a new baseline")


def findings(
    table: str,
    bounds: Bounds,
    now: TableProfile,
    before: TableProfile,
    drifts: Mapping[str, Drift],
    own: Mapping[str, Bounds] = {},
) -> Iterator[Finding]:
    """own: by path the bounds of columns that have others than the table."""
    change = Told.of(now.rows).change(Told.of(before.rows))
    if abs(change) > bounds["rows"]:
        message = _moved(now.rows, before.rows, "rows", change)
        yield Finding("alert", table, "rows", message, LOOK)
    for path in sorted(before.columns.keys() - now.columns.keys()):
        yield Finding("alert", table, "columns", "was in the baseline, and is gone", LOOK, path)
    for path in sorted(now.columns.keys() - before.columns.keys()):
        yield Finding("warn", table, "columns", "is not in the baseline", "make a new baseline", path)
    for path, drift in drifts.items():
        yield from _of_drift(table, path, own.get(path, bounds), drift)


def _of_drift(table: str, path: str, bounds: Bounds, drift: Drift) -> Iterator[Finding]:
    before, now = drift.before, drift.now
    if drift.psi is not None and drift.psi > max(bounds["psi_warn"], drift.by_chance):
        level: Level = "alert" if drift.psi > bounds["psi"] else "warn"
        message = f"its values are spread otherwise: population stability index {drift.psi:.3g}"
        yield Finding(level, table, "psi", message, LOOK, path)
    if drift.new_categories and drift.new_share > bounds["new_categories"]:
        many = f"{drift.new_categories} new {'category' if drift.new_categories == 1 else 'categories'}"
        message = f"{many}, in {drift.new_share:.2%} of its values"
        yield Finding("alert", table, "new_categories", message, LOOK, path)
    if now.kind != before.kind:
        yield from _of_kinds(table, path, bounds, drift)
    if before.seen and now.seen and now.null_shares.moved(before.null_shares) > bounds["nulls"]:
        message = f"{_nulls(now)} nulls, {_nulls(before)} in the baseline"
        yield Finding("alert", table, "nulls", message, LOOK, path)
    if now.kind == before.kind and before.values and now.values:
        change = now.differents.change(before.differents)
        if abs(change) > bounds["distinct"]:
            what = f"different values{_of_ten_rows(now, before)}"
            message = f"about {_moved(now.different, before.different, what, change)}"
            yield Finding("alert", table, "distinct", message, LOOK, path)


def _of_kinds(table: str, path: str, bounds: Bounds, drift: Drift) -> Iterator[Finding]:
    """Of a column that cannot be counted as it was in the baseline."""
    before, least = drift.before, MOST_CATEGORIES + 1
    if before.kind == "categories":
        level: Level = "alert" if Told(least, least).change(before.differents) > bounds["distinct"] else "warn"
        known = f"{count(before.different)} categories{_of_ten_rows(before)}"
        message = f"over {MOST_CATEGORIES} different values, where the baseline has {known}"
        yield Finding(level, table, "new_categories", message, LOOK, path)
    elif before.kind == "bins":
        yield Finding("alert", table, "columns", "held numbers, and holds none now", LOOK, path)


def _moved(now: int, before: int, what: str, change: float) -> str:
    least = "" if now and before else " at least"
    return f"{count(now)} {what}, {count(before)} in the baseline ({change:+.0%}{least})"


def _of_ten_rows(*columns: ColumnProfile) -> str:
    """What is said of a number of categories, where some may not be among them."""
    hides = any(each.kind == "categories" and each.rest for each in columns)
    return f" of {SMALL} rows and more" if hides else ""


def _nulls(column: ColumnProfile) -> str:
    """A share for people; where it comes from few, what it is on the safe side of."""
    shares = column.null_shares
    if shares.least == shares.most:
        return f"{shares.least:.1%}"
    return f"over {shares.least:.1%}" if column.nulls else f"under {SMALL / column.seen:.1%}"
