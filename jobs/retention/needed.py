"""Back to where a table's log is needed by its next run, whatever the retention of the log says.

The commit of its last run says where that stopped in the source, which list of the erased it had, and what stands in
quarantine: a run that adds rows goes on from there. A source may be quiet for longer than a log is kept.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from jobs.lake import log_left, table_files
from jobs.lake.delta_commit import Transaction
from jobs.lake.history import History
from jobs.lake.remains import OF_LOG, Remains, day_after
from jobs.lake.table_files import DAY

GOES_ON = ("incremental", "changes", "stream")
SAID = ("erased_list", "quarantine")
"""What the run after asks for, of whatever mode it is."""
LONGER, SPARE = 2, 2
"""Of a log that is kept for the sake of a run: so many times as long as that is past, and so many days more; so its
property is not stated anew every night."""
WHY = "the table's next run goes on from what its log says of its last one: it goes once there was one"


def version(history: History, mode: str) -> int | None:
    """Of the commit that the next run needs; None where it needs none, or where it is gone already."""
    run, _ = history.since_last_run
    is_needed = run is not None and (mode in GOES_ON or any(run.run.get(name) for name in SAID))
    return run.version if run is not None and is_needed else None


def age(begun: Transaction, version: int | None) -> int:
    """How many days a commit is past, the begun one included; 0 for none, or where its file is gone."""
    files = table_files.listed(begun.spark, begun.location, log=True) if version is not None else []
    committed = dict(log_left.commits(files)).get(-1 if version is None else version)
    return 0 if committed is None else (table_files.now() - committed) // DAY + 1


def days(wanted: int, age: int, stated: int) -> int:
    """For how many days the log is to be kept, so that Delta's own clean-up leaves such a commit too. stated: for how
    many it is by now."""
    if age + SPARE <= wanted:
        return wanted
    return stated if age + SPARE <= stated <= LONGER * (age + SPARE) else LONGER * age + SPARE


def told(remains: Sequence[Remains], version: int | None) -> tuple[Remains, ...]:
    """What remains, where the log is past its time and stays for the sake of a version."""
    return tuple(_waiting(each) if version is not None and each.kind in OF_LOG else each for each in remains)


def _waiting(one: Remains) -> Remains:
    tomorrow: datetime.date = day_after(table_files.now())
    is_past = one.until is not None and one.until < tomorrow
    return dataclasses.replace(one, until=tomorrow, why=WHY) if is_past else one
