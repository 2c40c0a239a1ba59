"""What is learnt within classes, in whole arrays: against the definitions, by hand, and as pycanon and ARX publish."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.risk_classes.batch import Batch
from jobs.risk_classes.distances import distances
from jobs.risk_classes.whole import Whole
from jobs.risk_measures import uniqueness
from jobs.risk_measures.diversity import Worst
from jobs.risk_measures.hierarchies import parents
from jobs.risk_measures.sizes import Sizes
from tests.helpers.places import ROOT
from tests.jobs.risk_measures import reference
from tests.jobs.risk_measures.reference import Class

PUBLISHED = json.loads((ROOT / "tests" / "vectors" / "risk_measures.json").read_text(encoding="utf-8"))
HAND = [{0: 2, 1: 1}, {0: 1, 1: 1, 2: 1, 3: 1}, {3: 3, 1: 1}]
"""Of 11 rows: shares 3/11, 3/11, 1/11, 4/11."""
TREE = (("x", "top"), ("x", "top"), ("y", "top"), ("y", "top"))
tables = st.lists(st.dictionaries(st.integers(0, 3), st.integers(1, 6), min_size=1), min_size=1, max_size=6)


def batch(classes: Sequence[Class]) -> Batch:
    sizes = [sum(each.values()) for each in classes]
    pairs = [pair for each in classes for pair in each.items()]
    lengths = np.array([len(each) for each in classes])
    codes, counts = (np.array(each, np.int64) for each in zip(*pairs, strict=True))
    return Batch.of(np.array(sizes, np.int64), lengths, codes, counts)


def dense(classes: Sequence[Class]) -> tuple[list[Class], int]:
    """With places that no class has left out, as a table would have them."""
    known = sorted({place for each in classes for place in each})
    return [{known.index(place): many for place, many in each.items()} for each in classes], len(known)


def whole(classes: Sequence[Class], places: int, **more: Any) -> Whole:
    return Whole(np.array([sum(each.get(at, 0) for each in classes) for at in range(places)], np.int64), **more)


@given(tables, st.sampled_from(["equal", "ordered", "tree"]))
def test_as_the_definitions_say(table: list[Class], kind: str) -> None:
    classes, places = dense(table)
    paths = TREE[:places]
    above = (np.array([0, 0, 1, 1])[:places], np.zeros(places, np.int64))
    of = whole(classes, places, ordered=kind == "ordered", parents=above if kind == "tree" else ())
    p = reference.spread(classes, places)
    qs = [reference.shares(each, places) for each in classes]
    way = {
        "equal": reference.total_variation,
        "ordered": reference.by_rank,
        "tree": lambda q, p: reference.by_tree(q, p, paths),
    }[kind]
    t = [way(q, p) for q in qs]
    assert distances(batch(classes), of).tolist() == pytest.approx(t, abs=1e-12)
    assert Worst.of(batch(classes), of).as_data(of) == pytest.approx(reference.worst(classes, p, t), abs=1e-9)


@given(tables.filter(lambda table: len(table) > 1), st.data())
def test_parts_merge_into_the_whole(table: list[Class], data: st.DataObject) -> None:
    classes, places = dense(table)
    of, at = whole(classes, places), data.draw(st.integers(1, len(classes) - 1))
    merged = Worst.of(batch(classes[:at]), of) + Worst.of(batch(classes[at:]), of)
    assert merged.as_data(of) == pytest.approx(Worst.of(batch(classes), of).as_data(of), abs=1e-12)


def test_by_hand() -> None:
    """p = (3, 3, 1, 4) / 11. t by rank is greatest for (2, 1, 0, 0) / 3: (|2/3 - 3/11| + 1 - 6/11 + 1 - 7/11) / 3."""
    of = whole(HAND, 4, ordered=True)
    found = Worst.of(batch(HAND), of).as_data(of)
    assert found["distinct_l"] == 2
    assert found["entropy_l"] == pytest.approx(math.exp(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25))))
    assert found["recursive_c"] == 3  # 3 / 1, and for the class of four values 1 / 3
    assert found["alpha"] == 0.75
    assert found["t"] == pytest.approx(40 / 99)
    assert found["basic_beta"] == pytest.approx((1 / 4 - 1 / 11) / (1 / 11))
    assert found["enhanced_beta"] == pytest.approx(min(1.75, math.log(11)))
    assert found["delta"] == pytest.approx(math.log(11 / 4))
    assert Worst.of(batch(HAND), of).as_data(of, l=3)["recursive_c"] is None


def test_recursive_c_goes_down_from_the_most_frequent() -> None:
    """Machanavajjhala et al., definition 4.2: counts 5, 3, 2 with l = 2: c must be above 5 / (3 + 2)."""
    classes = [{0: 2, 1: 5, 2: 3}, {0: 1, 1: 1}]
    of = whole(classes, 3)
    assert Worst.of(batch(classes), of).as_data(of)["recursive_c"] == 1


@pytest.mark.parametrize("case", PUBLISHED["pycanon"], ids=lambda case: case["table"])
def test_as_pycanon_publishes(case: dict[str, Any]) -> None:
    """c is not among them: pycanon sorts counts the other way round."""
    classes = [dict(map(tuple, pairs)) for many, pairs in case["classes"] for _ in range(many)]
    places = 1 + max(place for each in classes for place in each)
    of = whole(classes, places, ordered=case["ordered"])
    found, wanted = Worst.of(batch(classes), of).as_data(of), dict(case["expected"])
    assert min(sum(each.values()) for each in classes) == wanted.pop("k")
    assert math.floor(found["entropy_l"] + 1e-9) == wanted.pop("entropy_l_floor")
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, abs=1e-9)


def test_as_arx_publishes() -> None:
    """``TestRiskMetrics`` of ARX, of its table adult.csv with all nine columns as quasi-identifiers."""
    case = PUBLISHED["arx"]
    sizes = Sizes.of((size, many, size * many) for size, many in case["histogram"])
    assert sizes.as_data()["prosecutor"]["average"] == pytest.approx(case["average_risk"], abs=1e-12)
    assert sizes.uniques / sizes.rows == pytest.approx(case["sample_uniqueness"], abs=1e-12)
    for fraction, wanted in case["pitman"]:
        assert int(1e4 * uniqueness.pitman(sizes, fraction)) == int(1e4 * wanted)
    for fraction, wanted in case["zayatz"]:
        assert uniqueness.zayatz(sizes, fraction) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("rows", [1_000, 10**9, 10**11])
def test_chances_keep_their_digits_at_any_size(rows: int) -> None:
    """By whole numbers: that exactly one of a class is drawn without putting back."""
    population, sizes = 4 * rows, (1, 2, 7, 40)

    def exactly(size: int) -> float:
        others = math.prod(Fraction(population - rows - at, population - 1 - at) for at in range(size - 1))
        return float(Fraction(size * rows, population) * others)

    found = uniqueness._one_drawn(population, sizes, rows)
    assert found == pytest.approx({size: exactly(size) for size in sizes}, rel=1e-12)


def test_parents_end_in_one_root() -> None:
    """Nodes are told apart by the way from the top: the two ``other`` are not one."""
    levels = [("a", "other", "ill"), ("b", "other", "well"), ("c", "flu", "ill")]
    assert [each.tolist() for each in parents(levels, np.array([0, 1, 2, -2]))] == [
        [0, 1, 2, 3],
        [0, 1, 0, 2],
        [0, 0, 0, 0],
    ]
