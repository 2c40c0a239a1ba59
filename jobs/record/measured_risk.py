"""What the run that wrote a table last measured of its risk: in the table's properties, beside the record.

The commit says it too, in its user metadata, which a clean-up of the log takes away; the property stays, until another
run commits. Counts stand in it as they may be shown. Whoever writes tables can write it, so that nothing here believes
it to have the right form: what has not is as if nothing had been measured.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.configuration.documents import canonical_json
from jobs.console.shown import shown
from jobs.lake.history import History
from jobs.lake.log_commits import Commit
from jobs.lake.record_names import RISK
from jobs.record import treatment_record

COUNTED = ("rows", "people")
BOUND = re.compile(r"[<>] (\d{1,15})")
"""A count that is not told."""
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclasses.dataclass(frozen=True)
class MeasuredRisk:
    """version: that the run committed, or was to commit. at: when, in UTC; None where only the log says it. risk: as
    the commit has it. is_changed: whether others have changed rows since. is_known: whether the log tells of all that
    came since: it does not where it was trimmed, or began anew in a clone."""

    version: int
    at: str | None
    risk: Mapping[str, Any]
    is_changed: bool = False
    is_known: bool = True

    def as_data(self) -> dict[str, Any]:
        when = {} if self.at is None else {"at": self.at}
        return {
            "version": self.version,
            **when,
            **self.risk,
            **({"rows_changed_since": True} if self.is_changed else {}),
            **({} if self.is_known else {"rows_may_have_changed_since": True}),
        }


def properties(risk: Mapping[str, Any] | None, run_id: str, version: int) -> dict[str, str | None]:
    """What the table's properties are to say; None of what they are not to say any more. version: that the run is to
    commit."""
    if risk is None:
        return {RISK: None}
    at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        RISK: treatment_record.shown(canonical_json({"run_id": run_id, "version": version, "at": at, "risk": risk}))
    }


def carried(properties: Mapping[str, str], run_id: str, version: int) -> dict[str, str]:
    """What the property is to say once a commit is the newest that leaves all classes as they are; nothing where it
    says nothing that can be believed. version: that is committed."""
    told = _told(properties)
    if told is None:
        return {}
    return {RISK: treatment_record.shown(canonical_json({**told, "run_id": run_id, "version": version}))}


def of(properties: Mapping[str, str], history: History) -> MeasuredRisk | None:
    """What the last run measured; None where it measured nothing. Its commit counts, as long as the log has it, since a
    property is easily set by others; then the property."""
    run, later = history.since_last_run
    told = _told(properties)
    if run is None:
        found = None if told is None else MeasuredRisk(told["version"], told["at"], told["risk"])
        later = tuple(each for each in history.commits if found is not None and each.version > found.version)
    else:
        risk, is_its = _risk(run.run.get("risk")), told is not None and told["run_id"] == run.run.get("run_id")
        at = told["at"] if told is not None and is_its else None
        found = None if risk is None else MeasuredRisk(run.version, at, risk)
    if found is None:
        return None
    is_known = run is not None or _tells_of_all_since(history, found.version)
    return dataclasses.replace(found, is_changed=_is_changed(later), is_known=is_known)


def all_of(properties: Mapping[str, str], history: History) -> list[MeasuredRisk]:
    """What every run measured whose commit the log still has, the oldest first; and the last one's in any case."""
    told = ((each, _risk(each.run.get("risk"))) for each in history.commits if each.version in history.ours)
    found = [MeasuredRisk(each.version, None, risk) for each, risk in told if risk is not None]
    last = of(properties, history)
    return found if last is None else [*(each for each in found if each.version != last.version), last]


def _tells_of_all_since(history: History, version: int) -> bool:
    if history.version == version:
        return True
    return bool(history.commits) and history.commits[0].version <= version + 1 <= history.version


def _is_changed(later: Sequence[Commit]) -> bool:
    return any(each.operation == "RESTORE" or each.added or each.removed for each in later)


def _told(properties: Mapping[str, str]) -> dict[str, Any] | None:
    try:
        told = json.loads(properties.get(RISK, "null"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not _is_count(told.get("version")):
        return None
    risk, at, run_id = _risk(told.get("risk")), told.get("at"), told.get("run_id")
    is_sound = isinstance(run_id, str) and isinstance(at, str) and STAMP.fullmatch(at) is not None
    return {"version": told["version"], "at": at, "run_id": run_id, "risk": risk} if is_sound and risk else None


def most(told: int | str) -> int | None:
    """The most that a count may be, as it is told; None where that is not told."""
    if isinstance(told, int):
        return told
    bound = BOUND.fullmatch(told)
    return int(bound[1]) - 1 if bound is not None and told[0] == "<" else None


# -- the form of what was measured -------------------------------------------------------------------------------------


def _risk(told: Any) -> dict[str, Any] | None:
    """What was measured, with no more in it than is known to be there; None where something is not as runs say it."""
    if not isinstance(told, dict) or told.get("counted") not in COUNTED:
        return None
    counts = {name: told.get(name) for name in ("rows", *COUNTED[1:], "classes", "uniques", "at_risk") if name in told}
    exact = {name: told.get(name) for name in ("quasi_identifiers", "k")}
    bounds, by, sensitive = (told.get(name, {}) for name in ("asked", "asked_by", "sensitive"))
    is_sound = (
        {"rows", told["counted"], "classes", "uniques", "at_risk"} <= counts.keys()
        and all(map(_is_shown, counts.values()))
        and all(map(_is_count, exact.values()))
        and all(isinstance(each, dict) for each in (bounds, by, sensitive))
        and all(map(_is_number, bounds.values()))
        and all(isinstance(each, str) for each in by.values())
        and all(map(_is_learnt, sensitive.values()))
    )
    if not is_sound:
        return None
    learnt = {shown(path): {name: each[name] for name in ("l", "t")} for path, each in sensitive.items()}
    return {
        "asked": {shown(name): bound for name, bound in bounds.items()},
        "asked_by": {shown(name): shown(each) for name, each in by.items()},
        "quasi_identifiers": exact["quasi_identifiers"],
        "counted": told["counted"],
        **{name: counts[name] for name in COUNTED if name in counts},
        "classes": counts["classes"],
        "k": exact["k"],
        "uniques": counts["uniques"],
        "at_risk": counts["at_risk"],
        **({"sensitive": learnt} if "sensitive" in told else {}),
    }


def _is_learnt(told: Any) -> bool:
    return isinstance(told, dict) and all(
        name in told and (told[name] is None or _is_number(told[name])) for name in "lt"
    )


def _is_count(told: Any) -> bool:
    return isinstance(told, int) and not isinstance(told, bool) and told >= 0


def _is_number(told: Any) -> bool:
    return isinstance(told, int | float) and not isinstance(told, bool)


def _is_shown(told: Any) -> bool:
    return _is_count(told) or (isinstance(told, str) and BOUND.fullmatch(told) is not None)
