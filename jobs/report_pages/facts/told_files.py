"""What other jobs printed as JSON, read with caution: a file may be of anybody, and hold anything.

Of a verification no sentence is taken over, for these hold counts that pages do not show: names of checks and columns,
outcomes, and how many faults there are. A table of which a file says what no job prints is missing, and the rest goes
on; a file in which no table can be read is refused.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from jobs.console.exit_codes import BadUsage
from jobs.console.shown import shown
from jobs.report_pages.facts.evidence_facts import NOT_MADE, Check, Drift, Drifts, Verification
from jobs.report_pages.facts.plain import Missing

MONITOR = "python jobs/monitor.py --conf CONF --all --baseline FILE --json > monitored.json"
VERIFY = "python jobs/verify.py --conf CONF --all --json > verified.json"
OUTCOMES = ("holds", "fails", *NOT_MADE)
LEVELS = ("alert", "warn")
T = TypeVar("T")
Json = Mapping[str, Any]
Tables = Iterator[tuple[str, Callable[[], T]]]
UNREADABLE = (AttributeError, KeyError, RecursionError, TypeError, ValueError)


def verified(path: Path) -> dict[str, Verification | Missing]:
    """By table, what `jobs/verify.py --json` printed; of several the last. Raises `BadUsage`."""

    def of(told: list[Json]) -> Tables[Verification]:
        for each in told:
            yield str(each["table"]), functools.partial(_verification, each)

    return _read(path, "jobs/verify.py", VERIFY, of)


def monitored(path: Path) -> dict[str, Drifts | Missing]:
    """By table, what `jobs/monitor.py --json` printed. Raises `BadUsage`."""

    def of(told: list[Json]) -> Tables[Drifts]:
        for each in told:
            for name, table in each["tables"].items():
                yield str(name), functools.partial(_drifts, each, str(name), table)

    return _read(path, "jobs/monitor.py", MONITOR, of)


def _read(path: Path, job: str, command: str, of: Callable[[list[Json]], Tables[T]]) -> dict[str, T | Missing]:
    missing = Missing(f"what the file says of this table is not what {job} --json prints", command)
    try:
        found = {name: _or(missing, made) for name, made in of(list(_objects(path.read_text(encoding="utf-8"))))}
        if found and all(each is missing for each in found.values()):
            raise ValueError("no table can be read")
        return found
    except OSError as error:
        raise BadUsage(f"{shown(str(path))}: {error.strerror}") from None
    except UNREADABLE:
        raise BadUsage(f"{shown(str(path))}: is not what {job} --json prints") from None


def _or(missing: Missing, made: Callable[[], T]) -> T | Missing:
    try:
        return made()
    except UNREADABLE:
        return missing


def _objects(text: str) -> Iterator[Json]:
    """One JSON object after the other, as a job prints them for several tables."""
    decoder, at = json.JSONDecoder(), 0
    text = text.strip()
    if not text:
        raise ValueError("nothing is there")
    while at < len(text):
        found, at = decoder.raw_decode(text, at)
        if not isinstance(found, dict):
            raise TypeError("no object")
        yield found
        at += len(text[at:]) - len(text[at:].lstrip())


def _verification(told: Json) -> Verification:
    checks = tuple(_check(each) for each in told["checks"])
    scan = told["survivor_scan"]
    looked_for = None if scan is None else tuple(map(str, scan["looked_for"]))
    left_out = () if scan is None else tuple((str(name), str(why)) for name, why in scan["left_out"].items())
    holds = told["holds"] is True and not any(check.outcome == "fails" for check in checks)
    return Verification(_whole(told["version"]), str(told["said"]), holds, checks, looked_for, left_out)


def _check(told: Json) -> Check:
    if told["outcome"] not in OUTCOMES:
        raise ValueError("no outcome")
    return Check(str(told["name"]), told["outcome"], len(list(told["faults"])))


def _drifts(told: Json, name: str, table: Json) -> Drifts:
    findings = [each for each in told["findings"] if each["table"] == name and each["level"] in LEVELS]
    columns = table.get("columns", {})
    rows = tuple(_drift(str(path), each, findings) for path, each in columns.items())
    own = tuple((each["level"], str(each["message"])) for each in findings if each.get("column") not in columns)
    version = table.get("version")
    is_compared = any("psi" in each for each in columns.values())  # without a baseline no column has one, not even null
    at = None if version is None else _whole(version)
    return Drifts(str(told["measured_at"]), at, rows, own, is_compared=is_compared)


def _drift(path: str, told: Json, findings: list[Json]) -> Drift:
    own = [each for each in findings if each.get("column") == path]
    level = min((each["level"] for each in own), key=LEVELS.index, default="")
    psi, nulls = (_number(told.get(name)) for name in ("psi", "null_share"))
    return Drift(path, psi, nulls, level, tuple(str(each["message"]) for each in own))


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("no whole number")
    return value


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
        raise TypeError("no share, and no index")
    return float(value)
