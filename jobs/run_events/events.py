"""What a run tells: a summary on a terminal, one JSON line per event elsewhere. No values and no secrets."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import IO, Any

from jobs.console import shown
from jobs.console.terminal import is_terminal
from jobs.console.text_table import table_lines

Report = Callable[..., None]
"""``report("committed", table=..., version=...)``"""


def silent(event: str, **fields: Any) -> None:
    """For notebooks and tests: the result says it all."""


def json_lines(event: str, **fields: Any) -> None:
    """One JSON object a line on standard output, with the time in UTC."""
    stamp = datetime.fromtimestamp(time.time(), timezone.utc).isoformat(timespec="milliseconds")
    print(shown.as_json({"time": stamp, "event": event, **fields}, default=str), flush=True)


def terminal(event: str, **fields: Any) -> None:
    """Lines for a person."""
    table = fields.get("table", "")
    if event == "planned":
        _tell(f"{table}: treating {fields['columns']} leaf columns of {fields['source']}")
    elif event == "checked":
        _tell(f"{table}: all {fields['columns']} leaf columns decided, all checks passed")
    elif event == "committed":
        _tell(_summary(fields))
    elif event in ("warning", "failed"):
        named = str(fields["message"]).startswith(f"{table}: ")
        _tell(f"{table + ': ' if table and not named else ''}{fields['message']}", sys.stderr)


def _tell(text: str, file: IO[str] | None = None) -> None:
    print(shown.event(text), file=file or sys.stdout, flush=True)


def for_stream() -> Report:
    """`terminal` where a person watches, else `json_lines`."""
    return terminal if is_terminal() else json_lines


def _summary(fields: dict[str, Any]) -> str:
    seconds = fields["seconds"]
    rate = f"{fields['rows'] / seconds:,.0f} rows/s" if seconds else ""
    lines = [f"{fields['table']}: version {fields['version']}, {fields['rows']:,} rows in {seconds:.1f} s, {rate}"]
    header = ("column", "class", "technique", "treated", "null", "refused")
    rows = [[str(_shown(column[name])) for name in header] for column in fields["columns"]]
    return "\n".join(lines + [f"  {line}" for line in table_lines(header, rows)])


def _shown(value: Any) -> Any:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else value
