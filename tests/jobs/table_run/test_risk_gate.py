"""Tables that single people out are not committed: asked of all their rows, treated, before anyone sees them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from jobs import history, plan, pseudonymize
from jobs.configuration import config
from jobs.configuration.models import Execution
from jobs.console.exit_codes import Refused
from jobs.run_events.events import Event, as_data
from jobs.spark_app import failures
from tests.helpers.growing import PATHS, told
from tests.helpers.lakes import POLICY, column, table, treated, write_conf
from tests.helpers.sweeps import but_for

COLUMNS: Mapping[str, Any] = {
    "person": column({"domain": "customer"}, "direct_identifier"),
    "zip": column({"technique": "truncate", "keep": 2}),
    "address.city": column("keep"),
    "a.b": column("keep", "non_personal"),
    "income": column("keep", "sensitive"),
}
CANARY = "Xanadu"
WIDE = "policy.yaml (risk)"
KEPT = tuple(f"P-{at}|80{at}31|Berlin|{at % 3}" for at in range(12))
ONE_MORE = (f"P-90|80999|{CANARY}|1",)


def raw(spark: SparkSession, lake: Path, people: tuple[str, ...], mode: str = "append") -> None:
    """One file more of rows, each ``person|zip|city|income``."""
    rows = spark.createDataFrame(
        [tuple(each.split("|")) for each in people], "person string, z string, c string, i string"
    )
    made = rows.selectExpr("person", "z AS zip", "struct(c AS city) AS address", "1 AS `a.b`", "int(i) AS income")
    writer = made.coalesce(1).write.format("delta").mode(mode).option("delta.enableChangeDataFeed", "true")
    writer.save(str(lake / "raw" / "t"))


def configured(
    lake: Path,
    risk: Mapping[str, Any],
    of_class: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    own: Mapping[str, Any] = MappingProxyType({}),
    **more: Any,
) -> None:
    """risk, of_class: what policy.yaml asks of every table, and of columns of a class. own: what the entry asks. more:
    of the entry."""
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    entry = table(
        "t",
        lake,
        {**COLUMNS, "`a.b`": COLUMNS["a.b"]},
        **{"source": source, "subject": "person", "risk": dict(own), **more},
    )
    del entry["columns"]["a.b"]
    write_conf(lake, entry)
    classes = {name: {**each, "risk": dict(of_class.get(name, {}))} for name, each in POLICY["classes"].items()}
    policy = {**POLICY, "classes": classes, "risk": dict(risk)}
    (lake / "conf" / "policy.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")


def run(spark: SparkSession, lake: Path, execution: Execution, **more: Any) -> pseudonymize.Result:
    return pseudonymize.run(spark, config.load(lake / "conf"), "t", execution=execution, **more)


def files(lake: Path) -> set[str]:
    """What stands in the target's folder, but for checksums."""
    at = lake / "treated" / "t"
    return {str(path.relative_to(at)) for path in at.rglob("*") if path.is_file() and path.suffix != ".crc"}


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_rows_that_single_people_out_are_not_committed(spark: SparkSession, lake: Path, execution: Execution) -> None:
    raw(spark, lake, KEPT)
    configured(lake, {"k": 5, "l": 2, "t": 0.3, "at_risk": 0.1})
    done = run(spark, lake, execution)
    assert done.execution == execution
    assert done.risk == {
        "asked": {"k": 5, "l": 2, "t": 0.3, "at_risk": 0.1},
        "asked_by": dict.fromkeys(("k", "l", "t", "at_risk"), WIDE),
        "quasi_identifiers": 2,
        "counted": "people",
        "rows": 12,
        "people": 12,
        "classes": "< 10",
        "k": 12,
        "uniques": 0,
        "at_risk": 0,
        "sensitive": {"income": {"l": 3, "t": 0.0}},
    }
    assert told(spark, lake)[0]["risk"] == done.risk
    before = files(lake)
    raw(spark, lake, ONE_MORE)
    with pytest.raises(Refused) as refused:
        run(spark, lake, execution)
    assert str(refused.value).splitlines() == [
        f"t: risk: k is 1, and 5 is asked by {WIDE}: classes of fewer than 5 hold < 10 of 13 people; "
        "nothing was committed",
        f"t: risk: income: l is 1, and 2 is asked by {WIDE}; nothing was committed",
        f"t: risk: income: t is 0.307692, and at most 0.3 is let pass by {WIDE}; nothing was committed",
    ]
    assert files(lake) == before


