"""Two tables compared: what differs is seen, however deep it lies, and nothing else."""

from __future__ import annotations

from pyspark.sql import SparkSession

from jobs.verification import multisets
from jobs.verification.multisets import Apart

ALIKE_AS_TEXT = {
    "an element or two": ("array('a, b')", "array('a', 'b')"),
    "a null or a word": ("array('null')", "array(cast(null AS string))"),
    "fields": ("named_struct('a', 'x, y', 'b', 'z')", "named_struct('a', 'x', 'b', 'y, z')"),
    "bytes": ("array(X'ff')", "array(X'fe')"),
    "a null struct": ("named_struct('a', named_struct('b', 'null'))", "named_struct('a', named_struct('b', null))"),
    "a map's entry": ("map('a', 'b, c -> d')", "map('a', 'b', 'c', 'd')"),
    "none or no element": ("array(cast(null AS array<string>))", "array(cast(array() AS array<string>))"),
}


def test_nested_values_that_read_alike_are_apart(spark: SparkSession) -> None:
    names = [f"c{at}" for at in range(len(ALIKE_AS_TEXT))]
    one, other = (
        spark.range(1).selectExpr(
            *(f"{pair[at]} AS {name}" for name, pair in zip(names, ALIKE_AS_TEXT.values(), strict=True))
        )
        for at in (0, 1)
    )
    found = multisets.compared(one, other, names)
    assert found.columns == dict.fromkeys(names, Apart(1, 1)), [*ALIKE_AS_TEXT]
    same = multisets.compared(one, one, names)
    assert not any(same.columns.values())
    assert not same.whole


def test_a_map_is_the_same_in_any_order(spark: SparkSession) -> None:
    pair = ("map('a', 1, 'b', 2)", "map('b', 2, 'a', 1)")
    one, other = (spark.range(1).selectExpr(f"{text} AS m") for text in pair)
    assert not multisets.compared(one, other, ["m"]).whole
