"""Boxes reach what is asked, are the same however many tasks there are, and keep types."""

from __future__ import annotations

import math
import statistics
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
from jobs.risk_search import box_losses, class_table, mondrian
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


# -- against the paper, and against plain Python over single rows -----------------------------------------------------


def test_patients_of_the_paper() -> None:
    """LeFevre, DeWitt, Ramakrishnan: Mondrian Multidimensional K-Anonymity, ICDE 2006: the patients of figure 1, with
    k = 2, in the four regions of figure 3."""
    patients = pa.table(
        {
            "sex": ["M", "F", "M", "M", "F", "M"],
            "age": [25, 25, 26, 27, 27, 28],
            "zip": [53711, 53712, 53711, 53710, 53712, 53711],
            "rows": [1] * 6,
        }
    )
    table = class_table.from_arrow(patients, 3)
    boxes = mondrian.cut(table, {}, Wish(k=2))
    found = Counter(tuple(values) for values, _ in treated(table, boxes))
    assert found == {("M", 25, 53711): 2, ("F", 25, 53712): 2, ("M", 27, 53710): 2}, "[25-26], [25-27] and [27-28]"


def partitioned(rows: list[tuple[object, ...]], k: int) -> list[list[int]]:
    """Strict multidimensional partitioning, top down, row by row: at the median of the dimension that is the widest, by
    ranks as shares of all; or of the next, where a half would have fewer than k rows."""
    columns = [*zip(*rows, strict=True)]
    order = [sorted(set(column), key=lambda value: (value is None, value or 0)) for column in columns]
    ranks = [[known.index(value) for value in column] for known, column in zip(order, columns, strict=True)]
    whole = [max(max(column) - min(column), 1) for column in ranks]

    def width(part: list[int], at: int) -> float:
        inside = [ranks[at][row] for row in part]
        return (max(inside) - min(inside)) / whole[at]

    def cut(part: list[int]) -> list[list[int]]:
        for at in sorted(range(len(columns)), key=lambda at: -width(part, at)):
            median = statistics.median_low(ranks[at][row] for row in part)
            upper = [row for row in part if ranks[at][row] > median] or [
                row for row in part if ranks[at][row] == median
            ]
            lower = [row for row in part if row not in upper]
            if min(len(upper), len(lower)) >= k:
                return [*cut(lower), *cut(upper)]
        return [part]

    return cut([*range(len(rows))])


@given(st.lists(ROW, min_size=1, max_size=40), st.integers(1, 5))
def test_it_cuts_as_plain_python_does(found: list[made.Row], k: int) -> None:
    if len(found) < k:
        return
    table = made.table(found)
    boxes = mondrian.cut(table, {}, Wish(k=k))
    keys = [quasi.values.to_pylist() for quasi in table.quasi]
    classes = zip(
        *([known[at] for at in code] for known, code in zip(keys, table.base.codes, strict=True)), strict=True
    )
    box_of = dict(zip(classes, boxes.box.tolist(), strict=True))
    by_box: dict[int, set[int]] = {}
    for at, row in enumerate(found):
        by_box.setdefault(box_of[row[:3]], set()).add(at)
    assert sorted(map(sorted, by_box.values())) == sorted(map(sorted, partitioned([row[:3] for row in found], k)))


@given(st.lists(ROW, min_size=1, max_size=30), st.integers(1, 5))
def test_what_boxes_lose_is_what_their_rows_do(found: list[made.Row], k: int) -> None:
    """Counted cell by cell."""
    if len(found) < k:
        return
    table = made.table(found)
    boxes = mondrian.cut(table, made.LADDERS, Wish(k=k))
    keys = [quasi.values.to_pylist() for quasi in table.quasi]
    classes = zip(
        *([known[at] for at in code] for known, code in zip(keys, table.base.codes, strict=True)), strict=True
    )
    box_of = dict(zip(classes, boxes.box.tolist(), strict=True))
    members: dict[int, list[made.Row]] = {}
    for row in found:
        members.setdefault(box_of[row[:3]], []).append(row)
    rows, lost = len(found), box_losses.of(boxes, made.LADDERS)
    assert lost["discernibility"] == pytest.approx(sum(len(each) ** 2 for each in members.values()) / rows**2)
    assert lost["average_class_size"] == pytest.approx(rows / len(members))
    width, gone, most = 0.0, 0.0, 0.0
    for row in found:
        for at, name in enumerate(made.LADDERS):
            column = [each[at] for each in found]
            known = covered(name, [each[at] for each in members[box_of[row[:3]]]], column)
            width += wide(known, column)
            gone += math.log(sum(value in known for value in column) / column.count(row[at]))
            most += math.log(rows / column.count(row[at]))
    assert lost["certainty_penalty"] == pytest.approx(width / (3 * rows), abs=1e-9)
    assert lost["nonuniform_entropy"] == pytest.approx(gone / (most or 1.0), abs=1e-9)


def covered(name: str, inside: list[object], column: list[object]) -> set[object]:
    """The values of a column that a cell of a box may have been."""
    if len(set(inside)) == 1:
        return set(inside)
    if name == "age":
        if None in inside:
            return set(column)
        return {value for value in column if value is not None and min(inside) <= value <= max(inside)}  # type: ignore
    for rung in made.LADDERS[name].rungs:
        known = pa.array(column)
        group = dict(zip(column, rung.apply(known.cast(pa.string())).to_pylist(), strict=True))
        if len({group[value] for value in inside}) == 1:
            return {value for value in column if group[value] == group[inside[0]]}
    return set(column)


def wide(known: set[object], column: list[object]) -> float:
    if len(known) == 1:
        return 0.0
    if known == set(column):
        return 1.0
    if all(isinstance(value, int) for value in known):
        numbers = [value for value in column if isinstance(value, int)]
        return (max(known) - min(known)) / (max(numbers) - min(numbers))  # type: ignore
    return len(known) / len(set(column))
