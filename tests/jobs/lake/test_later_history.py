"""The history of a target, of which most was read at an earlier look: it is the one that the whole log tells."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.configuration.models import Target
from jobs.lake import log_commits, state
from jobs.lake.problems import CannotGrow
from jobs.lake.state import TargetState
from tests.helpers import lakes
from tests.helpers.growing import delta, grown, run


def looked_at(spark: SparkSession, lake: Path, before: TargetState | None = None) -> TargetState:
    return state.inspect(spark, Target(path=str(lake / "treated" / "t")), before)


def check_same(spark: SparkSession, lake: Path, before: TargetState) -> TargetState:
    anew, later = looked_at(spark, lake), looked_at(spark, lake, before)
    assert [without_counts(each) for each in later.history.commits] == [*map(without_counts, anew.history.commits)]
    assert dataclasses.replace(later.history, commits=()) == dataclasses.replace(anew.history, commits=())
    assert all("counts" not in each.run for each in later.history.commits if each.version <= before.version)
    return later


def without_counts(commit: log_commits.Commit) -> log_commits.Commit:
    return dataclasses.replace(commit, run={name: said for name, said in commit.run.items() if name != "counts"})


def test_what_was_known_is_not_read_again(spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grown(spark, lake, 0, 10)
    run(spark, lake)
    known = looked_at(spark, lake)
    place = str(lake / "treated" / "t")
    target = delta(spark, lake / "treated" / "t")
    for step in (
        lambda: None,
        lambda: grown(spark, lake, 10, 20),
        lambda: target.delete("day = date'2026-01-02'"),
        lambda: target.restoreToVersion(0),
        lambda: lakes.treated(spark, lake).limit(1).write.format("delta").mode("append").save(place),
    ):
        step()
        if known.version < 1:
            run(spark, lake)
        known = check_same(spark, lake, known)
    assert known.raw_versions == (4,)
    with pytest.raises(CannotGrow):
        known.stopped_at()
    monkeypatch.delattr(log_commits, "up_to")
    assert looked_at(spark, lake, known).version == known.version


def test_another_table_at_the_place_is_read_anew(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 10)
    run(spark, lake)
    known = looked_at(spark, lake)
    (lake / "treated" / "t").rename(lake / "treated" / "old")
    lakes.treated(spark, lake, "old").write.format("delta").save(str(lake / "treated" / "t"))
    assert looked_at(spark, lake, known).raw_versions == (0,)
    assert not known.raw_versions


def test_a_log_that_lost_what_was_known_is_read_anew(spark: SparkSession, lake: Path) -> None:
    """Only a file that is the one that was looked at says that the table is the same."""
    grown(spark, lake, 0, 10)
    run(spark, lake)
    known = looked_at(spark, lake)
    commit = lake / "treated" / "t" / "_delta_log" / f"{0:020d}.json"
    commit.with_name(f".{commit.name}.crc").unlink(missing_ok=True)  # by which Hadoop would see that it was changed
    commit.write_text(commit.read_text().replace("run_id", "run_no"))
    assert looked_at(spark, lake, known).history.ours == frozenset()
