"""Texts treated by both paths: in a column, and in a struct within an array; and what they share with columns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs.configuration.models import Execution
from privacy_udfs.errors import LakenymError
from tests.helpers import lakes, two_paths

MAILS = ["Ann@Example.org", " bob@example.com", None]
NOTES = ["write to ann@example.org, or bob@example.com! ANN  LEE, 1001", "nothing", None]


def test_both_paths_give_texts_the_pseudonyms_that_columns_have(spark: SparkSession, lake: Path) -> None:
    known = {"who.name": "customer", "number": "redact"}
    of = {"technique": "treat_entities", "entities": {"email": "other", "phone": "redact"}, "known": known}
    log = [
        [{"at": 1, "text": "bob@example.com: +47 406 12 345"}, {"at": 2, "text": None}],
        [{"at": 3, "text": "BEA"}],
        None,
    ]
    kinds = "id long, mail string, note string, log array<struct<at: long, text: string>>"
    kinds += ", who struct<name: string>, number int"
    people = [{"name": "Ann Lee"}, {"name": "Bea"}, None]
    frame = spark.createDataFrame(list(zip(range(3), MAILS, NOTES, log, people, [1001, None, 7], strict=True)), kinds)
    source = {"format": "parquet", "path": str(lake / "raw" / "t")}
    frame.coalesce(1).write.parquet(source["path"])
    treated = {"mail": {"domain": "other"}, "note": of, "log[].text": of, "who.name": {"domain": "customer"}}
    columns = two_paths.kept(frame.schema, **treated, number="drop")
    with pytest.MonkeyPatch.context() as patched:
        steps = {**lakes.DOMAINS["other"], "normalize": ["nfc", "trim", "lower"]}
        patched.setitem(lakes.DOMAINS, "other", steps)
        two_paths.columnar(spark, lake, columns, source)
    rows = spark.read.format("delta").load(str(lake / "treated" / "auto")).orderBy("id").collect()
    ann, bob = rows[0]["mail"], rows[1]["mail"]
    lee, bea = rows[0]["who"]["name"], rows[1]["who"]["name"]
    assert [row["note"] for row in rows] == [f"write to {ann}, or {bob}! {lee}, [number]", "nothing", None]
    assert [[part["text"] for part in row["log"] or []] for row in rows][1:] == [[bea], []]
    assert [part["text"] for part in rows[0]["log"]] == [f"{bob}: [phone]", None]
    record = lakes.record(spark, lake, "auto")["columns"]
    assert record["note"]["keys"]["other"]["key_id"] == record["mail"]["key_id"]
    assert record["note"]["keys"].keys() == {"other", "customer"}
    assert record["note"]["keys"] == record["log[].text"]["keys"]
    assert "example" not in json.dumps(record)


@pytest.mark.parametrize("execution", ["spark", "columnar"])
def test_a_value_within_a_text_that_its_domain_refuses_stops_the_run(
    spark: SparkSession, lake: Path, execution: Execution
) -> None:
    spark.createDataFrame([("card 4111 1111 1111 1111",)], "note string").write.parquet(str(lake / "raw" / "t"))
    source = {"format": "parquet", "path": str(lake / "raw" / "t")}
    of = {"technique": "treat_entities", "entities": {"payment_card": "card"}}
    card = {"technique": "format_preserving_encryption", "key": "crm"}
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(lakes.DOMAINS, "card", card)
        with pytest.raises(LakenymError, match=r"t: note: treat_entities cannot treat 1 of 1 values") as caught:
            two_paths.run(spark, lake, {"note": of}, source, execution)
    assert "4111" not in str(caught.value)
    assert not DeltaTable.isDeltaTable(spark, str(lake / "treated" / execution))
