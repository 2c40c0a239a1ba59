"""What is measured of many rows: exact for people who have thousands, in as few passes and columns as are said."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs import risk
from tests.helpers import spark_reads

MANY = 10_000


def trails(spark: SparkSession) -> DataFrame:
    """People of 10,000 different rows and more, in no order. `a` and `b` have the same; `c` has not the last of them,
    and the first one twice; `d`, `e` and `f` have all, and the eighth twice. So each row is there five times or more,
    and there are four multisets less one: of two people, of one and of three."""
    people = spark.createDataFrame([(each,) for each in "abcdef"], "person string")
    many = f"""CASE WHEN person = 'c' AND id = {MANY - 1} THEN 0
                    WHEN person = 'c' AND id = 0 OR person IN ('d', 'e', 'f') AND id = 7 THEN 2 ELSE 1 END"""
    each = spark.range(MANY).crossJoin(people).selectExpr("*", f"explode(array_repeat(0, {many})) AS at")
    return each.selectExpr("person", "string(10000 + id) AS zip", "int(id % 7) AS age").repartition(3)


def test_people_of_ten_thousand_different_rows(spark: SparkSession) -> None:
    """By hand: the last row is there five times, the first seven, the eighth nine, all others six times. And counted
    one by one, with rows that are next to each other in two columns."""
    rows = trails(spark).cache()
    by_rows = risk.measure(rows, ["zip", "age"]).to_dict()
    assert (by_rows["rows"], by_rows["k"]) == (60_003, 5)
    assert by_rows["histogram"] == {5: 1, 6: MANY - 3, 7: 1, 9: 1}
    found = risk.measure(rows, ["zip", "age"], ["age"], subject="person").to_dict()
    assert (found["rows"], found["people"], found["classes"], found["k"], found["uniques"]) == (60_003, 6, 3, 1, 1)
    assert found["histogram"] == {1: 1, 2: 1, 3: 1}
    without = risk.measure(rows, ["zip", "age"], subject="person").to_dict()
    assert without == {**found, "sensitive": {}}
    assert found["prosecutor"] == pytest.approx({"highest": 1, "average": 3 / 6, "at_risk": 1})
    assert (found["sensitive"]["age"]["distinct_l"], found["sensitive"]["age"]["alpha"]) == (7, 1)
    own: dict[str, Counter[tuple[str, int]]] = defaultdict(Counter)
    for person, code, age in zip(*(column.to_pylist() for column in rows.toArrow().columns), strict=True):
        own[person][code, age] += 1
    trails_of = Counter(frozenset(each.items()) for each in own.values())
    assert found["histogram"] == Counter(trails_of.values())
    rows.unpersist()


@pytest.fixture(scope="module")
def wide(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    """2,000 rows of five columns that are asked about, and one of many bytes."""
    place = str(tmp_path_factory.mktemp("wide") / "t")
    note = " || ".join(f"sha2(string(id * 20 + {at}), 512)" for at in range(20))
    keys = ["id % 4 AS a", "string(id % 5) AS b", "id % 3 AS c", "string(id % 7) AS ill", "int(id % 11) AS pay"]
    spark.range(2000, numPartitions=2).selectExpr(*keys, f"{note} AS note").write.parquet(place)
    return place


def test_all_measures_of_rows_in_one_pass_and_of_these_columns(spark: SparkSession, wide: str) -> None:
    """And one pass over each sensitive column alone."""
    size = sum(path.stat().st_size for path in Path(wide).glob("*.parquet"))
    for sensitive, passes in (([], 1), (["ill"], 2), (["ill", "pay"], 3)):
        with spark_reads.counted(spark) as read:
            found = risk.measure(spark.read.parquet(wide), ["a", "b", "c"], sensitive).to_dict()
        assert (found["rows"], found["classes"], [*found["sensitive"]]) == (2000, 60, sensitive)
        assert 0 <= read.rows - 2000 * passes < 100, "and each different value, which Spark keeps meanwhile"
        assert 0 < read.bytes < size / 20
