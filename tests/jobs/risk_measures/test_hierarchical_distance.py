"""The distance in hierarchies of any height: what it costs to carry shares from value to value, by the cheapest way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs import risk
from jobs.risk_classes.batch import Batch
from jobs.risk_classes.distances import distances
from jobs.risk_classes.whole import Whole
from jobs.risk_measures import hierarchies
from tests.jobs.risk_measures import reference

Path = tuple[str, ...]
NO_ROOT: Path = ("nothing",)
SICK = "respiratory and digestive system diseases"
LUNGS = {
    "respiratory infection": ("flu", "pneumonia", "bronchitis"),
    "vascular lung disease": ("pulmonary edema", "pulmonary embolism"),
}
BOWELS = {
    "stomach disease": ("gastric ulcer", "stomach cancer", "gastritis"),
    "colon disease": ("colitis", "colon cancer"),
}
DISEASES: list[Path] = [
    (value, group, system, SICK)
    for system, groups in (("respiratory system disease", LUNGS), ("digestive system disease", BOWELS))
    for group, values in groups.items()
    for value in values
]
"""Li, Li, Venkatasubramanian: t-Closeness, ICDE 2007, the hierarchy of diseases that section 4 has for its example."""


def cost(supply: list[int], demand: list[int], apart: list[list[int]]) -> int:
    """The least that it costs to carry what is there to where it is wanted: one unit after the other, each by the
    cheapest way through what was carried before (Bellman and Ford), which is the optimum of the linear program."""
    many = len(supply)
    carried, left, wanted, total = [[0] * many for _ in range(many)], [*supply], [*demand], 0
    while any(left):
        price = [0.0 if left[at] else np.inf for at in range(many)] + [np.inf] * many
        before: list[int | None] = [None] * (2 * many)
        for _ in range(2 * many):
            for one in range(many):
                for other in range(many):
                    if price[one] + apart[one][other] < price[many + other]:
                        price[many + other], before[many + other] = price[one] + apart[one][other], one
                    if carried[one][other] and price[many + other] - apart[one][other] < price[one]:
                        price[one], before[one] = price[many + other] - apart[one][other], many + other
        at: int | None = min((each for each in range(many) if wanted[each]), key=lambda each: price[many + each]) + many
        assert at is not None
        total, wanted[at - many] = total + int(price[at]), wanted[at - many] - 1
        while (came := before[at]) is not None:
            if at >= many:
                carried[came][at - many] += 1
            else:
                carried[at][came - many] -= 1
            at = came
        left[at] -= 1
    return total


def meets(one: Path, other: Path) -> int:
    """The level at which two values, with what is above them, meet first. Nodes are known by the way from the top."""
    return next(level for level in range(len(one)) if one[level:] == other[level:])


def by_carrying(q: list[int], p: list[int], paths: list[Path]) -> float:
    """q, p: counts. paths: of each value with itself first and a root last."""
    own, every = sum(q), sum(p)
    apart = [[meets(one, other) for other in paths] for one in paths]
    spent = cost([each * every for each in q], [each * own for each in p], apart)
    return spent / (own * every * (len(paths[0]) - 1))


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[Path], list[int]]:
    """Rows of a hierarchy of three to five levels, with one root or several; and a row for each value that a column
    has, of which one may be null."""
    levels, rooted = draw(st.integers(3, 5)), draw(st.booleans())
    above = st.tuples(*[st.sampled_from("xy")] * (levels - 1), st.just("all") if rooted else st.sampled_from("xy"))
    found = draw(st.lists(above, min_size=2, max_size=5))
    null = [hierarchies.OF_NULL] if draw(st.booleans()) else []
    return [(str(at), *path) for at, path in enumerate(found)], [*null, *range(len(found))]


@given(trees(), st.data())
def test_it_is_the_cheapest_way_in_trees_of_any_height(tree: tuple[list[Path], list[int]], data: st.DataObject) -> None:
    levels, at = tree
    q, rest = (data.draw(st.lists(st.integers(least, 3), min_size=len(at), max_size=len(at))) for least in (0, 1))
    q[-1] += not any(q)
    p = [one + other for one, other in zip(q, rest, strict=True)]
    of = Whole(np.array(p), parents=hierarchies.parents(levels, np.array(at)))
    there = np.flatnonzero(q)
    batch = Batch.of(np.array([sum(q)]), np.array([len(there)]), there, np.array(q)[there])
    found = distances(batch, of)[0]
    rooted = len({row[-1] for row in levels}) == 1
    root = () if rooted else NO_ROOT
    paths = [_of_null(levels, rooted) if row == hierarchies.OF_NULL else (*levels[row], *root) for row in at]
    assert found == pytest.approx(by_carrying(q, p, paths), abs=1e-12)
    p_shares, q_shares = ([each / sum(all_) for each in all_] for all_ in (p, q))
    named = [tuple("/".join(path[level:]) for level in range(1, len(path))) for path in paths]
    assert found == pytest.approx(reference.by_tree(q_shares, p_shares, named), abs=1e-12)


def _of_null(levels: list[Path], rooted: bool) -> Path:
    """A branch of its own, which meets others at the root."""
    own = ("null",) * (len(levels[0]) - 1)
    return (*own, levels[0][-1]) if rooted else (*own, "null", *NO_ROOT)


@pytest.mark.parametrize(("other", "thirds"), [("bronchitis", 1), ("pulmonary embolism", 2), ("stomach cancer", 3)])
def test_how_far_diseases_are_apart_in_the_paper(other: str, thirds: int) -> None:
    """Section 4: flu and bronchitis 1/3, flu and pulmonary embolism 2/3, flu and stomach cancer 3/3. Half of the table
    has flu, and all of the class: a half is carried."""
    names = sorted(["flu", other])
    at = np.array([[row[0] for row in DISEASES].index(name) for name in names])
    of = Whole(np.array([1, 1]), parents=hierarchies.parents(DISEASES, at))
    batch = Batch.of(np.array([1]), np.array([1]), np.array([names.index("flu")]), np.array([1]))
    assert distances(batch, of)[0] * 2 == pytest.approx(thirds / 3)


def test_diseases_of_nine_people(spark: SparkSession) -> None:
    """The paper's salaries and diseases, of three classes. By hand: of ulcer, gastritis, cancer, flu, bronchitis and
    pneumonia there are 1, 2, 2, 1, 2 and 1 in all. The second class has one gastritis, flu and bronchitis: of leaves
    1/9 + 2/9 + 1/9 are too many, of their groups and systems 2/9 each (one of three has a lung disease less than four
    of nine: two of three): (4/9 + 2/9 + 2/9) / 3. The others: (5/9 + 1/9 + 1/9) / 3 and (3/9 + 1/9 + 1/9) / 3."""
    classes = {
        "4767*": [(3, "gastric ulcer"), (5, "stomach cancer"), (9, "pneumonia")],
        "4790*": [(6, "gastritis"), (11, "flu"), (8, "bronchitis")],
        "4760*": [(4, "gastritis"), (7, "bronchitis"), (10, "stomach cancer")],
    }
    made = [(code, *row) for code, mine in classes.items() for row in mine]
    rows = spark.createDataFrame(made, "zip string, pay int, ill string")
    found = risk.measure(rows, ["zip"], ["ill", "pay"], hierarchies={"ill": DISEASES}).to_dict()["sensitive"]
    assert found["ill"]["t"] == pytest.approx(8 / 27)
    assert found["pay"]["t"] == pytest.approx(1 / 6), "0.167 in the paper"
    only_first = rows.withColumn("zip", rows["zip"] == "4767*")
    t = risk.measure(only_first, ["zip"], ["ill"], hierarchies={"ill": DISEASES}).to_dict()["sensitive"]["ill"]["t"]
    assert t == pytest.approx(7 / 27)
