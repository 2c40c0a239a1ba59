"""Measured on Spark: as the definitions say, over rows and over people, whatever the types, nulls and floats."""

from __future__ import annotations

import datetime
import itertools
import math
import random
from collections import Counter, defaultdict
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs import risk
from jobs.console.exit_codes import BadUsage
from jobs.risk_measures import frames, singling
from jobs.risk_measures import measure as measuring
from jobs.risk_measures.measure import Asked
from tests.jobs.risk_measures import reference

SCHEMA = (
    "person int, age int, zip string, size double, born date, place struct<town: string>, ill string, pay int, w int"
)
QUASI = ["age", "zip", "size", "born", "place.town"]
NAN = float("nan")


def made(seed: int, many: int = 300) -> list[tuple[Any, ...]]:
    """Rows of few values each, every type with a null, 0.0 beside -0.0."""
    draw = random.Random(seed)
    days = [datetime.date(2000, 1, 1), datetime.date(2001, 1, 1)]
    return [
        (
            draw.choice([*range(many // 4), None]),
            draw.choice([30, 40, None]),
            draw.choice(["1", "2"]),
            draw.choice([0.0, -0.0, NAN]),
            draw.choice([days[0], days[0], days[1]]),
            (draw.choice(["x", "x", "x", None]),),
            draw.choice(["flu", "cold", "cold", None]),
            draw.choice([1, 1, 2, 3, 50]),
            draw.choice([1, 2, 10]),
        )
        for _ in range(many)
    ]


def key(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """What is equal to what: all NaN are, and both zeros."""
    size = "nan" if math.isnan(row[3]) else row[3] + 0.0
    return (*row[1:3], size, row[4], row[5][0])


def ranks(values: list[Any]) -> list[int]:
    order = sorted(set(values), key=lambda each: (each is not None, each))
    return [order.index(each) for each in values]


def expected(keys: list[Any], codes: list[int], by_rank: bool) -> dict[str, Any]:
    classes, places = reference.classes_of(keys, codes), max(codes) + 1
    p = reference.spread(classes, places)
    way = reference.by_rank if by_rank else reference.total_variation
    return reference.worst(classes, p, [way(reference.shares(each, places), p) for each in classes])


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(made(1), SCHEMA).repartition(3).cache()


def test_rows_by_the_definitions(rows: DataFrame) -> None:
    table = made(1)
    found = risk.measure(rows, quasi_identifiers=QUASI, sensitive=["ill", "pay"]).to_dict()
    keys = [key(row) for row in table]
    sizes = Counter(keys)
    assert found["rows"] == 300
    assert found["classes"] == len(sizes)
    assert found["k"] == min(sizes.values())
    assert found["histogram"] == Counter(sizes.values())
    assert found["uniques"] == Counter(sizes.values())[1]
    risky = sum(size for size in sizes.values() if 1 / size > 0.2) / 300
    prosecutor = {"highest": 1 / min(sizes.values()), "average": len(sizes) / 300, "at_risk": risky}
    assert found["prosecutor"] == found["journalist"] == pytest.approx(prosecutor)
    assert found["marketer"] == pytest.approx(len(sizes) / 300)
    assert found["sensitive"]["ill"] == pytest.approx(expected(keys, ranks([row[6] for row in table]), False))
    assert found["sensitive"]["pay"] == pytest.approx(expected(keys, ranks([row[7] for row in table]), True))
    without = risk.measure(rows, quasi_identifiers=QUASI).to_dict()
    assert without == {**found, "sensitive": {}}


def test_it_is_the_same_where_rows_are_counted_before_they_are_moved(
    rows: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = risk.measure(rows, QUASI, ["ill", "pay"]).to_dict()
    monkeypatch.setattr(frames, "FIRST", 100)
    assert frames._are_mostly_alone(rows.sparkSession.range(1000), ["id"], 1000)
    assert not frames._are_mostly_alone(rows.sparkSession.range(1000).selectExpr("id % 10 AS id"), ["id"], 1000)
    monkeypatch.setattr(frames, "_are_mostly_alone", lambda *_: False)
    counted = risk.measure(rows, QUASI, ["ill", "pay"]).to_dict()
    measured = {name: pytest.approx(each) for name, each in found["sensitive"].items()}
    assert counted == {**found, "sensitive": measured}


def test_people_by_all_their_rows(rows: DataFrame) -> None:
    """A person's class is the multiset of their rows; of sensitive values, each counts a person once."""
    table, of = made(1), defaultdict(list)
    for row in table:
        of[row[0]].append(row)
    keys = {person: tuple(sorted(map(repr, map(key, mine)))) for person, mine in of.items()}
    sizes = Counter(keys.values())
    found = risk.measure(rows, quasi_identifiers=QUASI, sensitive=["pay"], subject="person").to_dict()
    assert (found["rows"], found["people"], found["classes"]) == (300, len(of), len(sizes))
    assert found["histogram"] == Counter(sizes.values())
    pairs = [(keys[person], pay) for person, mine in of.items() for pay in {row[7] for row in mine}]
    wanted = expected([one for one, _ in pairs], ranks([pay for _, pay in pairs]), True)
    holders = Counter(pairs)
    wanted["alpha"] = max(many / sizes[one] for (one, _), many in holders.items())
    assert found["sensitive"]["pay"] == pytest.approx(wanted)


def test_five_rows_of_one_person(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("a", 1)] * 5 + [("b", 2)] * 5000 + [("c", 2)] * 5000, "who string, zip int")
    assert risk.measure(rows, quasi_identifiers=["zip"]).to_dict()["k"] == 5
    found = risk.measure(rows, quasi_identifiers=["zip"], subject="who").to_dict()
    assert (found["k"], found["uniques"], found["histogram"]) == (1, 1, {1: 1, 2: 1})


def test_a_null_may_stand_for_any_value(spark: SparkSession) -> None:
    draw = random.Random(4)
    table = [(draw.choice([1, 2, None]), draw.choice(["a", "b", None]), draw.choice("xyz")) for _ in range(40)]
    rows = spark.createDataFrame(table, "a int, b string, s string")
    found = risk.measure(rows, quasi_identifiers=["a", "b"], sensitive=["s"], nulls="any").to_dict()
    assert risk.measure(rows, quasi_identifiers=["a", "b"], nulls="any").to_dict() == {**found, "sensitive": {}}

    def alike(one: Any, other: Any) -> bool:
        return all(None in pair or pair[0] == pair[1] for pair in zip(one[:2], other[:2], strict=True))

    matching = {row[:2]: [other for other in table if alike(row, other)] for row in table}
    sizes = [len(matching[row[:2]]) for row in table]
    assert found["k"] == min(sizes)
    assert found["histogram"] == Counter(map(len, matching.values()))
    assert found["prosecutor"]["average"] == pytest.approx(sum(1 / size for size in sizes) / 40)
    shares = [Counter(row[2] for row in each).values() for each in matching.values()]
    assert found["sensitive"]["s"]["alpha"] == pytest.approx(max(max(each) / sum(each) for each in shares))
    assert found["sensitive"]["s"]["distinct_l"] == min(map(len, shares))


def test_a_hierarchy_of_what_is_sensitive(spark: SparkSession) -> None:
    table = [(1, "flu"), (1, "cold"), (1, "flu"), (2, "cut"), (2, "flu"), (2, None)]
    levels = [("flu", "lung", "any"), ("cold", "lung", "any"), ("cut", "skin", "any")]
    rows = spark.createDataFrame(table, "zip int, ill string")
    found = risk.measure(rows, quasi_identifiers=["zip"], sensitive=["ill"], hierarchies={"ill": levels}).to_dict()
    paths = [("none", "any"), ("lung", "any"), ("skin", "any"), ("lung", "any")]  # null, cold, cut, flu
    p = [1 / 6, 1 / 6, 1 / 6, 3 / 6]
    distances = [reference.by_tree(q, p, paths) for q in ([0, 1 / 3, 0, 2 / 3], [1 / 3, 0, 1 / 3, 1 / 3])]
    assert found["sensitive"]["ill"]["t"] == pytest.approx(max(distances))
    with pytest.raises(BadUsage, match="1 of its 4 different values") as refused:
        risk.measure(rows, quasi_identifiers=["zip"], sensitive=["ill"], hierarchies={"ill": levels[:2]})
    assert "cut" not in str(refused.value)


def test_what_the_population_says(spark: SparkSession) -> None:
    """Li: two of three; Bo: of ten; Al is not in the population's table. El Emam's three attackers, by hand."""
    rows = spark.createDataFrame([("li", 2), ("li", 1), ("bo", 9), ("al", 1)], "a string, w int")
    everybody = spark.createDataFrame([("li",)] * 3 + [("bo",)] * 10 + [("xu",)] * 2, "a string")
    found = risk.measure(rows, quasi_identifiers=["a"], population=everybody).to_dict()
    assert found["prosecutor"]["highest"] == 1
    assert found["journalist"] == pytest.approx({"highest": 1, "average": (2 / 3 + 1 / 10 + 1) / 4, "at_risk": 3 / 4})
    assert found["marketer"] == pytest.approx((2 / 3 + 1 / 10 + 1) / 4)
    assert found["population"] == {"k_map": 1, "delta_presence": [0, 1], "not_in_population": 1}
    weighted = risk.measure(rows, quasi_identifiers=["a"], weights="w").to_dict()
    assert weighted["journalist"]["highest"] == 1
    assert weighted["population"] == {"k_map": 1}, "al's only; of li there are 2 + 1, and of bo 9"
    heavier = rows.selectExpr("a", "w + 1.25 as w")
    assert risk.measure(heavier, quasi_identifiers=["a"], weights="w").to_dict()["population"] == {"k_map": 2.25}
    assert weighted["marketer"] == pytest.approx((2 / 3 + 1 / 9 + 1) / 4)
    with pytest.raises(BadUsage, match="has another type there: string and int"):
        risk.measure(rows, quasi_identifiers=["a"], population=everybody.selectExpr("1 as a"))
    with pytest.raises(BadUsage, match="1 row without one"):
        risk.measure(rows.selectExpr("a", "nullif(w, 9) as w"), quasi_identifiers=["a"], weights="w")


def test_what_thresholds_are_held_against(spark: SparkSession) -> None:
    """Two values for each of five people, of which one is known to whoever knows one of their rows, or all of them."""
    for zips, by_people in ((("80", "90"), 2), (("80", "80"), 2)):
        made = [(who, code, ill) for who in range(5) for code, ill in zip(zips, ("bad", "flu"), strict=True)]
        rows = spark.createDataFrame(made, "who int, code string, ill string")
        asked = Asked(["code"], ["ill"], "who")
        found = measuring.measure(rows, asked)
        assert (found.sizes.k, found.sensitive["ill"]["distinct_l"]) == (5, by_people)
        assert measuring.held(rows, asked, found)["ill"][0] == 1


def test_an_empty_table(rows: DataFrame) -> None:
    found = risk.measure(rows.limit(0), quasi_identifiers=QUASI, sensitive=["pay"]).to_dict()
    assert (found["rows"], found["classes"], found["k"], found["histogram"]) == (0, 0, 0, {})
    assert set(found["sensitive"]["pay"].values()) == {None}


def test_which_columns_single_out_and_what_matches(rows: DataFrame, spark: SparkSession) -> None:
    table = made(1)
    found = {each.columns: each.uniques for each in singling.small_sets(rows, QUASI, 2)}
    for places in [*itertools.combinations(range(5), 1), *itertools.combinations(range(5), 2)]:
        sizes = Counter(tuple(key(row)[at] for at in places) for row in table)
        assert found[tuple(QUASI[at] for at in places)] == Counter(sizes.values())[1]
    ours = spark.createDataFrame([("a",), ("b",), ("b",), ("c",), (None,), ("d",)], "x string")
    theirs = spark.createDataFrame([("a",), ("b",), ("c",), ("c",), ("e",)], "x string")
    assert singling.attack(ours, theirs, ["x"]) == singling.Matched(rows=6, matched=4, one=3, sure=1)
    assert singling.frequent(ours, "x") == singling.Frequent(rows=5, distinct=4, top=2, top_ten=5)


def test_people_are_singled_out_by_any_of_their_rows(spark: SparkSession) -> None:
    """Ann's two rows are alike, Bob and Cem share one, Dee's is matched twice; rows of nobody are one person's."""
    made = [
        ("ann", "a"),
        ("ann", "a"),
        ("bob", "b"),
        ("cem", "b"),
        ("cem", "c"),
        ("dee", "d"),
        (None, "e"),
        (None, "e"),
    ]
    ours = spark.createDataFrame(made, "who string, x string")
    theirs = spark.createDataFrame([("a",), ("b",), ("d",), ("d",), ("z",)], "x string")
    people = singling.attack(ours, theirs, ["x"], "who")
    assert people == singling.Matched(rows=5, matched=4, one=3, sure=1)  # ann alone is sure: by rows she is not
    assert singling.attack(ours, theirs, ["x"]) == singling.Matched(rows=8, matched=5, one=4, sure=0)
    assert singling.small_sets(ours, ["x"], 1, "who")[0].uniques == 4  # ann, cem by c, dee, and nobody
    assert singling.small_sets(ours, ["x"], 1)[0].uniques == 2  # c and d


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"quasi_identifiers": []}, "at least one"),
        ({"quasi_identifiers": ["agee"]}, "no column agee; did you mean 'age'"),
        ({"quasi_identifiers": ["place"]}, "name a field of it"),
        ({"quasi_identifiers": ["age"], "nulls": "never"}, "'equal' or 'any'"),
        ({"quasi_identifiers": ["age"], "nulls": "any", "subject": "person"}, "rows alone"),
        ({"quasi_identifiers": ["age"], "threshold": 1.5}, "between 0 and 1"),
        ({"quasi_identifiers": ["age"], "hierarchies": {"ill": []}}, "no sensitive column"),
    ],
)
def test_what_cannot_be_measured(rows: DataFrame, asked: dict[str, Any], told: str) -> None:
    with pytest.raises(BadUsage, match=told):
        risk.measure(rows, **asked)
