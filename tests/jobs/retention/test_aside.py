"""Older versions of a quarantine hold sealed rows that left it: until a day that retention names, on which they go."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

import pytest
from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from jobs import retain
from jobs.configuration.config import Config
from jobs.lake import old_versions
from jobs.lake.address import Address
from jobs.lake.remains import Remains
from jobs.retention.trail import Trail
from jobs.run_events import events
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
    sealed = _files(lake)
    assert sealed
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
    retain.run(spark, conf, ["t"])
    assert sealed <= _files(lake), "not before their day"
    at_once = "'delta.deletedFileRetentionDuration' = 'interval 0 hours'"
    spark.sql(f"ALTER TABLE delta.`{lake}/quarantine` SET TBLPROPERTIES ({at_once})")
    _check_no_day_beside_others(spark, lake, conf)
    assert sealed <= _files(lake)
    with monkeypatch.context() as patched:
        told: list[tuple[Remains, ...]] = []
        patched.setattr(Trail, "done", lambda self, *given: told.append(given[-1]))
        patched.setattr(old_versions, "vacuumed", _may_not)
        with pytest.raises(LakenymError):
            retain.run(spark, conf, ["t"])
        assert [[each.kind for each in some] for some in told] == [["data_file"]], "what went is told all the same"
    (done,) = retain.run(spark, conf, ["t"])
    assert not sealed & _files(lake)
    assert (done.is_done, done.aside) == (True, ())


def _check_no_day_beside_others(spark: SparkSession, lake: Path, conf: Config) -> None:
    """Files of another table, which VACUUM would take, lie below the table's folder and the quarantine's."""
    others = [lake / "treated" / "t" / "other", lake / "quarantine" / "other"]
    for other in others:
        shutil.copytree(lake / "raw" / "t", other)
    there = [{*other.rglob("*")} for other in others]
    warned: list[events.Event] = []
    (plan,) = retain.plan(spark, conf, ["t"], report=warned.append)
    (run,) = retain.run(spark, conf, ["t"], warned.append)
    for told in (plan, run):
        assert {each.until for each in told.aside} == {None}
        assert {each.until for each in told.remains if each.kind == "data_file"} == {None}
        assert (told.is_done, told.files_until) == (False, None), "no day is named that does not come"
    said = [each.message for each in warned if isinstance(each, events.Warned) and "another table" in each.message]
    assert [each.startswith("its quarantine: ") for each in said] == [False, True] * 2, "by the plan too"
    assert [{*other.rglob("*")} for other in others] == there
    for other in others:
        shutil.rmtree(other)


def _files(lake: Path) -> set[Path]:
    """Data files of the quarantine, of any version."""
    found = (lake / "quarantine").rglob("*.parquet")
    return {each for each in found if not {"other", "_delta_log"} & {*each.parts}}


def _may_not(spark: SparkSession, address: Address) -> None:
    raise Py4JError("no right to delete")
