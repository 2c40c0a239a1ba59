"""What a run does with rows that it cannot treat: it sets them aside, first of all, and its own commit says so.

The rows are committed to the quarantine before the target is, under the run's id. A run that ends between the two
leaves rows of a run that the target does not know of: they are of no account, and the next run takes them away.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.columnar.set_aside import MOST_BYTES, MOST_ROWS, TOO_MANY
from jobs.gates.known import Prepared
from jobs.lake import quarantine_table, quarantined, replace
from jobs.lake.address import Address
from jobs.lake.quarantine_table import Place, Ranges
from jobs.lake.quarantined import Quarantined
from jobs.lake.state import TargetState
from jobs.run_events.events import Report, Warned
from jobs.spark_app import session
from jobs.spark_app.failures import RunFailed
from jobs.table_run import at_most, whereabouts
from jobs.treatment.kept_out import Out
from privacy_udfs import sealed_rows
from privacy_udfs.nested import Counts
from privacy_udfs.sealed_rows import Seal

MOST_RUNS = 1000
"""Runs, or batches of a stream, whose rows may stand in quarantine: each commit says which."""


@dataclasses.dataclass
class Aside:
    """What a run sets aside, and what earlier ones did.

    own: a session apart from the run's, which holds what is to be said of its commit. seal: None where a refused value
    stops the run. before: what stands there of earlier runs, and counts on. seen: all runs whose rows stood there when
    this one began, by the table's name. rows, version: of what it set aside. among: of how many. begun: whether any
    may stand there. kept_out: what of the erased was left out. suppressed: how many rows more the target will
    lack, those in small classes. stay, values: where it looks for these, how many rows it will have, and of columns
    with several in a row how many values. taken_out: the rows of earlier runs that it takes out of quarantine. left:
    how many rows of which runs it leaves there. treated: the counts of what was treated, as far as they are known, all
    of them. charge: tells the audit log that so many rows are about to be treated under some keys for good, whatever
    becomes of the run, and raises where there is no room.
    """

    own: SparkSession
    prepared: Prepared
    run_id: str
    place: Place | None
    seal: Seal | None
    before: Quarantined
    seen: Mapping[str, Collection[str]] = dataclasses.field(default_factory=dict)
    rows: int = 0
    among: int = 0
    begun: bool = False
    version: int | None = None
    suppressed: int = 0
    kept_out: Out = dataclasses.field(default_factory=Out)
    stay: int = 0
    values: Mapping[str, int] = dataclasses.field(default_factory=dict)
    taken_out: Ranges = dataclasses.field(default_factory=dict)
    left: Mapping[str, int] = dataclasses.field(default_factory=dict)
    treated: Counts = dataclasses.field(default_factory=dict)
    charge: Callable[[int, Collection[str]], None] | None = None

    @property
    def table(self) -> str:
        return self.prepared.table

    @property
    def mode(self) -> str:
        """What the run does, as `jobs.gates.known.Prepared.mode`."""
        return self.prepared.mode

    def expected(self) -> int | None:
        """How many rows the target is to get, where that is known beforehand; asked for once all are treated."""
        count = self.prepared.source.count
        return None if count is None else count - self.rows - self.suppressed

    def put(self, refused: Sequence[Mapping[str, Any]], rows: int) -> None:
        """Commit the rows to the quarantine. refused: file, row_in_file, label, rule and sealed of each. rows: how many
        were read. Raises `RunFailed` where more are refused than the entry lets be set aside."""
        if not refused:
            return
        assert self.place is not None, "rows are set aside where there is a place for them"
        at_most.check(self.prepared, refused, rows, self._waiting)
        if len(self.left) >= MOST_RUNS:
            told = f"rows of {len(self.left)} runs stand in quarantine, and each commit names all of them"
            heals = "mend the rules and treat them again with --requeue, or all rows anew with --mode full"
            raise RunFailed(f"{self.table}: {told}: {heals}; nothing was committed")
        if len(refused) > MOST_ROWS or sum(len(row["sealed"]) for row in refused) > MOST_BYTES:
            raise RunFailed(f"{self.table}: {TOO_MANY}; nothing was committed")
        stamp = datetime.datetime.now(datetime.timezone.utc)
        made = [{**self._row(at, row), "quarantined_at": stamp} for at, row in enumerate(refused)]
        self.begun = True
        self.version = quarantine_table.append(self.own, self.place.address, made, self.run_id)
        self.place = quarantine_table.inspected(self.own, self.place.address)
        self.rows, self.among = len(refused), rows

    @property
    def _waiting(self) -> int:
        """Rows of earlier runs that stay there."""
        return sum(self.left.values())

    def _row(self, number: int, told: Mapping[str, Any]) -> dict[str, Any]:
        assert self.seal is not None
        file = told["file"]
        return {
            "table": self.table,
            "target": _target(self.prepared),
            "run_id": self.run_id,
            "number": number,
            "file": None if file is None else whereabouts.named(file, self.prepared.entry.source),
            "row_in_file": told["row_in_file"],
            "column": told["label"].removeprefix(f"{self.table}: "),
            "rule": told["rule"],
            "key": self.seal.key.name,
            "key_id": self.seal.key.key_id,
            "sealed": told["sealed"],
        }

    def leave_out(self, out: Out) -> None:
        """So many rows of the source are of the erased, and the target gets none of them."""
        source, self.kept_out = self.prepared.source, out
        left = None if source.count is None else source.count - out.rows
        self.prepared = dataclasses.replace(self.prepared, source=dataclasses.replace(source, count=left))

    def stands(self) -> Quarantined:
        """What stands in quarantine once the run is committed: of a run in full its own rows alone."""
        own = {self.run_id: self.rows} if self.rows else {}
        place = None if self.place is None else self.place.id
        return Quarantined(place, {**self.left, **own}, self.taken_out, self.table)

    def stands_alone(self) -> bool:
        """Whether no other run may be committed beside this one, since each says what stands in quarantine."""
        return bool(self.stands())

    def said(self) -> Mapping[str, Any]:
        """What the user metadata of the run's commit says; nothing where nobody asked for a quarantine."""
        stands = self.stands()
        told: dict[str, Any] = {} if self.seal is None else {"quarantined": self.rows}
        return {**told, "quarantine": quarantined.as_json(stands, self.version)} if stands else told

    def told(self, rows: int) -> Iterator[str]:
        """That rows are missing in the target. rows: how many it got. With how many there are by now, so that a stream,
        which tells nothing twice, tells it anew of each batch that sets rows aside."""
        waiting = self._waiting
        if self.rows:
            beside = f", beside {waiting} of earlier runs" if waiting else ""
            among = "" if self.suppressed else f" of {self.among}"  # from which it would follow how many are missing
            yield f"{self.rows}{among} rows were refused and stand in quarantine{beside}"
        if waiting and self.mode == "requeue":
            yield f"{waiting} of {waiting + rows} rows in quarantine are refused still, and stay there"

    def settle(self) -> None:
        """Before the run's own commit: take away what the newest commit took out of quarantine."""
        if self.place is not None and self.before.taken_out:
            quarantine_table.remove_rows(self.own, self.place.address, self.table, self.before.taken_out)

    def clear(self, report: Report) -> None:
        """After the run's own commit: take away rows of runs that count no more. Whoever put them there, and did not
        commit by now, began before this run's commit and can commit no more; so they are lost to nobody."""
        if self.place is not None:
            self._tidied(report, self.place.address, self._cleared)

    def take_out(self, report: Report) -> None:
        """Where no row came to the target: take away what is taken out all the same, being of the erased. No commit of
        the target says so: rows that its runs left and that are not there any more count for nothing."""
        if self.place is not None and self.taken_out:
            quarantine_table.remove_rows(self.own, self.place.address, self.table, self.taken_out)
            told = "rows of the erased were taken out of quarantine; nothing else of it passes by now"
            report(Warned(self.table, told))

    def undo(self, report: Report) -> None:
        """After a run that was refused: take away what it has set aside, unless its commit is there after all."""
        if self.place is not None and self.begun:
            self._tidied(report, self.place.address, self._undone)

    def _cleared(self, address: Address) -> None:
        quarantine_table.remove_rows(self.own, address, self.table, self.taken_out)
        for table, runs in self.seen.items():
            quarantine_table.remove_runs(self.own, address, table, {*runs} - {*self.stands().runs})

    def _undone(self, address: Address) -> None:
        target = Address(path=self.prepared.target.location)
        if not target.exists(self.own) or replace.lacks(self.own, TargetState(target), self.run_id):
            quarantine_table.remove_runs(self.own, address, self.table, {self.run_id})

    def _tidied(self, report: Report, address: Address, step: Callable[[Address], None]) -> None:
        try:
            step(address)
        except Exception:  # whatever it is: how the run ended is what counts, and the next run does it
            told = "rows in quarantine that count no more were not taken away; the next run does it"
            report(Warned(self.table, told))


def opened(prepared: Prepared, run_id: str) -> Aside:
    """What a run may set aside rows in. Nothing is written; what was taken out is taken away by `Aside.settle`."""
    place, table = prepared.quarantine, prepared.table
    before = Quarantined() if prepared.mode == "full" else quarantined.of(prepared.target.history)
    if place is None:
        return Aside(prepared.spark, prepared, run_id, None, None, Quarantined())
    own, seal = session.pinned(prepared.spark), None
    if prepared.entry.on_refused == "quarantine" and not prepared.allowed.requeue:
        assert prepared.entry.quarantine is not None
        technique = sealed_rows.technique(table, run_id)
        key = prepared.keys.reference_of(prepared.entry.quarantine.key, technique, sealed_rows.DOMAIN)
        seal = Seal(key, table, run_id)
    target = _target(prepared)
    seen = {} if place.id is None else quarantine_table.runs(own, place.address, target)
    return Aside(own, prepared, run_id, place, seal, before, seen, left=before.runs)


def _target(prepared: Prepared) -> str:
    location = prepared.target.location
    assert location is not None, "rows are set aside beside a transaction, which knows where the target is"
    return quarantine_table.target_id(location)
