"""What a run tells: frozen events, and what is made of them: lines on a terminal, JSON elsewhere. No values and no
secrets. Whatever else is to know of a run is one more function of an event.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from jobs.console import called, colour, shown
from jobs.console.terminal import is_terminal
from jobs.console.text_table import table_lines
from jobs.run_events import risk_words
from jobs.run_events.run_steps import RunSteps


@dataclasses.dataclass(frozen=True)
class Begun:
    """A run begins to treat a table. columns: how many leaf columns it has. steps: makes the steps of the run, for
    whoever asks for them; None where nobody can."""

    name: ClassVar[str] = "planned"
    table: str
    run_id: str
    columns: int
    source: str
    steps: Callable[[], RunSteps] | None = dataclasses.field(default=None, compare=False, repr=False)


@dataclasses.dataclass(frozen=True)
class Checked:
    """All that must hold before the first write does."""

    name: ClassVar[str] = "checked"
    table: str
    columns: int


@dataclasses.dataclass(frozen=True)
class Treated:
    """One leaf column, or one case of it, and how many of its values were treated, null or refused; None where nobody
    counted, since it was not read."""

    column: str
    class_: str
    technique: str
    treated: int | None
    null: int | None
    refused: int | None


@dataclasses.dataclass(frozen=True)
class Committed:
    """A run committed its rows with their record. rows_per_second: None where no time passed. execution: ``columnar``
    or ``spark``; not_columnar: why it was Spark's path, None where it was asked for or was not taken. mode:
    ``full``, ``incremental`` where the rows were added to those of the target, ``requeue`` where they were rows out of
    quarantine, ``partitions`` where they replaced those of some partitions (with no rows these are empty now), or
    ``changes`` where some of them were written anew; then ``changed`` says how many were inserted, updated and deleted,
    and how many updates were stale, of rows that the target no longer has. quarantined: rows of the source that were
    refused and set aside; they are none of ``rows``. risk: what was measured of the table before the commit, None where
    nothing is asked of it. mondrian: what boxes its quasi-identifiers were cut into, None where they were not; then
    these columns do not say how many values they had. suppressed: rows that were kept out, being in small classes, a
    number or ``< 10``, None where nobody asked for it; they are none of ``rows``, and where there are any, no column
    says how many values it had. kept_out: rows of the erased that were left out, likewise; None where the policy names
    no list of them; kept_out_values: values of theirs in rows of others, if any."""

    name: ClassVar[str] = "committed"
    table: str
    run_id: str
    version: int
    rows: int
    seconds: float
    rows_per_second: float | None
    columns: tuple[Treated, ...]
    execution: str = "spark"
    not_columnar: str | None = None
    mode: str = "full"
    changed: Mapping[str, int] | None = None
    quarantined: int = 0
    risk: Mapping[str, Any] | None = None
    suppressed: int | str | None = None
    mondrian: Mapping[str, Any] | None = None
    kept_out: int | str | None = None
    kept_out_values: int | str | None = None


@dataclasses.dataclass(frozen=True)
class Unchanged:
    """A run found nothing new in the source, and wrote nothing. version: of the target, as it was. ends: the run that
    had begun by then; None where it was known before one began."""

    name: ClassVar[str] = "unchanged"
    table: str
    version: int
    ends: str | None = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(frozen=True)
class Warned:
    """Someone should see to something; the run goes on."""

    name: ClassVar[str] = "warning"
    table: str
    message: str


@dataclasses.dataclass(frozen=True)
class Failed:
    """A job ends with this exit code for a table, or as a whole where ``table`` is empty. kind: the name of the error,
    for whoever is not to read the message. risk: what was measured of the rows, where a bound that they miss is why;
    with ``small_classes``, where these are, by size."""

    name: ClassVar[str] = "failed"
    table: str
    exit_code: int
    message: str
    kind: str | None = dataclasses.field(default=None, compare=False)
    risk: Mapping[str, Any] | None = dataclasses.field(default=None, compare=False)


Event = Begun | Checked | Committed | Unchanged | Warned | Failed
Report = Callable[[Event], None]
"""``report(Committed(table=..., version=...))``"""


IF_ANY = ("risk", "suppressed", "mondrian", "kept_out", "kept_out_values")
"""What an event does not mention where there is none."""
NOT_TOLD = ("steps", "ends", "kind")
"""What of an event is no part of its line."""


def silent(event: Event) -> None:
    """For notebooks and tests: the result says it all."""


def as_data(event: Event) -> dict[str, Any]:
    """An event as plain data, for JSON."""
    fields = dataclasses.asdict(event, dict_factory=lambda pairs: {key.rstrip("_"): value for key, value in pairs})
    if isinstance(event, Warned):
        fields["message"] = called.spoken(event.message)
    left_out = {*NOT_TOLD, *(name for name in IF_ANY if fields.get(name) is None)}
    return {"event": event.name, **{name: value for name, value in fields.items() if name not in left_out}}


def json_lines(event: Event) -> None:
    """One JSON object a line on standard output, with the time in UTC."""
    print(shown.stamped(as_data(event)), flush=True)


def terminal(event: Event) -> None:
    """Lines for a person."""
    if isinstance(event, Begun):
        shown.say_event(f"{event.table}: treating {event.columns} leaf columns of {event.source}")
    elif isinstance(event, Checked):
        shown.say_event(f"{event.table}: all {event.columns} leaf columns decided, all checks passed")
    elif isinstance(event, Committed):
        shown.say_event(_summary(event), tint=colour.GREEN)
    elif isinstance(event, Unchanged):
        shown.say_event(f"{event.table}: nothing new in its source; it stays at version {event.version}")
    else:
        named = not event.table or event.message.startswith(f"{event.table}: ")
        text = event.message if named else f"{event.table}: {event.message}"
        shown.say_event(text, sys.stderr, colour.RED if isinstance(event, Failed) else colour.YELLOW)


def for_stream() -> Report:
    """`terminal` where a person watches, else `json_lines`."""
    return terminal if is_terminal() else json_lines


def one_at_a_time(report: Report) -> Report:
    """The same for many threads: an event is told to its end before the next one is, so that no line is torn."""
    lock = threading.Lock()

    def told(event: Event) -> None:
        with lock:
            report(event)

    return told


ROWS = {
    "incremental": "new rows",
    "stream": "new rows",
    "partitions": "rows in the place of chosen partitions",
    "requeue": "rows out of quarantine",
}
"""What the rows of a run are, by its mode."""


def _summary(event: Committed) -> str:
    rate = f", {event.rows / event.seconds:,.0f} rows/s" if event.seconds else ""
    way = "columnar path" if event.execution == "columnar" else "Spark's path"
    if event.not_columnar:
        way = f"{way}: {event.not_columnar}"
    title = f"{event.table}: version {event.version}, {_number(event)} in {event.seconds:.1f} s{rate}, {way}"
    header = ("column", "class", "technique", "treated", "null", "refused")
    rows = [[_shown(value) for value in dataclasses.astuple(column)] for column in event.columns]
    risk = [] if event.risk is None else [f"  risk: {risk_words.in_words(event.risk)}"]
    boxes = [] if event.mondrian is None else [f"  mondrian: {risk_words.of_boxes(event.mondrian)}"]
    return "\n".join([title, *(f"  {line}" for line in table_lines(header, rows, indent=2)), *boxes, *risk])


def _number(event: Committed) -> str:
    number = f"{event.rows:,} {ROWS.get(event.mode, 'rows')}"
    if event.changed is not None:
        told = (f"{count:,} {what}" for what, count in event.changed.items() if count or what != "stale")
        number = ", ".join(told)
    more = [f"{event.quarantined:,} more in quarantine"] if event.quarantined else []
    if event.suppressed:
        more.append(f"{risk_words.shown(event.suppressed)} in small classes kept out")
    if event.kept_out:
        more.append(f"{risk_words.shown(event.kept_out)} of the erased kept out")
    if event.kept_out_values:
        more.append(f"{risk_words.shown(event.kept_out_values)} values of theirs taken out of rows of others")
    if more:
        return f"{number} ({', '.join(more)})"
    return f"{number}, which are empty now," if event.mode == "partitions" and not event.rows else number


def _shown(value: str | int | None) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else value
