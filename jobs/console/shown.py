"""Text on its way to a person or a log collector: characters that cannot be seen, or that move others, escaped.

Names of tables and columns may hold any character: a line break that would forge a line of a log, a terminal's control
codes, marks that turn the direction of writing, separators that some readers take for line ends. Every line that a job
prints goes through here, and every draft. A treatment record keeps names as they are: it is compared by equality.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import IO, Any

from jobs.console import called, colour


def shown(name: str) -> str:
    """One line, in which every character can be seen: others as JSON escapes them (``\\n``, ``\\u202e``)."""
    return name if name.isprintable() else "".join(map(_escaped, name))


def _escaped(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]


def lines(text: str) -> str:
    """The same for text of several lines, whose line breaks stay; of JSON it is the same JSON."""
    return "\n".join(map(shown, text.split("\n")))


def event(text: str) -> str:
    """The same for what is one event: all lines but the first are indented, so that none passes for another event."""
    first, *more = text.split("\n")
    return "\n".join([shown(first), *(shown(line if line.startswith("  ") else f"  {line}") for line in more)])


def as_json(data: Any, **options: Any) -> str:
    """JSON with Unicode as it is, but for what cannot be seen, which is escaped."""
    return lines(json.dumps(data, ensure_ascii=False, **options))


def stamped(data: Mapping[str, Any]) -> str:
    """What happened as one line of JSON, with the time in UTC."""
    stamp = datetime.fromtimestamp(time.time(), timezone.utc).isoformat(timespec="milliseconds")
    return as_json({"time": stamp, **data})


def as_yaml(text: str) -> str:
    """YAML of several lines in which all that cannot be seen stands in double quotes, escaped there as YAML has it."""
    return "".join(each if each.isprintable() or each == "\n" else _escaped_in_yaml(each) for each in text)


def _escaped_in_yaml(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def say(text: str, file: IO[str] | None = None) -> None:
    """Print lines for a person, at once, with jobs in them as they can be typed here; JSON as it is."""
    out = file or sys.stdout
    told = text if text.startswith(("{", "[")) else called.spoken(text)
    print(colour.meant(lines(told), out), file=out, flush=True)


def say_event(text: str, file: IO[str] | None = None, tint: str = "") -> None:
    """Print what is one event (`event`), its first line in a colour of `jobs.console.colour`."""
    out = file or sys.stdout
    first, *more = event(called.spoken(text)).split("\n")
    head = colour.whole(first, tint, out) if tint else first
    print("\n".join([head, *(colour.meant(line, out) for line in more)]), file=out, flush=True)
