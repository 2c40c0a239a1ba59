"""Boxes reach what is asked, are the same however many tasks there are, and keep types."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.lake.problems import SourceProblem
from jobs.risk_search import class_table, mondrian
from jobs.risk_search.mondrian import UNKNOWN
from jobs.risk_search.wish import NotReached, Wish, judge
from tests.jobs.risk_search import made
from tests.jobs.risk_search.test_search import ROW, WISH, rows

SCHEMA = "born date, wage decimal(9,2), `zip.code` string, flag boolean, seen timestamp, id long"


def treated(table: class_table.ClassTable, boxes: mondrian.Boxes) -> list[tuple[tuple[object, ...], int]]:
    """What the classes of the base get, and how many rows each has."""
    given = zip(*(values.to_pylist() for values in boxes.values), strict=True)
    return [*zip(given, table.base.rows.tolist(), strict=True)]


@given(st.lists(ROW, min_size=1, max_size=40), WISH)
def test_every_box_reaches_what_is_asked(found: list[made.Row], wish: Wish) -> None:
    table = made.table(found)
    try:
        boxes = mondrian.cut(table, made.LADDERS, wish)
    except NotReached:
        return
    classes = table.base.merged(table.base.levels, [boxes.box], [len(boxes.rows)])
    assert not judge(wish, table, classes).failing.any()
    assert boxes.rows.sum() == len(found)
    for quasi, values in zip(table.quasi, boxes.values, strict=True):
        assert values.type == quasi.values.type


def test_classes_of_the_treated_rows_are_large_enough_and_finer_than_one() -> None:
    table = made.table(rows(200))
    boxes = mondrian.cut(table, made.LADDERS, Wish(k=5))
    sizes = Counter[tuple[object, ...]]()
    for values, count in treated(table, boxes):
        sizes[values] += count
    assert min(sizes.values()) >= 5
    assert len(boxes.rows) > 12
    assert boxes.average_class_size == 200 / len(boxes.rows)
    assert boxes.discernibility == pytest.approx(sum(size**2 for size in boxes.rows.tolist()) / 200**2)


def test_what_a_box_gets() -> None:
    """The least number, or null beside one; of towns what the ladder makes of all, or null."""
    table = made.table(
        [
            (1, "111", "Delft", "a", 1),
            (2, "111", "Leiden", "a", 1),
            (9, "211", "Ghent", "a", 1),
            (None, "222", "Ghent", "a", 1),
        ]
    )
    boxes = mondrian.cut(table, made.LADDERS, Wish(k=2))
    assert sorted(map(str, treated(table, boxes))) == [
        "((1, '111', 'South'), 1)",
        "((1, '111', 'South'), 1)",
        "((None, '2', 'Ghent'), 1)",
        "((None, '2', 'Ghent'), 1)",
    ]


def test_what_the_whole_table_does_not_reach() -> None:
    with pytest.raises(NotReached, match="whole table as one class"):
        mondrian.cut(made.table(rows(4)), made.LADDERS, Wish(k=5))


def frame(spark: SparkSession, tasks: int) -> DataFrame:
    made_of = spark.range(0, 400, 1, tasks).select(
        F.date_add(F.lit(date(1950, 1, 1)), (F.col("id") * 7919 % 900).cast("int")).alias("born"),
        (F.col("id") * 31 % 97 + F.lit(Decimal("0.50"))).cast("decimal(9,2)").alias("wage"),
        F.concat(F.lit("12"), (F.col("id") * 13 % 7).cast("string")).alias("zip.code"),
        F.when(F.col("id") % 5 > 0, F.col("id") % 2 == 0).alias("flag"),
        F.timestamp_seconds(F.col("id") * 86_400).alias("seen"),
        "id",
    )
    return spark.createDataFrame(made_of.repartition(tasks).toArrow()).repartition(tasks)


def test_one_two_and_four_tasks_give_the_same_bytes_and_types(spark: SparkSession) -> None:
    quasi, known, out = ["born", "wage", "zip.code", "flag", "seen"], set[bytes](), set[str]()
    for tasks in (1, 2, 4):
        given = frame(spark, tasks)
        boxes = mondrian.cut(class_table.count(given, quasi), {}, Wish(k=7))
        known.add(b"".join(bytes(memoryview(_written(values))) for values in boxes.values))
        result = mondrian.apply(given, boxes)
        assert [(field.name, field.dataType) for field in result.schema] == [
            (field.name, field.dataType) for field in given.schema
        ]
        arrow = result.toArrow().sort_by("id")
        assert min(arrow.group_by(quasi).aggregate([([], "count_all")])["count_all"].to_pylist()) >= 7
        out.add(str(arrow.to_pylist()))
    assert len(known) == len(out) == 1


def _written(values: pa.Array) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    batch = pa.record_batch({"values": values})
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def test_a_row_that_was_not_counted_stops_the_run(spark: SparkSession) -> None:
    given = spark.createDataFrame([(1, "a"), (2, "a")], "age int, town string")
    boxes = mondrian.cut(class_table.count(given, ["age"]), {}, Wish(k=2))
    assert {row.age for row in mondrian.apply(given, boxes).collect()} == {1}
    more = given.union(spark.createDataFrame([(4711, "a")], given.schema))
    with pytest.raises(Exception, match=UNKNOWN) as stopped:
        mondrian.apply(more, boxes).collect()
    assert SourceProblem.__name__ in str(stopped.value)
    assert "4711" not in str(stopped.value)
