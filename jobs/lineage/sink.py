"""What becomes of a run's events as lineage: one sink for all tables of a process."""

from __future__ import annotations

import dataclasses
import os
import threading
import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from jobs.configuration.config import Config
from jobs.configuration.lineage_entry import Lineage
from jobs.console.exit_codes import FAILED, BadUsage, Refused
from jobs.lineage import places, transport
from jobs.lineage.open_lineage import Json, Kind, Run
from jobs.lineage.patience import Patient
from jobs.lineage.transport import NotTaken
from jobs.run_events.events import Begun, Committed, Event, Failed, Report, Unchanged, Warned

SUPERSEDED = "another run of the table began"


class LineageRefused(Refused):
    """Lineage is required, and the first event of a run was not taken; nothing was committed."""


def told(report: Report, conf: Config, settings: Lineage | None, environ: Mapping[str, str] = os.environ) -> Report:
    """The same report, and lineage besides; the same where nobody says where that goes. Raises `BadUsage`.

    A report that is told from several threads goes on being one: each table's events come from one thread at a time.
    """
    if settings is None:
        return report
    send = transport.to(settings, environ)
    return _Sink(report, conf, settings, send if settings.required else Patient(send))


@dataclasses.dataclass
class _Sink:
    """under_way: by table, the runs that have begun and of which no end was told. over: tables whose last run ended,
    or was refused since its first event was not taken and had to be: what fails afterwards is no run of its own."""

    report: Report
    conf: Config
    settings: Lineage
    transport: transport.Transport
    under_way: dict[str, Run] = dataclasses.field(default_factory=dict)
    over: set[str] = dataclasses.field(default_factory=set)
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def __call__(self, event: Event) -> None:
        self.report(event)
        if isinstance(event, Begun):
            self._begin(event)
        elif isinstance(event, Committed):
            self._end(event.table, "COMPLETE", committed=event)
        elif isinstance(event, Unchanged):
            self._unchanged(event)
        elif isinstance(event, Failed) and event.table in self.conf.tables:
            self._fail(event)

    def _begin(self, event: Begun) -> None:
        self._end(event.table, "ABORT", failure=SUPERSEDED)
        run, why = self._known(event)
        if why is None or not self.settings.required:
            why = self._emitted(run.event("START")) or why
        with self.lock:
            self.over.discard(event.table)
        if why is not None and self.settings.required:
            with self.lock:
                self.over.add(event.table)
            raise LineageRefused(
                f"{event.table}: lineage is required, and its first event was not taken at {self.settings.place}: "
                f"{why}; nothing was committed. Mend that, or state required: false in lineage.yaml"
            )
        with self.lock:
            self.under_way[event.table] = run
        self._warned(event.table, why)

    def _known(self, event: Begun) -> tuple[Run, str | None]:
        """The run with all that is known of it, and why no more is."""
        run = self._run(event.run_id, event.table)
        try:
            known = None if event.steps is None else event.steps()
        except Exception as error:  # a defect of ours is no fault of the run
            return run, f"its steps cannot be told (unexpected {type(error).__name__})"
        if known is None:
            return run, None
        return dataclasses.replace(run, source=known.source, target=known.target, steps=known), None

    def _end(self, table: str, kind: Kind, version: int | None = None, **more: Any) -> None:
        with self.lock:
            run = self.under_way.pop(table, None)
            self.over.add(table)
        if run is None:
            return
        if version is not None:
            run = dataclasses.replace(run, target=dataclasses.replace(run.target, version=str(version)))
        self._warned(table, self._emitted(run.event(kind, **more)))

    def _unchanged(self, event: Unchanged) -> None:
        """It ends the run that it names. Any other that is under way was left, and is not complete."""
        with self.lock:
            run = self.under_way.get(event.table)
        if run is not None and run.id == event.ends:
            self._end(event.table, "COMPLETE", version=event.version)
        else:
            self._end(event.table, "ABORT", failure=SUPERSEDED)

    def _fail(self, event: Failed) -> None:
        """A run that was refused before it began has no steps, and an id of its own. After a run's end nothing is told:
        its end is final to those who are told, and what it committed stays."""
        kind: Kind = "FAIL" if event.exit_code == FAILED else "ABORT"
        with self.lock:
            has_begun, is_over = event.table in self.under_way, event.table in self.over
        if is_over and not has_begun:
            return None
        if not has_begun:
            run = self._run(str(uuid.uuid4()), event.table)
            if self._emitted(run.event("START")) is not None:
                return self._warned(event.table, "not even that the run ended could be told")
            with self.lock:
                self.under_way[event.table] = run
        return self._end(event.table, kind, failure=_why(event))

    def _run(self, run_id: str, table: str) -> Run:
        entry = self.conf.tables[table]
        spark = places.session()
        source, target = places.of(spark, entry.source, entry.source.format), places.of(spark, entry.target)
        return Run(run_id, f"pseudonymize.{table}", self.settings.namespace, source, target)

    def _emitted(self, event: Json) -> str | None:
        """Why an event was not taken; None: it was. What goes wrong here is no fault of the run."""
        try:
            self.transport(event)
        except NotTaken as error:
            return str(error)
        except Exception as error:  # a defect of ours must not undo what was committed
            return f"unexpected {type(error).__name__}"
        return None

    def _warned(self, table: str, why: str | None) -> None:
        if why is not None:
            self.report(Warned(table, f"lineage: an event was not taken at {self.settings.place}: {why}"))


def _why(event: Failed) -> str:
    """Never the message, which may hold counts and places of this machine."""
    return f"exit code {event.exit_code}{f': {event.kind}' if event.kind else ''}"


def stated(conf: Config, to: str | None) -> Lineage | None:
    """Where lineage goes: as a command line says, else as the configuration does; None: nowhere. Raises `BadUsage`."""
    if to is None:
        return conf.lineage
    known = {} if conf.lineage is None else conf.lineage.model_dump(exclude={"to"})
    if to.startswith("file:"):
        known.pop("token", None)
    try:
        return Lineage.model_validate({**known, "to": to})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        raise BadUsage(f"--lineage: {found['msg'].removeprefix('Value error, ')}") from None
