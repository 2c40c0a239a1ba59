"""Erasures that die by SIGKILL at each step, as processes of their own; run again they end where unbroken ones do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import erase
from jobs.lake import table_files
from jobs.lake.delta_commit import take_out
from tests.helpers import audits, erased_house

COMMITTED = "jobs.lake.delta_commit.take_out._committed"
STEPS = (
    ("jobs.lake.erased_list.add", "before", 1, "", 0),
    ("jobs.lake.erased_list.add", "after", 1, "", 0),
    (COMMITTED, "before", 1, "raw/people", 0),  # files are written, of no commit
    (COMMITTED, "after", 1, "raw/people", 1),
    ("jobs.erasure.stale.purged", "before", 1, "raw/visits", 2),
    (COMMITTED, "after", 1, "treated/people", 3),
    ("jobs.lake.table_files._tidied", "before", 1, "treated/people", 3),  # files are gone
    ("jobs.lake.log_left._without_hint", "after", 1, "treated/visits", 4),  # the checkpoint is made, the log is there
    ("jobs.lake.log_left.purged", "after", 1, "treated/visits", 4),
    (COMMITTED, "after", 1, "vault", 5),
    ("jobs.erasure.subject_keys.destroyed", "before", 1, "", 5),
    ("jobs.erasure.subject_keys.destroyed", "after", 1, "", 6),
    ("jobs.console.whole_files.create", "after", 1, "", 6),  # the receipt is there, and the log was not told
)
"""How an erasure dies: at which step, before or after it, at the so manieth time, of which place; and how many of the
places have nobody of the erased any more by then."""


@pytest.mark.sweep
def test_killed_at_every_step_and_run_again(
    spark: SparkSession, lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = erased_house.made(spark, lake)
    wanted, found = erased_house.wanted(forced=True), erased_house.needles(spark, lake)
    shutil.copytree(lake, tmp_path / "backup")
    unbroken = erase.run(spark, conf, wanted, receipt=lake / "receipts.json")
    expected = erased_house.contents(spark, lake)
    assert (unbroken.is_gone, erased_house.traces(lake, found)) == (True, set()), unbroken.all_remains
    assert (unbroken.tokens, unbroken.subject_keys) == (len(erased_house.ERASED),) * 2

    erased_house.put_back(spark, lake, tmp_path / "backup")
    for at, (step, when, times, of, done_by_then) in enumerate(STEPS):
        words = ("--force", "--receipt", str(lake / f"receipt-{at}.json"))
        said = erased_house.killed(lake, step, when, times, *words, of=of)
        assert erased_house.name(erased_house.ERASED[0]) not in said
        take_out.forget(spark)
        assert erased_house.holding(spark, lake, conf) == [*erased_house.PLACES[done_by_then:]], f"{at}: {step}"
        for table in erased_house.TABLES:
            held = erased_house.numbers(spark, lake, table)
            others = erased_house.of_others()
            assert {number: held[number] for number in others} == others, f"{step}: {table}: others are as they were"
    done = erase.run(spark, conf, wanted, receipt=lake / "receipt.json")
    assert {each.kind for _, each in done.all_remains} <= {"data_file", "change_file"}, "files of no commit, for a day"
    assert done.is_done
    later = table_files.now() + 2 * table_files.DAY
    with monkeypatch.context() as patch:
        patch.setattr(table_files, "now", lambda: later)
        last = erase.run(spark, conf, wanted)
    assert last.is_gone, last.all_remains
    assert erased_house.contents(spark, lake) == expected
    assert erased_house.traces(lake, found) == set()
    assert not audits.wrong(spark, conf)
