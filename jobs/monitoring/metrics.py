"""Findings and measures in Prometheus' text format, version 0.0.4, for a collector that reads files.

Names of tables and columns are labels, escaped as the format asks. A count from 1 to 9 is told as 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from jobs.console.shown import shown
from jobs.monitoring.finding import Finding
from jobs.monitoring.looked import Looked
from jobs.monitoring.report import Report

PREFIX = "lakenym_monitor_"
Samples = Sequence[tuple[Mapping[str, str], float]]


def text(report: Report) -> str:
    """The whole file. It ends in a line break, as every line of it does."""
    return "".join(f"{line}\n" for name, told, samples in _families(report) for line in _family(name, told, samples))


def _family(name: str, told: str, samples: Samples) -> Iterator[str]:
    if samples:
        yield f"# HELP {PREFIX}{name} {_escaped(told)}"
        yield f"# TYPE {PREFIX}{name} gauge"
        yield from (f"{PREFIX}{name}{_labels(labels)} {_number(value)}" for labels, value in samples)


def _labels(labels: Mapping[str, str]) -> str:
    quoted = ",".join(f'{name}="{_in_quotes(value)}"' for name, value in labels.items())
    return f"{{{quoted}}}" if quoted else ""


def _in_quotes(value: str) -> str:
    return _escaped(shown(value)).replace('"', '\\"')


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _families(report: Report) -> Iterator[tuple[str, str, Samples]]:
    yield "last_check_timestamp_seconds", "When this was measured.", [({}, int(report.now.timestamp()))]
    yield "findings", "What was found, by how urgent it is.", list(_findings(report.findings, report.looked))
    yield from _of_house(report.looked)
    yield from _of_tables(report)


def _findings(found: Sequence[Finding], looked: Mapping[str, Looked]) -> Iterator[tuple[Mapping[str, str], float]]:
    counted = Counter((each.table, each.level, each.what) for each in found)
    for (table, level, what), many in sorted(counted.items()):
        yield {"table": table, "level": level, "what": what}, many
    for name in looked:
        for level in ("alert", "warn"):
            if not any((each.table, each.level) == (name, level) for each in found):
                yield {"table": name, "level": level, "what": ""}, 0


def _of_house(looked: Mapping[str, Looked]) -> Iterator[tuple[str, str, Samples]]:
    ran = {name: each.ran_at for name, each in looked.items()}
    stamps = [({"table": name}, int(at.timestamp())) for name, at in ran.items() if at is not None]
    yield "last_run_timestamp_seconds", "When the last run of a table committed.", stamps
    waiting = [({"table": name}, each.waiting) for name, each in looked.items()]
    yield "quarantined_rows", "Rows that stand in quarantine; 0 for fewer than ten.", waiting
    refused = [
        ({"table": name, "column": path}, share)
        for name, each in looked.items()
        for path, share in (each.runs[-1].refused.items() if each.runs else ())
    ]
    yield "refused_share", "Share of a column's values that the last run refused.", refused


def _of_tables(report: Report) -> Iterator[tuple[str, str, Samples]]:
    yield (
        "rows",
        "Rows of a treated table; 0 for fewer than ten.",
        [({"table": name}, each.rows) for name, each in report.profiles.items()],
    )
    columns = [
        ({"table": name, "column": path}, column)
        for name, each in report.profiles.items()
        for path, column in each.columns.items()
    ]
    yield (
        "null_share",
        "Share of a column's values that are null.",
        [(labels, column.null_share) for labels, column in columns],
    )
    yield (
        "different_values",
        "Different values of a column, about; 0 for fewer than ten.",
        [(labels, column.different) for labels, column in columns],
    )
    drifts = [
        ({"table": name, "column": path}, drift) for name, each in report.drifts.items() for path, drift in each.items()
    ]
    yield (
        "psi",
        "Population stability index of a column against the baseline.",
        [(labels, drift.psi) for labels, drift in drifts if drift.psi is not None],
    )
    yield (
        "new_categories",
        "Categories that the baseline does not have, of ten rows and more.",
        [(labels, drift.new_categories) for labels, drift in drifts],
    )
    yield (
        "new_categories_share",
        "Share of a column's values in such categories.",
        [(labels, drift.new_share) for labels, drift in drifts],
    )
