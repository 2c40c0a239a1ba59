"""How a gate ends a run, whatever the run is: each bound by itself, in a stream, after small classes are kept out, of
people with many rows, and where the run is killed. Nothing is committed, and the next run is exact."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs import pseudonymize
from jobs.configuration.models import Execution
from jobs.console.exit_codes import DONE, REFUSED, Refused
from jobs.risk_measures import measure
from jobs.risk_measures.measure import Asked, Measures
from tests.helpers import spark_reads
from tests.helpers.growing import PATHS, told
from tests.helpers.kills import killed
from tests.helpers.lakes import column, table, treated, write_conf
from tests.helpers.sweeps import but_for
from tests.jobs.risk_measures.test_many_rows import trails
from tests.jobs.table_run.test_risk_gate import CANARY, KEPT, ONE_MORE, WIDE, configured, files, raw, run

OF_CLASS = "policy.yaml (classes.quasi_identifier.risk)"
AT_RISK: Mapping[str, tuple[dict[str, float], dict[str, dict[str, float]]]] = {
    WIDE: ({"at_risk": 0.05}, {"quasi_identifier": {"at_risk": 0.05}}),
    OF_CLASS: ({"at_risk": 0.5}, {"quasi_identifier": {"at_risk": 0.05}}),
}
"""By whom it is asked that at most a twentieth be at risk, and the policy that says so: the wide one is named first."""


def of_table(lake: Path) -> set[str]:
    """The data files that Delta's log says are of the table, whichever version; and none of these is ever taken out."""
    log = sorted((lake / "treated" / "t" / "_delta_log").glob("*.json"))
    actions = [json.loads(line) for path in log for line in path.read_text(encoding="utf-8").splitlines()]
    return {action["add"]["path"] for action in actions if "add" in action}


def data(lake: Path) -> set[str]:
    return {path for path in files(lake) if path.endswith(".parquet")}


@pytest.mark.parametrize(
    ("execution", "by"),
    but_for([("spark", OF_CLASS)], [(each, by) for each in PATHS for by in AT_RISK]),
)
def test_too_many_are_at_risk(spark: SparkSession, lake: Path, execution: Execution, by: str) -> None:
    """One of 13 is alone: more than a twentieth, less than 8 in a hundred."""
    raw(spark, lake, (*KEPT, *ONE_MORE))
    policy, of_class = AT_RISK[by]
    configured(lake, policy, of_class)
    with pytest.raises(Refused) as refused:
        run(spark, lake, execution)
    assert str(refused.value) == (
        f"t: risk: < 10 of 13 people have a risk above 0.2, and a share of at most 0.05 is let pass by {by}; "
        "nothing was committed"
    )
    assert not data(lake) | of_table(lake)
    configured(lake, {"at_risk": 0.08}, {"quasi_identifier": {"at_risk": 0.08}})
    done = run(spark, lake, execution)
    assert (done.execution, done.rows) == (execution, 13)
    assert (done.risk or {})["at_risk"] == "< 10"


