"""Runs whose values get random tokens: once each, the same for equal values, joined in bulk."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from jobs import pseudonymize
from tests.helpers import lakes, vaults
from tests.helpers.vaults import TOKENS


def test_equal_values_have_one_token_in_all_columns_and_types(spark: SparkSession, tmp_path: Path) -> None:
    id_ = vaults.made(spark, tmp_path)
    rows = [(1, "1", ("2", "x"), 10), (2, None, None, 20), (None, "3", ("1", "y"), 30), (1, "1", (None, "z"), 40)]
    frame = spark.createDataFrame(rows, "id bigint, other string, home struct<who: string, zip: string>, amount int")
    frame.write.parquet(str(tmp_path / "raw" / "t"))
    columns = {"id": TOKENS, "other": TOKENS, "home.who": TOKENS, "home.zip": "keep", "amount": "keep"}
    conf = vaults.configured(tmp_path, id_, columns)
    result = pseudonymize.run(spark, conf, "t")
    assert result.rows == 4
    found = {row["amount"]: row for row in lakes.treated(spark, tmp_path).collect()}
    one, two, three = found[10]["id"], found[20]["id"], found[30]["other"]
    assert len({one, two, three}) == 3
    assert [found[n]["id"] for n in (10, 20, 30, 40)] == [one, two, None, one]
    assert [found[n]["other"] for n in (10, 20, 30, 40)] == [one, None, three, one]
    assert [found[n]["home"] for n in (10, 20, 30, 40)] == [(two, "x"), None, (one, "y"), (None, "z")]
    assert vaults.rows(spark, tmp_path).count() == 3
    counts = (
        {path: (c.treated, c.null, c.refused) for path, c in result.columns.items()}
        if hasattr(result, "columns")
        else {}
    )
    print(result)
    again = pseudonymize.run(spark, conf, "t")
    assert again.rows == 4
    assert {(row["amount"], row["id"]) for row in lakes.treated(spark, tmp_path).collect()} == {
        (10, one),
        (20, two),
        (30, None),
        (40, one),
    }
    assert vaults.rows(spark, tmp_path).count() == 3
