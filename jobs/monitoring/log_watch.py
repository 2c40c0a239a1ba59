"""What the audit log tells that wants somebody: runs that failed, were refused, or did not say how they ended, and
reversals of the last days. Nothing where no log is kept; its rows alone are read, and not whether they are as they were
(``jobs/audit.py verify`` says that)."""

from __future__ import annotations

import dataclasses
import datetime
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.audit_log.leaves import ENDS, Kind
from jobs.configuration.config import Config
from jobs.lake import audit_table
from jobs.lake.address import Address
from jobs.monitoring.finding import Finding
from jobs.spark_app import failures
from privacy_udfs.errors import LakenymError

REVERSALS: tuple[Kind, ...] = ("reversal", "break_glass")
REFUSED, LATER = "refused", ("done", "failed", "removed", "reviewed")
"""Of reversals: one that was not let, and what is told of one that was told of before."""
STARTED: Kind = "run_started"
RETAINED: Kind = "retention"
DONE = "done"
UNKNOWN: Kind = "run_unknown"
LATELY = datetime.timedelta(hours=72)
"""Of so long reversals are told, and runs that went wrong before one that did not."""
OPEN = datetime.timedelta(hours=24)
"""After so long a run should have told how it ended."""
BACK = datetime.timedelta(days=90)
"""So far the log is read: a table whose last run is older is `stale`."""
OVERDUE = datetime.timedelta(days=7)
"""After so long without a word of `jobs/retain.py` the retention of a table is overdue."""
WRONG = {"run_failed": "failed", "run_refused": "was refused", UNKNOWN: "has no known end"}
SEVERAL = {"was refused": "were refused", "has no known end": "have no known end"}
FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclasses.dataclass(frozen=True)
class Row:
    """What a row of the log says. time: as text, in UTC, which sorts as times do."""

    time: str
    kind: str
    table: str
    run_id: str
    outcome: str = ""


def findings(spark: SparkSession, conf: Config, names: Collection[str], now: datetime.datetime) -> list[Finding]:
    """What the log of a configuration tells of some of its tables; of reversals whichever table they are of. now: in
    UTC. A log that cannot be read is told of."""
    if conf.audit is None:
        return []
    address = Address.of(conf.audit.table)
    try:
        rows = failures.translated("audit.yaml", lambda: _read(spark, address, now))
    except LakenymError as error:
        return [Finding("alert", "", "audit", f"the audit log cannot be read: {error}", "mend that first")]
    kept = [name for name in names if conf.tables[name].kept is not None]
    return [*of_rows(rows, names, now), *_overdue(rows, kept, now)]


def _read(spark: SparkSession, address: Address, now: datetime.datetime) -> list[Row]:
    wanted = {"kind": (*ENDS, STARTED, *REVERSALS, RETAINED)}
    return [_row(each) for each in audit_table.chosen(spark, address, wanted, since=_text(now - BACK))]


def _row(told: Mapping[str, Any]) -> Row:
    return Row(*(str(told[field.name] or "") for field in dataclasses.fields(Row)))


def _text(at: datetime.datetime) -> str:
    return at.astimezone(datetime.timezone.utc).strftime(FORMAT)


def of_rows(rows: Iterable[Row], names: Collection[str], now: datetime.datetime) -> Iterator[Finding]:
    """What rows of a log tell, in whatever order they stand there."""
    ordered = sorted(rows, key=lambda row: row.time)
    lately = _text(now - LATELY)
    for table in names:
        yield from _of_runs(table, [row for row in ordered if row.table == table], lately, _text(now - OPEN))
    reversals = [row for row in ordered if row.kind in REVERSALS and row.outcome not in LATER and row.time >= lately]
    for table in sorted({row.table for row in reversals}):
        yield _reversals(table, [row for row in reversals if row.table == table], names)


def _of_runs(table: str, rows: list[Row], lately: str, open_since: str) -> Iterator[Finding]:
    known = {row.run_id for row in rows if row.kind in ENDS and row.kind != UNKNOWN}
    ends = [row for row in rows if row.kind in ENDS and not (row.kind == UNKNOWN and row.run_id in known)]
    to_do = "look into its job's log, and run it again: audit.py list says which run it was, and why"
    if ends and ends[-1].kind in WRONG:
        message = f"its last run {WRONG[ends[-1].kind]}, at {_minute(ends[-1].time)}"
        yield Finding("alert", table, "run", message, to_do)
    earlier = Counter(WRONG[row.kind] for row in ends[:-1] if row.kind in WRONG and row.time >= lately)
    if earlier:
        hours = f"within {LATELY // datetime.timedelta(hours=1)} hours, before its last one"
        counts = sorted(earlier.items())
        listed = ", ".join(f"{many} that {what if many == 1 else SEVERAL.get(what, what)}" for what, many in counts)
        yield Finding("warn", table, "run", f"runs went wrong {hours}: {listed}", to_do)
    ended = {row.run_id for row in ends}
    for row in rows:
        if row.kind == STARTED and row.run_id not in ended and row.time < open_since:
            message = f"a run that began at {_minute(row.time)} has not told how it ended"
            yield Finding("warn", table, "run", message, "look whether it still runs, or have audit.py settle tell it")


def _overdue(rows: Sequence[Row], kept: Collection[str], now: datetime.datetime) -> Iterator[Finding]:
    """Tables whose retention is to be carried out, and was not for some days; none that was made since."""
    since = _text(now - OVERDUE)
    for table in kept:
        of_table = [row for row in rows if row.table == table]
        done = max((row.time for row in of_table if row.kind == RETAINED and row.outcome == DONE), default="")
        if done < since and any(row.time < since for row in of_table):
            told = f"was last carried out at {_minute(done)}" if done else "was not carried out within 90 days"
            to_do = "run jobs/retain.py, and every night: rows past their time may be there yet"
            yield Finding("alert", table, "retention", f"its retention {told}", to_do)


def _reversals(table: str, rows: list[Row], names: Collection[str]) -> Finding:
    """Each one is somebody whose pseudonym, or many whose pseudonyms, were turned back, or would have been."""
    known = table in names
    of = "" if known or not table else f"of {table}: "
    let = [row for row in rows if row.outcome != REFUSED]
    parts = [f"{len(let)} {'reversal' if len(let) == 1 else 'reversals'}"] if let else []
    parts += [f"{len(rows) - len(let)} that {'was' if len(rows) - len(let) == 1 else 'were'} refused"] * (rows != let)
    to_do = "hold them against what was asked for: audit.py list --kind reversal --kind break_glass says who, and when"
    message = f"{of}{' and '.join(parts)} within 72 hours, the last at {_minute(rows[-1].time)}"
    return Finding("warn", table if known else "", "reversal", message, to_do)


def _minute(time: str) -> str:
    """A time for people. What is none in the log's form is not shown."""
    try:
        return datetime.datetime.strptime(time, FORMAT).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return "a time that is none"
