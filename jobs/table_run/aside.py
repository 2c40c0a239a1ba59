"""What a run does with rows that it cannot treat: it sets them aside, first of all, and its own commit says so.

The rows are committed to the quarantine before the target is, under the run's id. A run that ends between the two
leaves rows of a run that the target does not know of: they are of no account, and the next run takes them away.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.columnar.set_aside import MOST_BYTES, MOST_ROWS, TOO_MANY
from jobs.configuration.models import Quarantine
from jobs.gates.known import Prepared
from jobs.lake import quarantine_table, quarantined
from jobs.lake.quarantine_table import Place, Ranges
from jobs.lake.quarantined import Quarantined
from jobs.run_events.events import Report, Warned
from jobs.spark_app import session
from jobs.spark_app.failures import RunFailed
from jobs.table_run import whereabouts
from privacy_udfs import sealed_rows
from privacy_udfs.sealed_rows import Seal

MOST_RUNS = 1000
"""Runs, or batches of a stream, whose rows may stand in quarantine: each commit says which."""
FEWEST = 10
"""Rows that may be set aside whatever share of a run's they are."""


@dataclasses.dataclass
class Aside:
    """What a run sets aside, and what earlier ones did.

    own: a session apart from the run's, which holds what is to be said of its commit. seal: None where a refused value
    stops the run. before: what stands there of earlier runs, and counts on. seen: all runs whose rows stood there when
    this one began. rows, version: of what it set aside. suppressed: how many rows more the target will lack, those in
    small classes. taken_out: the rows of earlier runs that it takes out of quarantine. left: how many rows of which
    runs it leaves there.
    """

    own: SparkSession
    prepared: Prepared
    run_id: str
    place: Place | None
    seal: Seal | None
    before: Quarantined
    seen: frozenset[str] = frozenset()
    rows: int = 0
    version: int | None = None
    suppressed: int = 0
    taken_out: Ranges = dataclasses.field(default_factory=dict)
    left: Mapping[str, int] = dataclasses.field(default_factory=dict)

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
        _check_share(self.table, self._stated, refused, rows)
        if len(self.left) >= MOST_RUNS:
            told = f"rows of {len(self.left)} runs stand in quarantine, and each commit names all of them"
            raise RunFailed(f"{self.table}: {told}: mend the rules and treat them again with --requeue")
        if len(refused) > MOST_ROWS or sum(len(row["sealed"]) for row in refused) > MOST_BYTES:
            raise RunFailed(f"{self.table}: {TOO_MANY}; nothing was committed")
        stamp = datetime.datetime.now(datetime.timezone.utc)
        made = [{**self._row(at, row), "quarantined_at": stamp} for at, row in enumerate(refused)]
        self.version = quarantine_table.append(self.own, self.place.address, made, self.run_id)
        self.place = quarantine_table.inspected(self.own, self.place.address)
        self.rows = len(refused)

    @property
    def _stated(self) -> Quarantine:
        stated = self.prepared.entry.quarantine
        assert stated is not None, "a run that sets rows aside is told where"
        return stated

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

    def stands(self) -> Quarantined:
        """What stands in quarantine once the run is committed: of a run in full its own rows alone."""
        own = {self.run_id: self.rows} if self.rows else {}
        return Quarantined(None if self.place is None else self.place.id, {**self.left, **own}, self.taken_out)

    def stands_alone(self) -> bool:
        """Whether no other run may be committed beside this one, since each says what stands in quarantine."""
        return bool(self.stands())

    def said(self) -> Mapping[str, Any]:
        """What the user metadata of the run's commit says; nothing where nobody asked for a quarantine."""
        stands = self.stands()
        told: dict[str, Any] = {} if self.seal is None else {"quarantined": self.rows}
        return {**told, "quarantine": quarantined.as_json(stands, self.version)} if stands else told

    def told(self, rows: int) -> Iterator[str]:
        """That rows are missing in the target. rows: how many it got."""
        if self.rows:
            yield f"{self.rows} of {self.rows + rows} rows were refused and stand in quarantine"
        refused = sum(self.left.values())
        if refused and self.mode == "requeue":
            yield f"{refused} of {refused + rows} rows in quarantine are refused still, and stay there"

    def settle(self) -> None:
        """Before the run's own commit: take away what the newest commit took out of quarantine."""
        if self.place is not None and self.before.taken_out:
            quarantine_table.remove_rows(self.own, self.place.address, self.table, self.before.taken_out)

    def clear(self, report: Report) -> None:
        """After the run's own commit: take away rows of runs that count no more. Whoever put them there, and did not
        commit by now, began before this run's commit and can commit no more; so they are lost to nobody."""
        if self.place is None:
            return
        obsolete = self.seen - {*self.stands().runs}
        try:
            quarantine_table.remove_rows(self.own, self.place.address, self.table, self.taken_out)
            quarantine_table.remove_runs(self.own, self.place.address, self.table, obsolete)
        except (PySparkException, Py4JError):  # the next run does it
            report(
                Warned(self.table, "rows in quarantine that count no more were not taken away; the next run does it")
            )


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
    seen = frozenset() if place.id is None else frozenset(quarantine_table.runs(own, place.address, table, target))
    return Aside(own, prepared, run_id, place, seal, before, seen, left=before.runs)


def _target(prepared: Prepared) -> str:
    location = prepared.target.location
    assert location is not None, "rows are set aside beside a transaction, which knows where the target is"
    return quarantine_table.target_id(location)


def _check_share(table: str, stated: Quarantine, refused: Sequence[Mapping[str, Any]], rows: int) -> None:
    most = max(FEWEST, int(stated.at_most * rows))
    if len(refused) <= most:
        return
    found = collections.Counter((str(row["label"]).removeprefix(f"{table}: "), row["rule"]) for row in refused)
    listed = ", ".join(f"{count} by {rule} of {column}" for (column, rule), count in found.most_common(5))
    raise RunFailed(
        f"{table}: of {rows} rows {len(refused)} are refused ({listed}), and quarantine.at_most ({stated.at_most}) "
        f"lets {most} be set aside: mend the rules, or raise it; nothing was committed"
    )
