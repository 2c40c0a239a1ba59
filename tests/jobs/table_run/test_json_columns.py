"""Columns of JSON text by path, through whole runs: both paths write the same bytes, or refuse in the same words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs.configuration.models import Execution
from jobs.record.treated_table import privacy_of
from privacy_udfs.errors import LakenymError
from tests.helpers import lakes, two_paths

TEXTS = [
    '{"user": {"id": 17, "email": "ann@x.org"},\t"n": 1.50e3, "tags": ["canary"]}',
    '{"user":{"id":"17"}, "\\u006e":[{}], "drop":{"me":1}}',
    None,
    '{"user":null}',
]
EVENTS = [[{"body": '{"id":17}', "n": 1}, None], [], None, [{"body": None, "n": 2}]]
COLUMNS: dict[str, Any] = {
    "id": {"domain": "customer"},
    "payload:$.user.id": {"domain": "customer"},
    "payload:$.user.email": {"technique": "mask"},
    "payload:$.n": "keep",
    "payload:$.tags[*]": "redact",
    "payload:$.drop": "drop",
    "events[].body:$.id": {"domain": "customer"},
    "events[].n": "keep",
}


def source(lake: Path, texts: list[str | None]) -> dict[str, Any]:
    path = lake / "raw" / "t"
    path.mkdir(parents=True)
    events = pa.array(EVENTS, pa.list_(pa.struct([("body", pa.string()), ("n", pa.int64())])))
    table = pa.table({"id": pa.array([17] * len(texts)), "payload": pa.array(texts), "events": events[: len(texts)]})
    pq.write_table(table, path / "part-0.parquet")
    return {"path": str(path), "format": "parquet"}


def test_both_paths_write_the_same(spark: SparkSession, lake: Path) -> None:
    two_paths.columnar(spark, lake, COLUMNS, source(lake, TEXTS))
    frame = spark.read.format("delta").load(str(lake / "treated" / "auto"))
    rows = frame.toArrow().to_pylist()
    pseudonym = rows[0]["id"]
    masked = "*" * 3 + "@" + "*" + "." + "*" * 3
    assert [row["payload"] for row in rows] == [
        f'{{"user": {{"id": "{pseudonym}", "email": "{masked}"}},\t"n": 1.50e3, "tags": [null]}}',
        f'{{"user":{{"id":"{pseudonym}"}}, "\\u006e":[{{}}]}}',
        None,
        '{"user":null}',
    ]
    assert rows[0]["events"] == [{"body": f'{{"id":"{pseudonym}"}}', "n": 1}, None]
    told = privacy_of(frame)
    assert set(told) == set(COLUMNS)
    assert told["payload:$.user.id"].domain == told["events[].body:$.id"].domain == told["id"].domain
    for log in (lake / "treated").rglob("_delta_log/*.json"):
        for line in log.read_text().splitlines():
            assert "payload" not in json.loads(line).get("add", {}).get("stats", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"canary":1}', "t: payload: 1 of 2 JSON texts in this batch cannot be treated (1: something below $ that"),
        ('{"user":{"email":17}}', "t: payload:$.user.email: mask cannot treat 1 of 2 values in this batch"),
    ],
)
def test_refused_alike_and_told_where(spark: SparkSession, lake: Path, text: str, said: str) -> None:
    given, messages = source(lake, ['{"user":{"email":"a"}}', text]), set()
    executions: tuple[Execution, ...] = ("spark", "columnar")
    for execution in executions:
        with pytest.raises(LakenymError) as caught:
            two_paths.run(spark, lake, COLUMNS, given, execution)
        messages.add(str(caught.value))
    assert len(messages) == 1, messages
    message = messages.pop()
    assert message.startswith(said)
    assert "it stands first in part-0.parquet, row 1" in message
    assert "canary" not in message


def test_a_folder_of_json_text_is_as_personal_as_what_is_in_it(spark: SparkSession, lake: Path) -> None:
    folder = lake / "raw" / "t" / "payload=%7B%22a%22%3A1%7D"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"id": [1]}), folder / "part-0.parquet")
    given = {"path": str(lake / "raw" / "t"), "format": "parquet"}
    columns = {"id": "keep", "payload:$": lakes.column("keep", "non_personal"), "payload:$.a": "redact"}
    with pytest.raises(LakenymError, match="is partitioned by payload, which is quasi_identifier"):
        two_paths.run(spark, lake, columns, given, "spark")
    result = two_paths.run(spark, lake, columns, {**given, "personal_paths": "accepted"}, "columnar")
    rows = spark.read.format("delta").load(str(lake / "treated" / "columnar")).select("payload").collect()
    assert (result.rows, rows[0][0]) == (1, '{"a":null}')
