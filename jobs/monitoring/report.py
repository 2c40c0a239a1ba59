"""What monitoring tells: findings, and what was measured, as text for a person and as plain data."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jobs.console.numbers import many
from jobs.monitoring.drift import Drift
from jobs.monitoring.finding import Finding
from jobs.monitoring.looked import Looked
from jobs.monitoring.profile import ColumnProfile, TableProfile
from jobs.risk_measures.report import SMALL


@dataclasses.dataclass(frozen=True)
class Report:
    """now: when it was measured, in UTC. looked: what the logs of targets say. profiles: of the tables that were read.
    drifts: by table and column, of those that a baseline has too."""

    now: datetime.datetime
    findings: Sequence[Finding] = ()
    looked: Mapping[str, Looked] = dataclasses.field(default_factory=dict)
    profiles: Mapping[str, TableProfile] = dataclasses.field(default_factory=dict)
    drifts: Mapping[str, Mapping[str, Drift]] = dataclasses.field(default_factory=dict)

    @property
    def alerts(self) -> list[Finding]:
        return [each for each in self.findings if each.level == "alert"]


def as_data(report: Report) -> dict[str, Any]:
    tables = {
        name: {**_of_log(report.looked.get(name)), **_of_profile(report, name)}
        for name in dict.fromkeys([*report.looked, *report.profiles])
    }
    return {
        "measured_at": report.now.isoformat(timespec="seconds"),
        "findings": [each.as_data() for each in report.findings],
        "tables": tables,
    }


def _of_log(looked: Looked | None) -> dict[str, Any]:
    if looked is None:
        return {}
    ran_at = None if looked.ran_at is None else looked.ran_at.isoformat(timespec="seconds")
    waiting: int | str = f"< {SMALL}" if looked.some_wait and not looked.waiting else looked.waiting
    return {
        "version": looked.state.version,
        "last_run_at": ran_at,
        "quarantined": waiting,
        "runs": [dataclasses.asdict(run) for run in looked.runs],
    }


def _of_profile(report: Report, name: str) -> dict[str, Any]:
    profile, drifts = report.profiles.get(name), report.drifts.get(name, {})
    if profile is None:
        return {}
    columns = {path: {**_of_column(each), **_of_drift(drifts.get(path))} for path, each in profile.columns.items()}
    return {"rows": profile.rows or f"< {SMALL}", "left_out": list(profile.left_out), "columns": columns}


def _of_column(each: ColumnProfile) -> dict[str, Any]:
    return {
        "values": each.seen or f"< {SMALL}",
        "null_share": each.null_share,
        "different": each.different or f"< {SMALL}",
        "kind": each.kind,
    }


def _of_drift(drift: Drift | None) -> dict[str, Any]:
    if drift is None:
        return {}
    return {"psi": drift.psi, "new_categories": drift.new_categories, "new_share": drift.new_share}


def lines(report: Report) -> Iterator[str]:
    for name, profile in report.profiles.items():
        yield f"{name}: {profile.rows or f'< {SMALL}'} rows, {many(len(profile.columns), 'column')} counted"
        if profile.left_out:
            yield f"  left out, of types that are not counted: {', '.join(profile.left_out)}"
    yield from map(str, sorted(report.findings, key=lambda each: (each.level, each.table)))
    if not report.findings:
        yield "nothing to tell"