@pytest.mark.parametrize("execution", but_for(["spark"], PATHS))
def test_rows_that_come_are_asked_with_those_that_stay(spark: SparkSession, lake: Path, execution: Execution) -> None:
    """Three rows are no class of five, but with twelve that are there they are one of fifteen."""
    raw(spark, lake, KEPT)
    target = {"path": str(lake / "treated" / "t"), "mode": "incremental"}
    configured(lake, {"k": 5}, target=target)
    run(spark, lake, execution)
    raw(spark, lake, tuple(f"P-2{at}|80999|Berlin|1" for at in range(3)))
    added = run(spark, lake, execution)
    assert (added.mode, added.rows, added.risk and added.risk["k"]) == ("incremental", 3, 15)
    before = files(lake)
    raw(spark, lake, ONE_MORE)
    with pytest.raises(Refused, match=r"k is 1, and 5 is asked by .*: classes of fewer than 5 hold < 10 of 16 people"):
        run(spark, lake, execution)
    assert files(lake) == before


def test_partitions_and_changes_are_asked_too(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake, (*KEPT, *(f"P-5{at}|12000|Rome|1" for at in range(5))))
    target = {"path": str(lake / "treated" / "t"), "partition_by": ["income"]}
    configured(lake, {"k": 4}, target=target)
    assert run(spark, lake, "auto").risk is not None
    spark.sql(f"DELETE FROM delta.`{lake}/raw/t` WHERE person IN ('P-50', 'P-51')")
    before = files(lake)
    with pytest.raises(Refused, match="k is 3, and 4 is asked"):
        run(spark, lake, "auto", mode="partitions", where="income = 1")
    configured(lake, {"k": 4}, target={**target, "mode": "changes", "key": ["person"]})
    with pytest.raises(Refused, match="k is 3, and 4 is asked"):
        run(spark, lake, "auto", mode="changes")
    assert files(lake) == before


