"""Runs whose values are encrypted under keys of their subjects, and what is left once those keys are destroyed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs import pseudonymize
from tests.helpers import lakes, shredding
from tests.helpers.shredding import GCM, MAIL

SCHEMA = "id bigint, mail string, other string, home struct<street: string, zip: string>, amount int"
ROWS = [
    (1, "a@x.org", "a@x.org", ("Canary Street", "z"), 10),
    (2, "a@x.org", None, None, 20),
    (1, "b@x.org", "a@x.org", (None, "z"), 30),
    (3, None, None, (None, "q"), 40),
]
CUSTOMER = {"domain": "customer"}
COLUMNS: dict[str, Any] = {
    "id": CUSTOMER,
    "mail": MAIL,
    "other": MAIL,
    "home.street": GCM,
    "home.zip": "keep",
    "amount": "keep",
}


def test_values_of_one_subject_alone_are_equal(spark: SparkSession, lake: Path) -> None:
    id_, source = shredding.made(spark, lake), str(lake / "raw" / "t")
    spark.createDataFrame(ROWS, SCHEMA).write.format("delta").save(source)
    more = {"source": {"format": "delta", "path": source}}
    conf = shredding.configured(lake, id_, COLUMNS, **more)
    done = pseudonymize.run(spark, conf, "t")
    assert done.not_columnar == "keys of subjects are joined from their table by Spark"
    assert done.counts["mail"] == (3, 1, 0)
    found = {row["amount"]: row for row in lakes.treated(spark, lake).collect()}
    assert found[10]["mail"] == found[10]["other"] == found[30]["other"]
    assert len({found[n]["mail"] for n in (10, 20, 30)}) == 3
    assert shredding.rows(spark, lake).count() == 2  # nobody asks for the key of 3
