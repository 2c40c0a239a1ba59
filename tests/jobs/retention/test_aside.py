"""Older versions of a quarantine hold sealed rows that left it: until a day that retention names, on which they go."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from jobs import retain
from jobs.lake import old_versions, table_files
from jobs.lake.address import Address
from jobs.lake.remains import Remains
from jobs.retention.trail import Trail
from privacy_udfs.errors import LakenymError
from tests.helpers import quarantines


def test_the_day_of_a_quarantine_is_named_and_on_it_they_go(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarantines.put(quarantines.rows(spark, 0, 20, "id in (3, 4)"), lake)
    kept = {"retention": {"versions_days": 14}}
    assert quarantines.run(spark, lake, **kept).quarantined == 2
    conf = quarantines.configured(lake, **kept)
    (before,) = retain.plan(spark, conf, ["t"])
    assert before.aside == (), "what stands in quarantine is no older version"
    assert quarantines.run(spark, lake, columns=quarantines.NULLED, **kept).rows == 20
    conf = quarantines.configured(lake, columns=quarantines.NULLED, **kept)
    (plan,) = retain.plan(spark, conf, ["t"])
    (left,) = plan.aside
    today = datetime.datetime.now(datetime.timezone.utc).date()
    assert left.kind == "data_file"
    assert left.count >= 1
    assert left.until is not None
    assert (left.until - today).days in (8, 9), "by the quarantine's own 7 days, not by the table's 14"
    assert "of its quarantine, which hold sealed rows that left it" in "\n".join(retain.lines([plan], True))
    asked: list[str] = []
    monkeypatch.setattr(old_versions, "vacuumed", lambda spark, address: asked.append(_place(address)))
    retain.run(spark, conf, ["t"])
    assert asked == []
    night = int(datetime.datetime.combine(left.until, datetime.time(), datetime.timezone.utc).timestamp() * 1000)
    monkeypatch.setattr(table_files, "now", lambda: night)
    with pytest.MonkeyPatch.context() as patched:
        told: list[tuple[Remains, ...]] = []
        patched.setattr(Trail, "done", lambda self, *given: told.append(given[-1]))
        patched.setattr(old_versions, "vacuumed", _may_not)
        with pytest.raises(LakenymError):
            retain.run(spark, conf, ["t"])
        assert [[each.kind for each in some] for some in told] == [["data_file"]], "what went is told all the same"
    (done,) = retain.run(spark, conf, ["t"])
    assert asked == [str(lake / "quarantine")]
    assert done.is_done


def _may_not(spark: SparkSession, address: Address) -> None:
    raise Py4JError("no right to delete")


def _place(address: Address) -> str:
    return str(address.path)
