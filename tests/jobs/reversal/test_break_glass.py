"""Without an approval: by the policy only, loud, and due for a look that an approver signs."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import approve
from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage, Refused
from jobs.monitoring import reversals as watched
from jobs.reversal.asked import Asked
from jobs.run_events.events import Event, Warned
from tests.helpers import reversals
from tests.helpers.audits import verified
from tests.helpers.reversals import ANN, BOB, EVE, NOW, approved, asked, configured, signing_key, told, turned

HOUR = datetime.timedelta(hours=1)
COLUMNS = {name: reversals.COLUMNS[name] for name in ("email", "born", "amount", "code")}


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reversals.made(spark, tmp_path_factory.mktemp("glass"), COLUMNS)


def broken(*columns: str, **more: str) -> Asked:
    given = {"where": "amount = 10", "reason": "a bomb threat, case 77", **more}
    return asked(*columns, break_glass=True, **given)


def found(spark: SparkSession, conf: Config, now: datetime.datetime) -> list[str]:
    return [f"{each.level}: {each.what}" for each in watched.findings(spark, conf, now)]


def test_a_broken_glass_is_loud_and_looked_at(spark: SparkSession, lake: Path, tmp_path: Path) -> None:
    conf = configured(lake, COLUMNS)
    events: list[Event] = []
    done = turned(spark, conf, broken(), None, output=str(tmp_path / "out"), report=events.append)
    assert [type(each) for each in events] == [Warned]
    assert "BREAK GLASS: bob@example.org" in str(events[0])
    started, ended = told(spark, conf)
    assert {started["kind"], ended["kind"]} == {"break_glass"}
    assert started["body"]["reason"] == "a bomb threat, case 77"
    assert started["body"]["expires"] == "2026-11-29T12:01:00Z"
    # nobody has looked
    assert found(spark, conf, NOW + HOUR) == ["warn: break_glass"]
    assert found(spark, conf, NOW + 25 * HOUR) == ["alert: break_glass", "alert: reversal"]
    (due,) = [each for each in watched.findings(spark, conf, NOW + 25 * HOUR) if each.what == "break_glass"]
    assert (due.table, due.message) == (
        "t",
        f"run {done.run_id} had values turned back without an approval, for {BOB}; the review was due by "
        "2026-11-29T12:01:00Z",
    )
    # an approver signs, and nobody else
    with pytest.raises(Refused, match="names no approver"):
        approve.reviewed(spark, conf, done.run_id, signing_key(lake, BOB))
    with pytest.raises(Refused, match="tells of no run"):
        approve.reviewed(spark, conf, "another", signing_key(lake, ANN))
    approve.reviewed(spark, conf, done.run_id, signing_key(lake, ANN))
    assert found(spark, conf, NOW + 25 * HOUR) == ["alert: reversal"]
    assert found(spark, configured(lake, COLUMNS, approvers=[reversals.approver(lake, EVE)]), NOW) == [
        "warn: break_glass"
    ], "whose signature does not count did not look"
    assert verified(spark, conf).is_whole


@pytest.mark.parametrize(
    ("wanted", "policy", "why"),
    [
        (broken("born"), {}, "and not for born"),
        (broken(where="amount > 0"), {}, "more rows than the 2 that are allowed"),
        pytest.param(broken(actor="mallory"), {}, "does not let mallory break the glass", marks=pytest.mark.sweep),
        pytest.param(broken(), {"break_glass": None}, "allows no break_glass", marks=pytest.mark.sweep),
        pytest.param(broken(purpose="curiosity"), {}, "the purpose is none", marks=pytest.mark.sweep),
    ],
    ids=["class", "rows", "actor", "policy", "purpose"],
)
def test_the_glass_stays_whole(
    spark: SparkSession, lake: Path, tmp_path: Path, wanted: Asked, policy: dict[str, None], why: str
) -> None:
    conf = configured(lake, COLUMNS, **policy)
    before = len(told(spark, conf))
    with pytest.raises(Refused, match=why):
        turned(spark, conf, wanted, None, output=str(tmp_path / "out"))
    (row,) = told(spark, conf)[before:]
    assert (row["kind"], row["outcome"]) == ("break_glass", "refused")
    assert not (tmp_path / "out").exists()


def test_either_an_approval_or_a_reason(spark: SparkSession, lake: Path) -> None:
    conf = configured(lake, COLUMNS)
    with pytest.raises(BadUsage, match="either an approval, or --break-glass"):
        turned(spark, conf, broken(), approved(spark, lake, conf, asked()))
    for more in ({"reason": " "}, {"break_glass": False}):
        with pytest.raises(BadUsage, match="--reason"):
            Asked("t", ("email",), asked().rows, BOB, "x", **{"break_glass": True, "reason": "a", **more})


def test_who_broke_it_does_not_look(spark: SparkSession, lake: Path) -> None:
    """Though they may approve what others ask for."""
    glass = {"actors": [ANN], "classes": ["direct_identifier"], "at_most_rows": 5, "review_within_hours": 1}
    conf = configured(lake, COLUMNS, break_glass=glass)
    done = turned(spark, conf, broken(actor=ANN), None)
    with pytest.raises(Refused, match="does not review it"):
        approve.reviewed(spark, conf, done.run_id, signing_key(lake, ANN))


def test_the_most_rows_are_not_had_again_and_again(spark: SparkSession, lake: Path) -> None:
    """By whom nobody has looked at, whatever they call themselves; the run of the test before is theirs."""
    conf = configured(lake, COLUMNS)
    first = [row for row in told(spark, conf) if row["outcome"] == "started"][-1]
    with pytest.raises(Refused, match=f"nobody has looked at run {first['run_id']} yet"):
        turned(spark, conf, broken(), None)
    assert told(spark, conf)[-1]["outcome"] == "refused"
    with pytest.raises(Refused, match="a column that the table does not have") as caught:
        turned(spark, conf, broken(where="code = Smith"), None)
    assert "Smith" not in str(caught.value) + str(told(spark, conf))
