"""Public tables measured by Spark, row by row: what pycanon and ARX publish of them."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import risk
from jobs.risk_measures import uniqueness
from jobs.risk_measures.measure import Asked, measure
from jobs.risk_search import class_table, ladders, search
from jobs.risk_search.wish import Wish
from tests.helpers import public_tables
from tests.helpers.places import ROOT
from tests.helpers.sweeps import but_for

PUBLISHED = json.loads((ROOT / "tests" / "vectors" / "risk_measures.json").read_text(encoding="utf-8"))
TABLES = {case["table"]: case for case in PUBLISHED["pycanon"]}
QUASI = ["sex", "age", "race", "marital-status", "education", "native-country", "workclass", "salary-class"]
"""Of Adult, beside the occupation, which is sensitive in ARX's tests; a node has their levels in this order."""


@pytest.mark.parametrize("name", but_for(["hospital_anonymized", "StudentsMath_Score_k5"], TABLES))
def test_as_pycanon_publishes(spark: SparkSession, name: str) -> None:
    case, wanted = TABLES[name], dict(TABLES[name]["expected"])
    rows, sensitive = public_tables.rows(spark, public_tables.stored()["pycanon"][name]), case["sensitive"]
    if case["ordered"]:
        rows = rows.withColumn(sensitive, F.col(sensitive).cast("double"))
    data = risk.measure(rows, case["quasi_identifiers"], [sensitive]).to_dict()
    found = data["sensitive"][sensitive]
    assert (data["rows"], data["k"]) == (case["rows"], wanted.pop("k"))
    assert data["classes"] == sum(many for many, _ in case["classes"])
    assert math.floor(found["entropy_l"] + 1e-9) == wanted.pop("entropy_l_floor")
    assert {each: found[each] for each in wanted} == pytest.approx(wanted, abs=1e-9)


def test_adult_as_arx_publishes(spark: SparkSession) -> None:
    """``TestRiskMetrics``, of all nine columns."""
    case, rows = PUBLISHED["arx"], public_tables.rows(spark, public_tables.stored()["adult"])
    found = measure(rows, Asked(rows.columns))
    data = found.to_dict()
    assert data["histogram"] == dict(case["histogram"])
    assert data["prosecutor"]["highest"] == 1
    assert data["prosecutor"]["average"] == pytest.approx(case["average_risk"], abs=1e-9)
    assert data["uniques"] / data["rows"] == pytest.approx(case["sample_uniqueness"], abs=1e-9)
    assert uniqueness.zayatz(found.sizes, 0.1) == pytest.approx(dict(case["zayatz"])[0.1], abs=1e-9)


@dataclasses.dataclass(frozen=True)
class Optimum:
    """What a test of ARX expects of Adult without suppression: the node that loses least, and its loss: the sum of the
    squares of class sizes, or bits of non-uniform entropy. wish: of the search. distance: of t."""

    source: str
    node: tuple[int, ...]
    wish: Wish
    squares: int | None = None
    bits: float | None = None
    distance: str = "equal"


ALL_BUT_MARRIED = (1, 4, 1, 1, 3, 2, 2, 1)
OPTIMA = [
    Optimum("TCloseness", ALL_BUT_MARRIED, Wish(5, t={"occupation": 0.2}), squares=456_853_172),
    Optimum(
        "OrderedDistanceTCloseness",
        (1, 1, 1, 2, 3, 2, 2, 1),
        Wish(5, t={"occupation": 0.1}),
        squares=97_868_020,
        distance="ordered",
    ),
    Optimum(
        "OrderedDistanceTCloseness",
        (1, 4, 1, 1, 1, 2, 2, 1),
        Wish(100, t={"occupation": 0.2}),
        squares=162_312_130,
        distance="ordered",
    ),
    Optimum(
        "Combinations",
        (0, 4, 1, 1, 3, 2, 2, 1),
        Wish(5, t={"occupation": 0.2}),
        bits=398_400.0741806447,
        distance="tree",
    ),
    Optimum("LDiversity", (1, 1, 1, 1, 3, 2, 2, 1), Wish(1, entropy_l={"occupation": 5}), bits=324_620.5269918692),
    Optimum("Combinations", (1, 1, 1, 1, 3, 2, 2, 1), Wish(5), bits=324_620.5269918692),
]