def test_a_batch_of_a_stream_that_misses_commits_nothing(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Batches before it stay. Where those who are alike come later, a batch that takes both in goes on from there."""
    target = {"path": str(lake / "treated" / "t"), "mode": "stream"}
    configured(lake, {"k": 5}, target=target)
    asked = ["--conf", str(lake / "conf"), "--table", "t"]
    raw(spark, lake, KEPT)
    assert pseudonymize.main(asked) == DONE
    raw(spark, lake, tuple(f"P-2{at}|70999|Berlin|1" for at in range(5)))
    raw(spark, lake, ONE_MORE)
    capfd.readouterr()
    assert pseudonymize.main([*asked, "--files-per-batch", "1"]) == REFUSED
    out, err = capfd.readouterr()
    assert f"k is 1, and 5 is asked by {WIDE}: classes of fewer than 5 hold < 10 of 18 people" in out
    assert CANARY not in out + err
    assert [(each["rows"], each["source_version"], each["risk"]["k"]) for each in told(spark, lake)] == [
        (12, 0, 12),
        (5, 1, 5),
    ]
    assert data(lake) == of_table(lake)
    raw(spark, lake, tuple(f"P-9{at}|80999|{CANARY}|1" for at in range(1, 5)))
    assert pseudonymize.main(asked) == DONE
    assert [(each["rows"], each["risk"]["people"]) for each in told(spark, lake)] == [(12, 12), (5, 17), (5, 22)]
    assert treated(spark, lake).select("person").distinct().count() == 22


def test_small_classes_are_kept_out_and_then_the_gate_is_asked(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left has k = 5. It may still have too few values, and then nothing of the second writing stays either."""
    alike = tuple(f"Q-{at}|70999|Rome|1" for at in range(6))
    raw(spark, lake, (*KEPT, *alike, *(f"P-9{at}|80999|{CANARY}|1" for at in range(4))))
    out = {"k": 5, "at_most": 0.2}
    configured(lake, {"k": 5}, suppress=out)
    done = run(spark, lake, "auto")
    assert (done.rows, done.suppressed) == (18, "< 10")
    assert done.risk is not None
    assert (done.risk["people"], done.risk["k"], done.risk["at_risk"]) == (18, 6, 0)
    before = files(lake)
    configured(lake, {"k": 5, "l": 2}, suppress=out)
    with pytest.raises(Refused) as refused:
        run(spark, lake, "auto")
    assert str(refused.value) == f"t: risk: income: l is 1, and 2 is asked by {WIDE}; nothing was committed"
    assert files(lake) == before
    assert treated(spark, lake).count() == 18


PEOPLE = {"person": column({"domain": "customer"}, "direct_identifier"), "zip": column("keep"), "age": column("keep")}


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_people_of_ten_thousand_rows(spark: SparkSession, lake: Path, execution: Execution) -> None:
    """Five rows or more are alike everywhere, and one person's trail is like no other."""
    trails(spark).write.parquet(str(lake / "raw" / "t"))
    asked = {"risk": {"k": 5}, "execution": execution}
    by_people = (
        "t: risk: k is 1, and 5 is asked by its entry (risk): classes of fewer than 5 hold < 10 of < 10 people; "
        "nothing was committed"
    )
    write_conf(lake, table("t", lake, PEOPLE, subject="person", **asked))
    with pytest.raises(Refused) as refused:
        run(spark, lake, execution)
    assert str(refused.value) == by_people
    assert not data(lake) | of_table(lake)
    write_conf(lake, table("t", lake, PEOPLE, **asked))
    done = run(spark, lake, execution).risk
    assert done is not None
    assert (done["counted"], done["rows"], done["classes"], done["k"]) == ("rows", 60_003, 10_000, 5)


STEPS = {
    "the sizes of classes are counted": ("jobs.risk_measures.summaries", "counted", "after"),
    "values within classes are counted": ("jobs.risk_measures.summaries", "summarized", "before"),
    "the gate lets it pass": ("jobs.lake.delta_commit.before_commit", "look", "after"),
}
ENDS = [(step, mode, execution) for step in STEPS for mode in ("full", "incremental") for execution in PATHS]


@pytest.mark.sweep
@pytest.mark.parametrize(("step", "mode", "execution"), ENDS)
def test_killed_between_its_files_and_its_commit(
    spark: SparkSession, lake: Path, step: str, mode: str, execution: Execution
) -> None:
    """The target is as it was, and the next run measures what is there, not what the killed one left."""
    asked = {"k": 5, "l": 2} if "values" in step else {"k": 5}
    raw(spark, lake, KEPT)
    target = {"path": str(lake / "treated" / "t"), "mode": mode}
    configured(lake, asked, target=target, execution=execution)
    run(spark, lake, execution)
    before = data(lake)
    raw(spark, lake, tuple(f"P-2{at}|80999|Berlin|1" for at in range(3)))
    killed(lake, *STEPS[step])
    assert data(lake) - before, "its files are written"
    assert of_table(lake) == before
    assert treated(spark, lake).count() == 12
    done = run(spark, lake, execution)
    assert (done.rows, done.version) == (3 if mode == "incremental" else 15, 1)
    assert done.risk is not None
    assert (done.risk["rows"], done.risk["people"], done.risk["k"]) == (15, 15, 15)
    assert [each["risk"] for each in told(spark, lake)][1] == done.risk
    assert treated(spark, lake).select("person").distinct().count() == treated(spark, lake).count() == 15


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_it_reads_the_columns_that_are_asked_about_and_no_others(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch, execution: Execution
) -> None:
    """Of a table that is nearly all something else: each row twice, once for the classes and once for the incomes."""
    note = " || ".join(f"sha2(string(id * 40 + {at}), 512)" for at in range(40))
    made = spark.range(300, numPartitions=2).selectExpr(
        "string(id) AS person", "string(id % 3) AS zip", "id % 7 AS pay", f"{note} AS note"
    )
    made.write.parquet(str(lake / "raw" / "t"))
    columns = {**PEOPLE, "pay": column("keep", "sensitive"), "note": column("keep", "non_personal")}
    del columns["age"]
    write_conf(lake, table("t", lake, columns, risk={"k": 5, "l": 2}, execution=execution))
    asked, seen = measure.measure, list[tuple[spark_reads.Read, str]]()

    def measured(rows: DataFrame, what: Asked) -> Measures:
        with spark_reads.counted(spark) as read:
            found = asked(rows, what)
        seen.append((read, rows._jdf.queryExecution().executedPlan().toString()))
        return found

    monkeypatch.setattr(measure, "measure", measured)
    assert run(spark, lake, execution).risk is not None
    ((read, plan),) = seen
    size = sum((lake / "treated" / "t" / path).stat().st_size for path in data(lake))
    assert 0 <= read.rows - 600 < 100, "and each different income, which Spark keeps meanwhile"
    assert 0 < read.bytes < size / 20
    assert re.findall(r"ReadSchema: struct<([^>]*)>", plan) == ["zip:string,pay:bigint"]