def test_the_strictest_bound_counts_and_is_named(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of every table, of a class, of the table itself: each is the strictest of one measure. Of the
    incomes 0, 1 and 2 there are 5, 5 and 2 in all, 2, 2 and 2 in one class, 3, 3 and 0 in the other: both classes are
    (1/12 + 2/12) / 2 away."""
    raw(spark, lake, tuple(f"P-{at}|80{at}31|Berlin|{at % 3}" for at in range(6)))
    raw(spark, lake, tuple(f"P-{at}|90{at}31|Berlin|{at % 2}" for at in range(10, 16)))
    of_class = {"quasi_identifier": {"k": 7, "at_risk": 0.2}, "sensitive": {"l": 3}}
    configured(lake, {"k": 5, "l": 2, "at_risk": 0.1}, of_class, {"t": 0.01})
    with pytest.raises(Refused) as refused:
        run(spark, lake, "auto")
    assert str(refused.value).splitlines() == [
        "t: risk: k is 6, and 7 is asked by policy.yaml (classes.quasi_identifier.risk): "
        "classes of fewer than 7 hold 12 of 12 people (12 in classes of 6); nothing was committed",
        "t: risk: income: l is 2, and 3 is asked by policy.yaml (classes.sensitive.risk); nothing was committed",
        "t: risk: income: t is 0.125, and at most 0.01 is let pass by its entry (risk); nothing was committed",
    ]
    configured(lake, {"k": 5, "at_risk": 0.1}, {"quasi_identifier": {"k": 6}, "sensitive": {"l": 2}}, {"t": 0.5})
    done = run(spark, lake, "auto").risk
    assert done is not None
    assert done["asked"] == {"k": 6, "l": 2, "t": 0.5, "at_risk": 0.1}
    assert done["asked_by"] == {
        "k": "policy.yaml (classes.quasi_identifier.risk)",
        "l": "policy.yaml (classes.sensitive.risk)",
        "t": "its entry (risk)",
        "at_risk": WIDE,
    }
    assert told(spark, lake)[0]["risk"] == done
    assert plan.main(["--conf", str(lake / "conf"), "--table", "t", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["risk"]["asked_by"] == done["asked_by"]


def test_people_count_and_not_rows(spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One person of five rows is alone among them; nobody reads whom, or where."""
    raw(spark, lake, (*KEPT, *ONE_MORE * 5))
    configured(lake, {"k": 5}, subject=None)
    assert run(spark, lake, "auto").risk == {**ROWS, "rows": 17, "k": 5}
    configured(lake, {"k": 5})
    before = files(lake)
    assert pseudonymize.main(["--conf", str(lake / "conf"), "--table", "t"]) == 1
    out, err = capfd.readouterr()
    assert f"k is 1, and 5 is asked by {WIDE}: classes of fewer than 5 hold < 10 of 13 people" in out
    assert CANARY not in out + err
    assert files(lake) == before


ROWS = {
    "asked": {"k": 5},
    "asked_by": {"k": WIDE},
    "quasi_identifiers": 2,
    "counted": "rows",
    "classes": "< 10",
    "uniques": 0,
    "at_risk": 0,
}


def test_plan_shows_what_the_last_run_measured(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    raw(spark, lake, KEPT)
    configured(lake, {"k": 5, "l": 2})
    asked = ["--conf", str(lake / "conf"), "--table", "t"]
    assert plan.main(asked) == 0
    assert "risk measured by the last run: nothing yet" in capfd.readouterr().out
    run(spark, lake, "auto")
    assert plan.main(asked) == 0
    assert capfd.readouterr().out.splitlines()[-2:] == [
        f"  risk asked before the commit: k 5 by {WIDE}, l 2 by {WIDE}",
        "  risk measured by the last run: version 0: k 12 of 12 people in < 10 classes by 2 quasi-identifiers, none at "
        "risk; income: l 3, t 0.0",
    ]
    assert plan.main([*asked, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["risk"]["measured"]["k"] == 12


def measured(spark: SparkSession, lake: Path) -> dict[str, Any] | None:
    """What the table's own properties say of its last run's risk, but for the time."""
    found = {row["key"]: row["value"] for row in spark.sql(f"SHOW TBLPROPERTIES delta.`{lake}/treated/t`").collect()}
    said = json.loads(found.get("privacy.risk", "null"))
    if said is not None:
        assert said["run_id"] == told(spark, lake)[-1]["run_id"]
        assert said["risk"] == told(spark, lake)[-1]["risk"]
    return said and {"version": said["version"], **said["risk"]}


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_what_was_measured_stays_with_the_table(spark: SparkSession, lake: Path, execution: Execution) -> None:
    """Of each run that commits, in that commit; a run that measures nothing takes it away. Each is one of ours still,
    by which the next one goes on."""
    raw(spark, lake, KEPT)
    target = {"path": str(lake / "treated" / "t"), "mode": "incremental"}
    configured(lake, {"k": 5, "l": 2}, target=target)
    done = run(spark, lake, execution)
    assert measured(spark, lake) == {"version": 0, **(done.risk or {})}
    raw(spark, lake, tuple(f"P-2{at}|80999|Berlin|1" for at in range(3)))
    added = run(spark, lake, execution)
    assert (added.mode, measured(spark, lake)) == ("incremental", {"version": 1, **(added.risk or {})})
    told_again = history.run(spark, config.load(lake / "conf"), "risk")
    assert [(each["table"], each["version"], each["people"]) for each in told_again] == [("t", 0, 12), ("t", 1, 15)]
    configured(lake, {}, target=target)
    assert run(spark, lake, execution).execution == "none"
    raw(spark, lake, ONE_MORE)
    plain = run(spark, lake, execution)
    assert (plain.mode, plain.version, measured(spark, lake)) == ("incremental", 2, None)
    raw(spark, lake, ONE_MORE)
    assert run(spark, lake, execution).mode == "incremental"
    configured(lake, {"k": 1, "l": 1, "t": 0.9}, target={**target, "mode": "full"})
    assert run(spark, lake, execution).version == 4
    assert (measured(spark, lake) or {})["k"] == 1


@pytest.mark.sweep
def test_what_was_measured_stays_in_every_mode(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake, KEPT)
    target = {"path": str(lake / "treated" / "t"), "partition_by": ["income"]}
    configured(lake, {"k": 5}, target=target)
    run(spark, lake, "auto")
    part = run(spark, lake, "auto", mode="partitions", where="income = 1")
    assert (part.mode, measured(spark, lake)) == ("partitions", {"version": 1, **(part.risk or {})})
    configured(lake, {"k": 5}, target={**target, "mode": "changes", "key": ["person"]})
    run(spark, lake, "auto", mode="full")
    raw(spark, lake, ("P-60|80999|Berlin|1",))
    changes = run(spark, lake, "auto")
    assert (changes.mode, measured(spark, lake)) == ("changes", {"version": 3, **(changes.risk or {})})
    assert (changes.risk or {})["people"] == 13
    configured(lake, {}, target={**target, "mode": "changes", "key": ["person"]})
    raw(spark, lake, ("P-61|80999|Berlin|1",))
    assert (run(spark, lake, "auto").mode, measured(spark, lake)) == ("changes", None)


def test_a_policy_that_asks_for_more_is_not_passed_over(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A run with nothing new writes nothing, but says nothing is well only where that was measured."""
    raw(spark, lake, KEPT)
    target = {"path": str(lake / "treated" / "t"), "mode": "incremental"}
    asked = ["--conf", str(lake / "conf"), "--table", "t"]
    configured(lake, {"k": 5}, target=target)
    run(spark, lake, "auto")
    assert (run(spark, lake, "auto").execution, plan.main(asked)) == ("none", 0)
    assert "risk: " not in capfd.readouterr().err
    configured(lake, {"k": 13}, target=target)
    assert plan.main(asked) == 0
    assert f"was measured at k 12, and 13 is asked by {WIDE}: a run that finds nothing new" in capfd.readouterr().err
    assert pseudonymize.main(asked) == 1
    assert "classes of fewer than 13 hold 12 of 12 people (12 in classes of 12)" in capfd.readouterr().out
    configured(lake, {"k": 5, "l": 4}, target=target)
    assert pseudonymize.main(asked) == 1, "l was not measured by then: it is now"
    assert "income: l is 3, and 4 is asked" in capfd.readouterr().out
    configured(lake, {"k": 5, "l": 3}, target=target)
    assert (pseudonymize.main(asked), len(told(spark, lake))) == (0, 1)
    spark.sql(f"DELETE FROM delta.`{lake}/treated/t` WHERE income = 1")
    configured(lake, {"k": 9}, target=target)
    assert plan.main(asked) == 0
    assert "others changed rows since version 0" in capfd.readouterr().err
    assert pseudonymize.main(asked) == 1
    assert "k is 8, and 9 is asked" in capfd.readouterr().out


def test_the_refusal_tells_small_classes_by_size(spark: SparkSession, lake: Path) -> None:
    """Twelve are like no other, twelve in classes of three, four in one of four: the last are few, and put to those."""
    alone = [f"A-{at}|{at + 10}1|Berlin|1" for at in range(12)]
    threes = [f"B-{at}|{at // 3 + 30}1|Berlin|1" for at in range(12)]
    raw(spark, lake, (*KEPT, *alone, *threes, *(f"C-{at}|401|Berlin|1" for at in range(4))))
    configured(lake, {"k": 5})
    events: list[Event] = []
    with pytest.raises(Refused) as refused:
        run(spark, lake, "auto")
    assert "hold 28 of 40 people (12 in classes of 1, 16 of 3 to 4); nothing" in str(refused.value)
    failures.exit_code(events.append, lambda: run(spark, lake, "auto") and 0, "t")
    (failed,) = events
    risk = json.loads(json.dumps(as_data(failed)))["risk"]
    assert risk["small_classes"] == [{"from": 1, "to": 1, "people": 12}, {"from": 3, "to": 4, "people": 16}]
    assert (risk["k"], CANARY in json.dumps(risk)) == (1, False)


KILLED = """
import os, signal, sys
from pathlib import Path
from jobs import pseudonymize
from jobs.configuration import config
from jobs.risk_measures import measure
from jobs.spark_app import session
def die(rows, asked):
    assert rows.count() == 13
    os.killpg(0, signal.SIGKILL)
measure.measure = die
pseudonymize.run(session.start("killed"), config.load(Path(sys.argv[1])), "t")
"""


@pytest.mark.sweep
def test_killed_while_it_measures(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake, KEPT)
    configured(lake, {"k": 5})
    run(spark, lake, "auto")
    raw(spark, lake, ONE_MORE)
    environ = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    command = [sys.executable, "-c", KILLED, str(lake / "conf")]
    done = subprocess.run(command, env=environ, capture_output=True, start_new_session=True, timeout=300, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    assert len(told(spark, lake)) == 1
    assert treated(spark, lake).count() == 12
    with pytest.raises(Refused, match="k is 1, and 5 is asked"):
        run(spark, lake, "auto")
