"""An approval in plain words: what it allows, for whoever is about to sign it, or holds it."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Mapping

from jobs.configuration.column_path import ColumnPath, Field
from jobs.console.shown import shown
from jobs.reversal.approval import TIME, Approval


def lines(approval: Approval, by: str, classes: Mapping[str, str], unproven: Collection[str] = ()) -> Iterator[str]:
    """by: who signs it, or signed it. classes: of the columns, as far as they are known. unproven: columns of which
    nothing shows that a value is the one that was treated. No text of the approval can pass for a line of ours."""
    return map(shown, _lines(approval, by, classes, unproven))


def not_proven(columns: Collection[str]) -> str:
    """Of columns whose technique authenticates nothing."""
    return (
        f"not proven: {', '.join(columns)}: a pseudonym that was changed comes out as another value, and nothing tells"
    )


def _lines(approval: Approval, by: str, classes: Mapping[str, str], unproven: Collection[str]) -> Iterator[str]:
    how = "as they were before they were treated" if approval.form == "clear" else "all but their last four characters"
    yield f"{by} allows {approval.actor} to see values of {approval.table}, {how}:"
    yield from (f"  {path} ({classes.get(path, 'of no class that is known')}){_all(path)}" for path in approval.columns)
    if unproven:
        yield not_proven(unproven)
    if approval.beside:
        yield f"beside them, as the treated table has them: {', '.join(path + _all(path) for path in approval.beside)}"
    yield f"rows: {_rows(approval)}"
    yield f"at most: {approval.at_most:,} rows, {'in one run' if approval.once else 'in EACH of any number of runs'}"
    yield f"purpose: {approval.purpose}"
    times = f"from {_time(approval.not_before)} until {_time(approval.expires)}"
    yield f"{times}; what was written is to be removed by then"
    yield f"of the table at {approval.place}, treated as its record of today says ({approval.record_sha256[:16]})"
    yield f"approval {approval.id}"


def state(approval: Approval, now: datetime.datetime) -> str:
    """Whether it counts now, as far as its times say."""
    if now < approval.not_before:
        return "it does not count yet"
    return "it has EXPIRED" if now >= approval.expires else "it counts now, if it was not used up"


def _all(path: str) -> str:
    """Rows are counted, and a row may hold any number of values."""
    is_one = all(isinstance(step, Field) for step in ColumnPath.parse(path).steps)
    return "" if is_one else ", of each row with ALL its elements"


def _rows(approval: Approval) -> str:
    if approval.rows.where is not None:
        return f"all with {approval.rows.where}"
    return f"those with a token of a file, of {approval.columns[0]} (SHA-256 {approval.rows.tokens_sha256})"


def _time(time: datetime.datetime) -> str:
    return time.strftime(TIME)
