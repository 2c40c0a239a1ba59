"""Prometheus' text format, as its own client reads it."""

from __future__ import annotations

import datetime

from prometheus_client import parser

from jobs.monitoring import metrics
from jobs.monitoring.drift import Drift
from jobs.monitoring.finding import Finding
from jobs.monitoring.profile import ColumnProfile, TableProfile
from jobs.monitoring.report import Report

NOW = datetime.datetime(2026, 11, 28, 3, 0, tzinfo=datetime.timezone.utc)
ODD = 'a "b" \\n c{key}'
COLUMN = ColumnProfile(1000, 250, 40, "many", {}, (), 750)


def test_prometheus_reads_what_was_meant() -> None:
    table = TableProfile(123_456_789_012, {ODD: COLUMN})
    found = [Finding("alert", "t", "psi", "moved", "look", ODD), Finding("alert", "t", "psi", "moved too", "look", "b")]
    report = Report(NOW, found, {}, {"t": table}, {"t": {ODD: Drift(COLUMN, COLUMN, 0.1234, 0.01, 2, 75)}})
    text = metrics.text(report)
    families = {family.name: family for family in parser.text_string_to_metric_families(text)}
    samples = {sample.name: (sample.labels, sample.value) for family in families.values() for sample in family.samples}
    prefix = "lakenym_monitor_"
    assert samples == {
        f"{prefix}last_check_timestamp_seconds": ({}, 1_795_834_800),
        f"{prefix}findings": ({"table": "t", "level": "alert", "what": "psi"}, 2),
        f"{prefix}rows": ({"table": "t"}, 123_456_789_012),
        f"{prefix}null_share": ({"table": "t", "column": ODD}, 0.25),
        f"{prefix}different_values": ({"table": "t", "column": ODD}, 40),
        f"{prefix}psi": ({"table": "t", "column": ODD}, 0.1234),
        f"{prefix}new_categories": ({"table": "t", "column": ODD}, 2),
        f"{prefix}new_categories_share": ({"table": "t", "column": ODD}, 0.1),
    }
    assert {family.type for family in families.values()} == {"gauge"}
    assert all(family.documentation for family in families.values())
    assert text.endswith("\n")


def test_each_family_stands_once_and_together() -> None:
    tables = {name: TableProfile(100, {"a": COLUMN, "b": COLUMN}) for name in ("one", "two")}
    lines = metrics.text(Report(NOW, profiles=tables)).splitlines()
    helps = [line.split()[2] for line in lines if line.startswith("# HELP")]
    assert len(helps) == len(set(helps))
    assert [line.split()[2] for line in lines if line.startswith("# TYPE")] == helps
    named = [line.split("{")[0].split()[0] for line in lines if not line.startswith("#")]
    assert list(dict.fromkeys(named)) == helps
    assert len([name for name in named if name.endswith("null_share")]) == 4


def test_a_name_cannot_forge_a_sample() -> None:
    text = metrics.text(Report(NOW, profiles={'x"} 1\nforged 2': TableProfile(100, {})}))
    assert "\nforged" not in text
    assert len(list(parser.text_string_to_metric_families(text))) == 2
