"""Rows set aside for what stands within a text: JSON by path, and entities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.configuration.models import Execution
from tests.helpers import growing, lakes, quarantines
from tests.helpers.byte_scan import contents, found
from tests.helpers.growing import PATHS
from tests.helpers.quarantines import CANARY, aside, put, rows, run
from tests.helpers.sweeps import but_for

GOOD = '{"ip":"10.1.2.3","n":[1]}'
BAD = {
    3: f'{{"ip":"{CANARY}-3","n":[1]}}',
    8: f'{{"ip":"10.1.2.3","{CANARY}-8":1}}',
    13: f"{CANARY}-13",
    17: f'{{"n":1,"ip":{{"{CANARY}-17":1}}}}',
}
REFUSED = [("payload", "json")] * 2 + [("payload:$.ip", "truncate_ip")] * 2
JSON: dict[str, Any] = {"payload:$.ip": {"technique": "truncate_ip"}, "payload:$.n": "keep"}


def texts(column: str, good: str, bad: dict[int, str]) -> str:
    """A column of texts, the bad ones in rows by number."""
    cases = " ".join(f"WHEN '{at}' THEN '{text}'" for at, text in bad.items())
    return f"CASE id {cases} WHEN '5' THEN null ELSE '{good}' END AS {column}"


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_json_text_with_what_no_path_decides(spark: SparkSession, lake: Path, execution: Execution) -> None:
    """A member that is refused, one that nobody decided, what is no JSON, and an object where an address is due."""
    put(rows(spark, 0, 20).selectExpr("*", texts("payload", GOOD, BAD)).coalesce(1), lake)
    result = run(spark, lake, execution, columns=JSON)
    assert (result.execution, result.rows, result.quarantined) == (execution, 16, 4)
    assert sorted((row["column"], row["rule"]) for row in aside(spark, lake)) == REFUSED
    (said,) = growing.told(spark, lake)
    assert (said["rows"], said["quarantined"]) == (16, 4)
    for name, content in [*contents(lake / "quarantine"), *contents(lake / "treated")]:
        assert not found([CANARY.encode()], content), name
    nulled = {**JSON, "payload:$.ip": {"technique": "truncate_ip", "on_refused": None}}
    again = run(spark, lake, requeue=True, columns=nulled)
    assert (again.rows, again.counts["payload:$.ip"]) == (2, (0, 0, 2))
    assert [(row["column"], row["rule"]) for row in aside(spark, lake)] == [("payload", "json")] * 2
    shown = {row["payload"] for row in lakes.treated(spark, lake).where("note IN ('note-3-n', 'note-17-n')").collect()}
    assert shown == {'{"ip":null,"n":[1]}', '{"n":1,"ip":null}'}


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_json_text_of_which_all_is_kept(spark: SparkSession, lake: Path, execution: Execution) -> None:
    """Nothing in it is treated, and what no path leads to is refused all the same."""
    put(rows(spark, 0, 20).selectExpr("*", texts("payload", '{"n":[1]}', {8: BAD[8]})), lake)
    result = run(spark, lake, execution, columns={"payload:$.n": "keep"})
    assert (result.execution, result.rows, result.quarantined) == (execution, 19, 1)
    assert [(row["column"], row["rule"]) for row in aside(spark, lake)] == [("payload", "json")]


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_json_text_within_an_array(spark: SparkSession, lake: Path, execution: Execution) -> None:
    frame = rows(spark, 0, 20).selectExpr("*", texts("payload", GOOD, BAD))
    put(frame.selectExpr("* except (payload)", "array(named_struct('body', payload)) AS log"), lake)
    columns = {name.replace("payload", "log[].body"): rule for name, rule in JSON.items()}
    result = run(spark, lake, execution, columns=columns)
    assert (result.execution, result.rows, result.quarantined) == (execution, 16, 4)
    wanted = [(name.replace("payload", "log[].body"), rule) for name, rule in REFUSED]
    assert sorted((row["column"], row["rule"]) for row in aside(spark, lake)) == wanted


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_a_text_with_an_entity_that_its_domain_refuses(
    spark: SparkSession, lake: Path, execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number has blanks, which no digit of format-preserving encryption stands for."""
    card = {"technique": "format_preserving_encryption", "key": "crm"}
    monkeypatch.setitem(lakes.DOMAINS, "card", card)
    of: dict[str, Any] = {"technique": "treat_entities", "entities": {"payment_card": "card", "email": "other"}}
    of["known"] = {"note": "redact"}
    text = "of ann@example.org, card 4111111111111111"
    put(rows(spark, 0, 20).selectExpr("*", texts("text", text, {3: f"{CANARY} card 4111 1111 1111 1111"})), lake)
    result = run(spark, lake, execution, columns={"text": of})
    assert (result.execution, result.rows, result.quarantined) == (execution, 19, 1)
    assert [(row["column"], row["rule"]) for row in aside(spark, lake)] == [("text", "treat_entities")]
    assert run(spark, lake, requeue=True, columns={"text": of}).execution == "none", "no rule was mended"
    again = run(spark, lake, requeue=True, columns={"text": {**of, "on_refused": None}})
    assert (again.rows, again.counts["text"]) == (1, (0, 0, 1))
    assert aside(spark, lake) == []
    assert quarantines.ids(spark, lake) == sorted(f"note-{at}-n" for at in range(20))
