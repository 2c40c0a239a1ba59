"""The rows of persons, found in every form in which they stand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage
from jobs.lake import read
from jobs.subjects import leaf_values
from jobs.subjects.asked import Asked, HeldIn
from jobs.subjects.lookup import Lookup
from jobs.subjects.search import searching
from tests.helpers.persons import MANY, name, person


def found(spark: SparkSession, conf: Config, asked: Asked) -> tuple[dict[str, set[int | None]], list[int], list[str]]:
    """By place the persons whose rows hold one that is asked for; those rows; what is not searched."""
    with searching(spark, conf, asked) as search:
        places: dict[str, set[int | None]] = {}
        rows: list[int] = []
        for table in search.held.tables:
            each = [search.condition(table, [place]) for place in table.places]
            there = table.treated.rows().select("other", search.condition(table), *each).collect()
            rows += [row[0] for row in there if row[1]]
            for at, place in enumerate(table.places, 2):
                if held := {row[0] for row in there if row[at]}:
                    places[str(place.path)] = held
        return places, sorted(rows), list(map(str, search.held.gaps))


def asked(domain: str, *ids: str | int, held_in: HeldIn | None = None) -> Asked:
    return Asked(domain, pa.array(ids), held_in)


BY_ELEMENTS = {3, 2, 7, 6}
"""Persons 3 and 7, and those before them, in whose arrays they stand."""


@pytest.mark.parametrize(
    ("domain", "ids", "places"),
    [
        (
            "person",
            [name(3), f"{name(7)}  ", "nobody"],
            {
                "id": {3, 7}, "`odd.name ``x```": {3, 7}, "lines[].who": BY_ELEMENTS, "m{key}": BY_ELEMENTS,
                "deep[].x[].who": BY_ELEMENTS, "doc:$.who[*].id": BY_ELEMENTS,
            },
        ),
        ("number", [70_000_000_003, 70_000_000_007], {"nr": {3, 7}}),
        ("number", ["70000000003", "070000000007"], {"nr": {3}}),
        ("mail", [name(3), name(7)], {"mail": {3, 7}, "home.who": {3, 7}, "docs[]:$.who[*].id": BY_ELEMENTS}),
        ("card", [person(3), person(7), "x", "Ärger"], {"card": {3, 7}}),
        ("token", [name(3), name(7), "nobody"], {"tok": {3, 7}}),
        ("month", [name(3), name(7)], {"monthly": {3, 7}}),
        ("lost", [name(3), name(7)], {"lost": {3, 7}}),
        ("visit", [name(3), name(7)], {"visit": {3, 7}, "visits[]": BY_ELEMENTS}),
        ("relation", [name(3)], {"lab": {3}}),
    ],
)  # fmt: skip
def test_rows_are_found_by_what_the_record_says(
    spark: SparkSession, conf: Config, domain: str, ids: list[str | int], places: dict[str, set[int]]
) -> None:
    told, rows, gaps = found(spark, conf, asked(domain, *ids))
    assert told == places
    assert rows == sorted(set().union(*places.values()))
    assert gaps == []


def test_a_text_that_is_no_json_stops_no_search(spark: SparkSession) -> None:
    """It names nobody, whoever wrote it, and is counted; numbers are found as an erasure finds them."""
    texts = [
        '{"id": 1001.0, "more": [{"id": "a"}]}',
        "",
        "no JSON",
        None,
        '{"id": {}}',
        '{"id": "1001", "id": 2}',
        "[1",
    ]
    rows = spark.createDataFrame(
        [(at, text, [text, text]) for at, text in enumerate(texts)], "at int, d string, l array<string>"
    )
    lookup = SimpleNamespace(value=Lookup(pa.array([b"1001"])))
    for column, times in (("d", 1), ("l[]", 2)):
        path: Any = SimpleNamespace(leaf=ColumnPath.parse(f"{column}:$.id"))
        place: Any = SimpleNamespace(path=path, label=column)
        held = leaf_values.held_in(place, rows.schema, lookup, lambda values, key: values.cast(pa.binary()), None)
        unread = leaf_values.unread_in(ColumnPath.parse(column), [("id",), ("more", None, "id")], rows.schema)
        told = rows.select("at", held.alias("held"), unread.alias("unread")).collect()
        assert {row["at"] for row in told if row["held"]} == {0, 5}
        assert {row["at"]: row["unread"] for row in told if row["unread"]} == dict.fromkeys((2, 4, 6), times)


def test_every_text_of_the_tables_is_read(spark: SparkSession, conf: Config) -> None:
    with searching(spark, conf, asked("mail", name(3))) as search:
        (table,) = search.held.tables
        assert any(place.path.is_in_json for place in table.places)
        assert search.unread(table) == {}


def test_what_cannot_be_found_is_told(spark: SparkSession, conf: Config) -> None:
    told, rows, gaps = found(spark, conf, asked("area", name(3)))
    assert (told, rows) == ({}, [])
    assert gaps == [
        "t: area: truncate gives different values equal results, or unequal ones to equal values: others would be "
        "found too"
    ]


def test_nobody_is_found_where_nobody_is(spark: SparkSession, conf: Config) -> None:
    assert found(spark, conf, asked("person", "nobody", ""))[:2] == ({}, [])


def test_all_are_found(spark: SparkSession, conf: Config) -> None:
    told, rows, _ = found(spark, conf, asked("person", *map(name, range(MANY))))
    assert rows == [*range(MANY)]
    assert told["lines[].who"] == {*range(MANY)}


def test_files_and_sources(spark: SparkSession, conf: Config) -> None:
    with searching(spark, conf, asked("person", name(3))) as search:
        (table,) = search.held.tables
        files = {Path(row["file"]).name for row in search.files(table).collect()}
        assert files <= {Path(each).name for each in table.treated.rows().inputFiles()}
        assert files
        places = [place for place in search.held.sources if str(place.path) in ("id", "doc:$.who[*].id")]
        rows = read.rows_of(spark, conf.tables["t"].source).rows
        found = rows.where(search.in_source(places, rows.schema)).select("other").collect()
        assert {row["other"] for row in found} == {2, 3}
        plan = search.rows(table)._jdf.queryExecution().toString()
        secret = [*search.lookups[table.places[0]].wanted.to_pylist(), name(3).encode()]
        assert not [each for each in secret if each.decode() in plan]
        assert name(3) not in repr(search)


def test_tokens_find_what_their_vault_knows(spark: SparkSession, lake: Path, conf: Config) -> None:
    given = asked("token", stored(spark, lake, "tok", 3), held_in=HeldIn("t", "tok"))
    with searching(spark, conf, given) as search:
        place = search.held.sources[0]
        assert search.ids.raw(place.label).to_pylist() == [name(3)]


def stored(spark: SparkSession, lake: Path, column: str, who: int) -> str:
    rows = spark.read.format("delta").load(str(lake / "treated" / "t"))
    return str(rows.where(f"other = {who}").select(column).collect()[0][0])


def test_pseudonyms_find_those_treated_alike(spark: SparkSession, lake: Path, conf: Config) -> None:
    given = asked("person", stored(spark, lake, "id", 3), held_in=HeldIn("t", "lines[].who"))
    told, rows, _ = found(spark, conf, given)
    assert told["id"] == {3}
    assert rows == [2, 3]


def test_pseudonyms_that_can_be_turned_back_find_all(spark: SparkSession, lake: Path, conf: Config) -> None:
    told, _, _ = found(spark, conf, asked("mail", stored(spark, lake, "mail", 3), held_in=HeldIn("t", "mail")))
    assert told == {"mail": {3}, "home.who": {3}, "docs[]:$.who[*].id": {2, 3}}
    random = asked("visit", stored(spark, lake, "visit", 3), held_in=HeldIn("t", "visit"))
    assert found(spark, conf, random)[0]["visits[]"] == {2, 3}


def test_a_column_that_is_not_there_is_refused(spark: SparkSession, conf: Config) -> None:
    with pytest.raises(BadUsage, match="t: amount holds no values of domain person to go by"):
        found(spark, conf, asked("person", "x", held_in=HeldIn("t", "amount")))
    with pytest.raises(BadUsage, match=r"domains\.yaml has no domain persom; did you mean 'person'\?"):
        found(spark, conf, asked("persom", "x"))