@pytest.mark.parametrize("case", but_for(OPTIMA[3:4], OPTIMA), ids=lambda case: f"{case.source} {case.node}")
def test_what_arx_generalizes_to_has_the_loss_and_reaches_what_was_asked(spark: SparkSession, case: Optimum) -> None:
    """And where each coarser node loses more, no node that is finer in one column does."""
    found = _measured(spark, case.node, case.distance)
    if case.squares is not None:
        assert sum(size * size * many for size, many in found["histogram"].items()) == case.squares
    assert _reaches(found, case.wish)
    if case.squares is not None:
        for at, level in enumerate(case.node):
            finer = (*case.node[:at], level - 1, *case.node[at + 1 :])
            assert not level or not _reaches(_measured(spark, finer, case.distance), case.wish), finer


def _measured(spark: SparkSession, node: tuple[int, ...], distance: str) -> dict[str, Any]:
    rows = public_tables.generalized(spark, node, QUASI)
    if distance == "ordered":
        rows = rows.replace(_ranks(), subset=["occupation"]).withColumn("occupation", F.expr("int(occupation)"))
    levels = {"occupation": public_tables.hierarchy("occupation")} if distance == "tree" else {}
    return risk.measure(rows, QUASI, ["occupation"], hierarchies=levels).to_dict()


def _ranks() -> dict[str, str]:
    """Occupations by their place in the order of texts."""
    return {value: str(at) for at, value in enumerate(public_tables.stored()["adult"]["columns"]["occupation"])}


def _reaches(found: dict[str, Any], wish: Wish) -> bool:
    learnt = found["sensitive"]["occupation"]
    return (
        found["k"] >= wish.k
        and all(learnt["t"] <= most + 1e-9 for most in wish.t.values())
        and all(learnt["entropy_l"] >= least - 1e-9 for least in wish.entropy_l.values())
    )


@pytest.mark.parametrize("case", OPTIMA, ids=lambda case: f"{case.source} {case.node}")
def test_the_search_finds_the_loss_of_arx(case: Optimum) -> None:
    """The node is ARX's too, or another that loses as little."""
    found = public_tables.distinct(public_tables.stored()["adult"])
    names = [*public_tables.stored()["adult"]["columns"]]
    columns = dict(zip([*names, "rows"], zip(*found, strict=True), strict=True))
    arrays: dict[str, Any] = {name: pa.array(columns[name]) for name in (*QUASI, "occupation", "rows")}
    if case.distance == "ordered":
        arrays["occupation"] = pa.array([int(_ranks()[value]) for value in columns["occupation"]])
    own = ladders.hierarchy(public_tables.hierarchy("occupation"), "occupation.csv")
    table = class_table.from_arrow(
        pa.table({name: arrays[name] for name in (*QUASI, "occupation", "rows")}),
        len(QUASI),
        ladders_of_sensitive={"occupation": own} if case.distance == "tree" else {},
    )
    chosen = {name: ladders.hierarchy(public_tables.hierarchy(name), f"{name}.csv") for name in QUASI}
    measure_ = "discernibility" if case.bits is None else "nonuniform_entropy"
    best = search.search(table, chosen, case.wish, measure_).best
    if case.squares is not None:
        assert best.loss * table.rows**2 == pytest.approx(case.squares, rel=1e-9)
    if case.bits is not None:
        assert best.loss * _bits(columns) == pytest.approx(case.bits, rel=1e-9)


def _bits(columns: dict[str, tuple[Any, ...]]) -> float:
    """All information in the quasi-identifiers, column by column."""
    total = sum(columns["rows"])
    bits = 0.0
    for name in QUASI:
        many: Counter[str] = Counter()
        for value, count in zip(columns[name], columns["rows"], strict=True):
            many[value] += count
        bits += sum(count * math.log2(total / count) for count in many.values())
    return bits
